//! Which calls may be made again, and the calls that clients make most.

use std::any::Any;

use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Choice, CustomData, Offset};
use vigie_protocol::id::{OperatorId, SessionId};
use vigie_protocol::method::{
    AddNote, Answer, Close, Done, Draft, Empty, Fail, History, HistoryPage, Intent, Method,
    OperatorList, Operators, Past, Ping, Rate, ReadPast, Refresh, Release, RequestHuman, Revoke,
    Say, Serve, SetData, SetIntent, Subscribe, TakeOver, Transfer, Typing, Unsubscribe, Unwatch,
    ViewPage, Watch,
};
use vigie_protocol::push::Turn;

use super::Client;
use crate::error::CallError;
use crate::new_key;

/// Whether a call that failed is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// The caller must know.
    Never,
    /// After a while, on whatever connection there is then.
    Later,
    /// As soon as there is another connection.
    OnAnotherLink,
}

/// Judges a failed call of a method.
pub(super) fn again(method: &str, error: &CallError) -> Again {
    match error {
        CallError::NotSent(_) => Again::OnAnotherLink,
        CallError::Unanswered(_) if is_repeatable(method) => Again::OnAnotherLink,
        // A server that failed may have failed after it had done it.
        CallError::Refused(refusal)
            if refusal.retry && (is_repeatable(method) || refusal.code != ErrorCode::Internal) =>
        {
            Again::Later
        }
        CallError::Unanswered(_)
        | CallError::Refused(_)
        | CallError::Unreadable(_)
        | CallError::Open(_) => Again::Never,
    }
}

/// Whether carrying it out twice comes to the same as once: because it only asks, says what shall
/// hold, or carries a key or an epoch.
fn is_repeatable(method: &str) -> bool {
    matches!(
        method,
        AddNote::NAME
            | Answer::NAME
            | Draft::NAME
            | Fail::NAME
            | History::NAME
            | Operators::NAME
            | Ping::NAME
            | Rate::NAME
            | ReadPast::NAME
            | Refresh::NAME
            | RequestHuman::NAME
            | Say::NAME
            | Serve::NAME
            | SetData::NAME
            | SetIntent::NAME
            | Subscribe::NAME
            | TakeOver::NAME
            | Typing::NAME
            | Unsubscribe::NAME
            | Unwatch::NAME
            | ViewPage::NAME
            | Watch::NAME
    )
}

/// What is called in place of `params` when these were meant for a log that is no more; nothing if
/// they name no place in it.
pub(super) fn renewed<M: Method>(params: &M) -> Result<Option<M>, CallError> {
    let params: &dyn Any = params;
    let renewed: Box<dyn Any> = if let Some(say) = params.downcast_ref::<Say>() {
        Box::new(Say { seen: say.seen.map(|_| 0), ..say.clone() })
    } else if let Some(subscribe) = params.downcast_ref::<Subscribe>() {
        Box::new(Subscribe { offset: 0, ..subscribe.clone() })
    } else if params.is::<Answer>() || params.is::<Fail>() {
        let problem = "the turn was of a log that is no more; if it is open it is asked anew";
        return Err(CallError::Refused(RpcError::new(ErrorCode::StaleTurn, problem)));
    } else {
        return Ok(None);
    };
    Ok(renewed.downcast().ok().map(|renewed| *renewed))
}

/// The error of a call that found the client closed for this reason.
pub(super) fn not_sent(error: &CallError) -> CallError {
    match error {
        CallError::Unanswered(closed) => CallError::NotSent(closed.clone()),
        other => other.clone(),
    }
}

/// Each of these fails as [`Client::call`] does.
impl Client {
    /// Visitors: says something, once, however often it must be sent.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn say(&self, text: impl Into<String>) -> Result<Done, CallError> {
        let text = text.into();
        self.call(&Say { session: None, key: new_key(), text, seen: None, confirm: false }).await
    }

    /// Operators: says something, once. `seen` is the last offset that they had seen; if the
    /// visitor has said more since, it is refused as `unseen` (say it with [`Say::confirm`]).
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn say_to(
        &self,
        session: SessionId,
        text: impl Into<String>,
        seen: Offset,
    ) -> Result<Done, CallError> {
        let (session, text) = (Some(session), text.into());
        self.call(&Say { session, key: new_key(), text, seen: Some(seen), confirm: false }).await
    }

    /// Operators: writes a remark that only operators see.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn note(
        &self,
        session: SessionId,
        text: impl Into<String>,
    ) -> Result<Done, CallError> {
        self.call(&AddNote { session, key: new_key(), text: text.into() }).await
    }

    /// Visitors: asks for a human.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn request_human(&self) -> Result<Done, CallError> {
        self.call(&RequestHuman {}).await
    }

    /// Visitors: opened a page.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn view_page(
        &self,
        url: impl Into<String>,
        title: Option<String>,
    ) -> Result<Done, CallError> {
        self.call(&ViewPage { url: url.into(), title }).await
    }

    /// Takes control of a session from the bot.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn take_over(&self, session: SessionId) -> Result<Done, CallError> {
        self.call(&TakeOver { session, force: false, reason: None }).await
    }

    /// Supervisors and admins: takes control, also from another operator.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn take_over_by_force(
        &self,
        session: SessionId,
        reason: impl Into<String>,
    ) -> Result<Done, CallError> {
        self.call(&TakeOver { session, force: true, reason: Some(reason.into()) }).await
    }

    /// Hands control back to the bot.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn release(&self, session: SessionId) -> Result<Done, CallError> {
        self.call(&Release { session }).await
    }

    /// Hands control over to another operator.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn transfer(
        &self,
        session: SessionId,
        to: OperatorId,
        reason: Option<String>,
    ) -> Result<Done, CallError> {
        self.call(&Transfer { session, to, reason }).await
    }

    /// Supervisors and admins: hands an operator's session back to the bot.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn revoke(
        &self,
        session: SessionId,
        reason: impl Into<String>,
    ) -> Result<Done, CallError> {
        self.call(&Revoke { session, reason: reason.into() }).await
    }

    /// Closes a session.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn close_session(&self, session: SessionId) -> Result<Done, CallError> {
        self.call(&Close { session: Some(session) }).await
    }

    /// Visitors: ends their own session.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn end_session(&self) -> Result<Done, CallError> {
        self.call(&Close { session: None }).await
    }

    /// Visitors: says how they were served, from 1 (bad) to 5; the latest rating counts.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn rate(&self, score: u8, comment: Option<String>) -> Result<Done, CallError> {
        self.call(&Rate { score, comment }).await
    }

    /// Visitors: what the site's page tells of them, in place of what it told before. Told again
    /// with each connection.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn set_data(&self, data: CustomData) -> Result<Done, CallError> {
        let before = self.0.shared.wanted().connect.data.replace(data.clone());
        let outcome = self.call(&SetData { data }).await;
        if outcome.is_err() {
            self.0.shared.wanted().connect.data = before;
        }
        outcome
    }

    /// Operators: the other sessions of a session's visitor, latest first. `before` is the `next`
    /// of the page before this one.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn past(
        &self,
        session: SessionId,
        before: Option<u32>,
        limit: Option<u32>,
    ) -> Result<Past, CallError> {
        self.call(&ReadPast { session, before, limit }).await
    }

    /// A page of a session's past; visitors may leave the session out.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn history(
        &self,
        session: Option<SessionId>,
        after: Offset,
        limit: u32,
    ) -> Result<HistoryPage, CallError> {
        self.call(&History { session, after, limit }).await
    }

    /// The site's operators.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn operators(&self) -> Result<OperatorList, CallError> {
        self.call(&Operators {}).await
    }

    /// Operators: say whether they are available.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn set_intent(&self, intent: Intent) -> Result<Empty, CallError> {
        self.call(&SetIntent { intent }).await
    }

    /// Signal: is typing. Visitors leave the session out and may show what they have typed.
    pub async fn typing(&self, session: Option<SessionId>, text: Option<String>) {
        self.signal(Typing::NAME, &Typing { session, text }).await;
    }

    /// Bots: answer a turn.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn answer(
        &self,
        turn: &Turn,
        text: impl Into<String>,
        choices: Vec<Choice>,
    ) -> Result<Done, CallError> {
        let Turn { session, epoch, turn, .. } = *turn;
        self.call(&Answer { session, epoch, turn, text: text.into(), choices }).await
    }

    /// Bots: give a turn up.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn fail(&self, turn: &Turn, reason: Option<String>) -> Result<Done, CallError> {
        let Turn { session, epoch, turn, .. } = *turn;
        self.call(&Fail { session, epoch, turn, reason }).await
    }

    /// Bots, signal: the whole answer so far.
    pub async fn draft(&self, turn: &Turn, text: impl Into<String>) {
        let Turn { session, epoch, turn, .. } = *turn;
        self.signal(Draft::NAME, &Draft { session, epoch, turn, text: text.into() }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Closed;
    use vigie_protocol::method::{Call, Connect};

    #[test]
    fn every_method_is_known_to_be_repeatable_or_not() {
        let once = [Close::NAME, Connect::NAME, Release::NAME, Revoke::NAME, Transfer::NAME];
        for method in Call::NAMES {
            assert_ne!(is_repeatable(method), once.contains(method), "{method}");
        }
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_if_that_is_harmless() {
        let lost = || Closed::lost("cut");
        let refused = |code| CallError::Refused(RpcError::new(code, ""));
        for (method, error, verdict) in [
            (Say::NAME, CallError::Unanswered(lost()), Again::OnAnotherLink),
            (Release::NAME, CallError::Unanswered(lost()), Again::Never),
            (Release::NAME, CallError::NotSent(lost()), Again::OnAnotherLink),
            (Release::NAME, refused(ErrorCode::Busy), Again::Later),
            (Release::NAME, refused(ErrorCode::Internal), Again::Never),
            (Say::NAME, refused(ErrorCode::Internal), Again::Later),
            (Say::NAME, refused(ErrorCode::Unseen), Again::Never),
        ] {
            assert_eq!(again(method, &error), verdict, "{method} {error}");
        }
    }
}
