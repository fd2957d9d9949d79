//! The task that opens one connection after the other, puts back what is wanted, and turns what
//! comes into events.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use vigie_protocol::error::{CloseCode, ErrorCode};
use vigie_protocol::event::Millis;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Connected, Identity, Refresh, Serve, Subscribe, Watch};
use vigie_protocol::push::{EventPush, Live, Push};

use super::follow::{Follow, Verdict};
use super::{ClientEvent, Shared, State};
use crate::error::{CallError, Closed};
use crate::link::{Incoming, Link};

/// A connection that lived this long was worth it: the next attempt after it waits but shortly.
const WORTHWHILE: Duration = Duration::from_secs(10);

/// How far ahead a token's expiry is looked at; tokens that live longer are looked at again.
const REFRESH_AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The shortest time between two attempts to refresh a token.
const REFRESH_PAUSE: Duration = Duration::from_secs(1);

/// Runs until the connection ends for good.
pub(super) async fn drive(shared: Arc<Shared>, events: mpsc::Sender<ClientEvent>) {
    let mut driver = Driver { shared, events, token: Token::Given, told: false };
    let mut backoff = driver.shared.backoff();
    loop {
        let error = match driver.open().await {
            Ok((link, connected)) => {
                let since = Instant::now();
                let error = driver.stay(&link, connected).await;
                link.close();
                if since.elapsed() >= WORTHWHILE {
                    backoff.reset();
                }
                if error.closed().is_some_and(|closed| closed.code == Some(CloseCode::Resync)) {
                    backoff.hurry();
                }
                error
            }
            Err(error) => error,
        };
        if driver.is_final(&error) {
            driver.shared.state.send_replace(State::Over(error.clone()));
            driver.tell(ClientEvent::Closed(error)).await;
            return;
        }
        driver.shared.state.send_replace(State::Down(Some(error.clone())));
        if !std::mem::replace(&mut driver.told, true) {
            driver.tell(ClientEvent::Disconnected(error)).await;
        }
        sleep(backoff.next()).await;
    }
}

struct Driver {
    shared: Arc<Shared>,
    events: mpsc::Sender<ClientEvent>,
    token: Token,
    /// The user knows that we are disconnected.
    told: bool,
}

/// What is known of the token that the next `connect` carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// The user gave it, or it has served before.
    Given,
    /// It comes from the source and has not served yet.
    Fresh,
    /// It was refused, or has expired.
    Stale,
}

/// Something to do on a link beside reading from it. Yields when our token expires, if that has
/// changed.
type Chore<'a> = Pin<Box<dyn Future<Output = Result<Option<Millis>, CallError>> + Send + 'a>>;

impl Driver {
    /// Opens a connection and introduces itself.
    async fn open(&mut self) -> Result<(Arc<Link>, Connected), CallError> {
        self.renew_token().await?;
        let options = &self.shared.options.wire;
        let link = Link::open(&self.shared.endpoint, options).await.map_err(CallError::Open)?;
        let connect: Connect = self.shared.wanted().connect.clone();
        let connected =
            timeout(options.open_timeout, link.call(&connect)).await.unwrap_or_else(|_| {
                Err(CallError::Unanswered(Closed::lost("connect was not answered in time")))
            })?;
        Ok((Arc::new(link), connected))
    }

    async fn renew_token(&mut self) -> Result<(), CallError> {
        let Some(source) = &self.shared.options.token else { return Ok(()) };
        if self.token != Token::Stale && self.shared.wanted().connect.token.is_some() {
            return Ok(());
        }
        let token = source.token().await.map_err(|problem| {
            CallError::NotSent(Closed::lost(format!("no fresh token: {problem}")))
        })?;
        self.shared.wanted().connect.token = Some(token);
        self.token = Token::Fresh;
        Ok(())
    }

    /// Whether trying again is of no use. A token that is refused is no end if it can be replaced
    /// by a fresh one, or done without.
    fn is_final(&mut self, error: &CallError) -> bool {
        let renewable = self.shared.options.token.is_some();
        match error {
            CallError::Open(error) => error.is_final(),
            CallError::Refused(refusal)
                if matches!(refusal.code, ErrorCode::Unauthorized | ErrorCode::TokenExpired) =>
            {
                // A visitor whose token is not good is a new visitor.
                let forgotten = self.shared.wanted().connect.resume.take().is_some();
                // Fresh from the source and refused: the next one will not be better.
                let refused = std::mem::replace(&mut self.token, Token::Stale);
                !forgotten && (!renewable || refused == Token::Fresh)
            }
            CallError::Refused(refusal) => !refusal.retry,
            CallError::NotSent(closed) | CallError::Unanswered(closed) => {
                let expired = closed.code == Some(CloseCode::TokenExpired);
                if expired {
                    self.token = Token::Stale;
                }
                !(closed.reconnect || expired && renewable)
            }
            CallError::Unreadable(_) => true,
        }
    }

    /// Stays on a link until it ends.
    async fn stay(&mut self, link: &Arc<Link>, connected: Connected) -> CallError {
        self.token = Token::Given;
        self.told = false;
        let this = &*self;
        let resync = this.adopt(&connected);
        // Before the link is anybody's: who wants something further asks for it themselves, and to ask
        // for a session twice would interrupt it, so that signals are lost.
        let mut chores = this.put_back(link);
        this.shared.state.send_replace(State::Up(link.clone()));
        this.tell(ClientEvent::Connected(connected.identity.clone())).await;
        if resync {
            this.tell(ClientEvent::Resync).await;
        }
        let mut expiry = Expiry::of(&connected);
        loop {
            let refresh_at = expiry.as_ref().map_or_else(Instant::now, Expiry::refresh_at);
            let renewable = expiry.is_some() && this.shared.options.token.is_some();
            tokio::select! {
                incoming = link.next_incoming() => match incoming {
                    Ok(incoming) => chores.extend(this.take(link, incoming).await),
                    Err(closed) => return CallError::Unanswered(closed),
                },
                Some(done) = chores.next() => match (done, &mut expiry) {
                    (Ok(Some(expires)), Some(expiry)) => expiry.expires = expires,
                    (Ok(_), _) => {}
                    (Err(error), _) => return error,
                },
                () = sleep_until(refresh_at), if renewable => {
                    if let Some(expiry) = &mut expiry {
                        expiry.tried = Instant::now();
                    }
                    chores.push(this.refresh(link));
                }
                () = this.shared.reconnect.notified() => {
                    return CallError::Unanswered(Closed::lost("another connection is wanted"));
                }
            }
        }
    }

    /// Takes over what `connect` says of us. Whether the server's log is of another generation than
    /// before; then nothing is left of what we had of it.
    fn adopt(&self, connected: &Connected) -> bool {
        let mut wanted = self.shared.wanted();
        let identity = &connected.identity;
        let resync = wanted.identity.is_some() && wanted.generation != connected.generation;
        if resync {
            wanted.resyncs += 1;
            wanted.follows.values_mut().for_each(|follow| *follow = Follow::renewed());
        }
        wanted.generation = connected.generation;
        wanted.clock = Some((connected.time, Instant::now()));
        if let Identity::Visitor { session, resume, .. } = identity {
            wanted.connect.resume = Some(resume.clone());
            let before = match wanted.identity {
                Some(Identity::Visitor { session: before, .. }) if before != *session => before,
                _ => *session,
            };
            if wanted.follows_own && before != *session {
                wanted.follows.remove(&before);
                let follow = if resync { Follow::renewed() } else { Follow::after(0) };
                wanted.follows.insert(*session, follow);
            }
        }
        wanted.identity = Some(identity.clone());
        wanted.revision.forget();
        resync
    }

    /// Everything that the connection before this one had brought about.
    fn put_back<'a>(&'a self, link: &'a Link) -> FuturesUnordered<Chore<'a>> {
        let wanted = self.shared.wanted();
        let chores = FuturesUnordered::new();
        for session in wanted.follows.keys() {
            chores.push(self.follow(link, *session));
        }
        if wanted.window.is_some() {
            chores.push(self.watch(link));
        }
        if wanted.serves {
            chores.push(Box::pin(async { link.call(&Serve {}).await.map(|_| None) }));
        }
        chores
    }

    /// Subscribes from the last event that was accepted.
    fn follow<'a>(&'a self, link: &'a Link, session: SessionId) -> Chore<'a> {
        let last = move || self.shared.wanted().follows.get(&session).map(|follow| follow.last);
        Box::pin(async move {
            let mut backoff = self.shared.backoff();
            while let Some(offset) = last() {
                let asked = link.call(&Subscribe { session: Some(session), offset }).await;
                match asked {
                    Ok(subscribed) => {
                        if self.asked(session) {
                            self.tell(ClientEvent::Renewed(subscribed)).await;
                        }
                        return Ok(None);
                    }
                    Err(CallError::Refused(refusal))
                        if refusal.code == ErrorCode::OffsetAhead && offset > 0 =>
                    {
                        self.shared.wanted().follows.insert(session, Follow::renewed());
                        self.tell(ClientEvent::Restarted { session }).await;
                    }
                    Err(CallError::Refused(error)) if !error.retry => {
                        self.shared.wanted().follows.remove(&session);
                        self.tell(ClientEvent::Unfollowed { session, error }).await;
                    }
                    Err(CallError::Refused(_)) => sleep(backoff.next()).await,
                    Err(error) => return Err(error),
                }
            }
            Ok(None)
        })
    }

    /// What was asked for comes. Whether it is the first of a log that is another one.
    fn asked(&self, session: SessionId) -> bool {
        self.shared.wanted().follows.get_mut(&session).is_some_and(Follow::asked)
    }

    /// Watches the wanted window; the snapshot comes in order with the pushes.
    fn watch<'a>(&'a self, link: &'a Link) -> Chore<'a> {
        Box::pin(async move {
            let window = self.shared.wanted().window.clone();
            match window {
                Some(window) => link.call(&Watch { window }).await.map(|_| None),
                None => Ok(None),
            }
        })
    }

    /// Passes on what came; may find something to do.
    async fn take<'a>(&'a self, link: &'a Link, incoming: Incoming) -> Option<Chore<'a>> {
        let event = match incoming {
            Incoming::Watching(watching) => {
                self.shared.wanted().revision.snapshot(watching.revision);
                ClientEvent::Snapshot(watching)
            }
            Incoming::Push(Push::EventPush(push)) => return self.take_event(link, push).await,
            Incoming::Push(Push::Live(live)) => return self.take_live(link, live).await,
            Incoming::Push(Push::TypingSignal(signal)) => {
                return self.tell_signal(ClientEvent::Typing(signal));
            }
            Incoming::Push(Push::DraftSignal(signal)) => {
                return self.tell_signal(ClientEvent::Draft(signal));
            }
            Incoming::Push(Push::Turn(turn)) => ClientEvent::Turn(turn),
            Incoming::Push(Push::TurnRevoked(revoked)) => ClientEvent::TurnRevoked(revoked),
            Incoming::Push(Push::HandedBack(stretch)) => ClientEvent::HandedBack(stretch),
            Incoming::Push(Push::Status(status)) => ClientEvent::Status(status),
            Incoming::Push(Push::Problem(problem)) => ClientEvent::Problem(problem),
            Incoming::Push(Push::Bye(_) | Push::Unknown(_)) => return None,
        };
        self.tell(event).await;
        None
    }

    async fn take_event<'a>(&'a self, link: &'a Link, push: EventPush) -> Option<Chore<'a>> {
        let session = push.session;
        let verdict = match self.shared.wanted().follows.get_mut(&session) {
            Some(follow) => follow.judge(push.prev, push.offset),
            None => Verdict::Ignore,
        };
        match verdict {
            Verdict::Accept => {
                self.tell(ClientEvent::Event { session, event: push.into_event() }).await;
                None
            }
            Verdict::Ignore => None,
            Verdict::Gap => Some(self.follow(link, session)),
            Verdict::Hopeless => Some(Box::pin(async {
                Err(CallError::Unanswered(Closed::lost(
                    "missing events do not come when asked for",
                )))
            })),
        }
    }

    async fn take_live<'a>(&'a self, link: &'a Link, live: Live) -> Option<Chore<'a>> {
        let verdict = self.shared.wanted().revision.judge(live.revision);
        match verdict {
            Verdict::Accept => {
                self.tell(ClientEvent::Live(live)).await;
                None
            }
            Verdict::Ignore => None,
            Verdict::Gap | Verdict::Hopeless => Some(self.watch(link)),
        }
    }

    /// Replaces the token. If that fails it is tried again until the token expires; then a new
    /// connection needs a fresh one anyway.
    fn refresh<'a>(&'a self, link: &'a Link) -> Chore<'a> {
        Box::pin(async move {
            let Some(source) = &self.shared.options.token else { return Ok(None) };
            let Ok(token) = source.token().await else { return Ok(None) };
            let refreshed = link.call(&Refresh { token: token.clone() }).await.ok();
            Ok(refreshed.map(|refreshed| {
                self.shared.wanted().connect.token = Some(token);
                refreshed.expires
            }))
        })
    }

    /// Tells the user; waits while their queue is full.
    async fn tell(&self, event: ClientEvent) {
        // The user may have gone; then so will this task.
        let _ = self.events.send(event).await;
    }

    fn tell_signal<'a>(&self, event: ClientEvent) -> Option<Chore<'a>> {
        let _ = self.events.try_send(event);
        None
    }
}

/// When a token expires, by the server's clock.
struct Expiry {
    expires: Millis,
    connected: Millis,
    since: Instant,
    tried: Instant,
}

impl Expiry {
    fn of(connected: &Connected) -> Option<Self> {
        let expires = match connected.identity {
            Identity::Visitor { .. } => return None,
            Identity::Operator { expires, .. } | Identity::Bot { expires, .. } => expires,
        };
        let now = Instant::now();
        Some(Self { expires, connected: connected.time, since: now, tried: now })
    }

    /// When two thirds of what was left at the last attempt have passed.
    fn refresh_at(&self) -> Instant {
        let lifetime = Duration::from_millis(self.expires.saturating_sub(self.connected));
        let left = lifetime.saturating_sub(self.tried - self.since).min(REFRESH_AHEAD_MAX);
        self.tried + (left * 2 / 3).max(REFRESH_PAUSE)
    }
}
