//! What the engine must see to after a session has changed.
//!
//! Effects follow from what a session *wants* before and after, not from single events: after a
//! restart, a conflict or a batch the difference is the same, so nothing is asked twice and
//! nothing is forgotten.

use vigie_protocol::event::{BotFailure, Epoch, Offset};
use vigie_protocol::id::OperatorId;
use vigie_protocol::push::RevokeReason;

use crate::core::session::Session;

/// What a session wants of the rest of the engine, as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// An answer of the bot: under which epoch, to which turn.
    pub turn: Option<(Epoch, Offset)>,
    /// A lease on its control: whose, since which epoch.
    pub lease: Option<(OperatorId, Epoch)>,
    /// The epoch under which the bot is in control.
    bot_epoch: Option<Epoch>,
}

/// Something to see to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the bot.
    AskBot {
        /// The epoch to answer under.
        epoch: Epoch,
        /// The turn to answer.
        turn: Offset,
    },
    /// Tell the bot that its answer is no longer wanted.
    RevokeTurn {
        /// Which turn.
        turn: Offset,
        /// Why.
        reason: RevokeReason,
    },
    /// Tell the bot what the human did.
    HandBack,
    /// Watch over an operator's connectivity.
    Hold {
        /// Whose.
        operator: OperatorId,
        /// Since which epoch they are in control.
        epoch: Epoch,
    },
    /// Stop watching over it.
    LetGo {
        /// Whose.
        operator: OperatorId,
    },
}

impl Wants {
    /// What a session wants.
    pub fn of(session: &Session) -> Self {
        if session.closed() || session.head() == 0 {
            return Self::default();
        }
        Self {
            turn: session.turn().map(|turn| (session.epoch(), turn)),
            lease: session.holder().map(|operator| (operator.clone(), session.epoch())),
            bot_epoch: (!session.held()).then(|| session.epoch()),
        }
    }
}

/// What to see to, now that a session that wanted `before` is as it is.
pub fn effects(before: &Wants, session: &Session) -> Vec<Effect> {
    let after = Wants::of(session);
    let mut effects = Vec::new();
    if before.lease != after.lease {
        if let Some((operator, _)) = &before.lease
            && after.lease.as_ref().is_none_or(|(holder, _)| holder != operator)
        {
            effects.push(Effect::LetGo { operator: operator.clone() });
        }
        if let Some((operator, epoch)) = after.lease.clone() {
            effects.push(Effect::Hold { operator, epoch });
        }
    }
    if before.turn != after.turn
        && let Some((epoch, turn)) = before.turn
        && let Some(reason) = revoke_reason(epoch, turn, session)
    {
        effects.push(Effect::RevokeTurn { turn, reason });
    }
    // A fresh fold wants nothing before: what lies in its past was told in its time.
    if before
        .bot_epoch
        .or(before.lease.as_ref().map(|(_, epoch)| *epoch))
        .is_some_and(|epoch| after.bot_epoch.is_some_and(|now| now > epoch))
    {
        effects.push(Effect::HandBack);
    }
    if before.turn != after.turn
        && let Some((epoch, turn)) = after.turn
    {
        effects.push(Effect::AskBot { epoch, turn });
    }
    effects
}

/// Why a turn that is no longer open was not answered; `None` if it was, or if the bot gave it up.
fn revoke_reason(epoch: Epoch, turn: Offset, session: &Session) -> Option<RevokeReason> {
    if session.answer_to(turn).is_some() {
        None
    } else if session.closed() {
        Some(RevokeReason::Closed)
    } else if session.epoch() != epoch {
        Some(RevokeReason::TakenOver)
    } else if session.asked() > turn {
        Some(RevokeReason::Superseded)
    } else if session.failure() == Some(BotFailure::Timeout) {
        Some(RevokeReason::Timeout)
    } else {
        None
    }
}
