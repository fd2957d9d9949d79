//! Many connections, one after the other, that look like one which never breaks.
//!
//! A [`Client`] connects again after every loss that is not final, with exponential backoff and
//! full jitter, and puts everything back: the visitor's session, what was followed (each session
//! from its last event), what was watched, what was served. Events come once, in order, without
//! gap. What must not be lost is sent under a key until it is acknowledged.

mod backoff;
mod calls;
mod driver;
mod follow;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use vigie_protocol::PROTOCOL_VERSION;
use vigie_protocol::card::Window;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Event, Millis, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{
    Connect, Empty, Identity, Method, Serve, Subscribe, Subscribed, Unsubscribe, Unwatch, Watch,
    Watching,
};
use vigie_protocol::push::{
    DraftSignal, HandedBack, Live, Problem, Status, Turn, TurnRevoked, TypingSignal,
};

use self::backoff::Backoff;
use self::follow::{Follow, Revision};
use crate::endpoint::Endpoint;
use crate::error::CallError;
use crate::link::Link;
use crate::wire::Options;

/// How many sessions a client follows at most: as many as the server lets one connection follow.
pub const FOLLOWS_MAX: usize = 256;

/// What a client tells its user, in order.
#[derive(Debug, Clone)]
pub enum ClientEvent {
    /// A connection stands; what was followed, watched and served is being put back.
    Connected(Identity),
    /// The connection was lost, or the first could not be opened yet; another is being tried.
    Disconnected(CallError),
    /// It ended for good: no further event comes.
    Closed(CallError),
    /// An event of a followed session: each once, in order, without gap.
    Event {
        /// Which session.
        session: SessionId,
        /// What happened.
        event: Event,
    },
    /// The server's log of this session is another one than before: what was received of it is
    /// void, and its events come again from the first.
    Restarted {
        /// Which session.
        session: SessionId,
    },
    /// The server's log is of another generation than before, after a loss: whatever was received
    /// is void, and the events of every followed session come again from the first. What was
    /// acknowledged may be in no log any more; what is not acknowledged is sent on.
    Resync,
    /// After [`ClientEvent::Restarted`] or [`ClientEvent::Resync`], of each session that is followed:
    /// its last event, its control and its card as they are now. The first of its events may have
    /// come before.
    Renewed(Subscribed),
    /// The session can no longer be followed.
    Unfollowed {
        /// Which session.
        session: SessionId,
        /// Why.
        error: RpcError,
    },
    /// The watched window of the live list, whole.
    Snapshot(Watching),
    /// A change of it: always of the revision that the event before it left.
    Live(Live),
    /// Signal: somebody is typing. Dropped when the queue is full.
    Typing(TypingSignal),
    /// Signal: a bot's answer so far. Dropped when the queue is full.
    Draft(DraftSignal),
    /// Bots: a visitor waits for an answer.
    Turn(Turn),
    /// Bots: stop working on a turn.
    TurnRevoked(TurnRevoked),
    /// Bots: a human handed the session back.
    HandedBack(HandedBack),
    /// The server does not hear the rest of its cluster, or does so again. Until it does, what is
    /// shown may be behind, and what is sent may be refused for now. Each new connection is well
    /// until told otherwise.
    Status(Status),
    /// A notification that was sent could not be followed.
    Problem(Problem),
}

/// Where fresh tokens come from.
#[derive(Clone)]
pub struct TokenSource(Arc<TokenFn>);

type TokenFn =
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>> + Send + Sync;

impl TokenSource {
    /// Asks `source` for a token before the present one expires, and after it was refused. The
    /// error is for humans; the source is asked again later.
    pub fn new<F, T>(source: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, String>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(source())))
    }

    async fn token(&self) -> Result<String, String> {
        (self.0)().await
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// How each connection is opened and bounded.
    pub wire: Options,
    /// The bound of the first wait before another attempt; it doubles with each.
    pub retry_first: Duration,
    /// The bound that it does not exceed.
    pub retry_max: Duration,
    /// How long [`Client::connect`] tries to open the first connection.
    pub first_connect: Duration,
    /// How many events may wait for their reader. Beyond that nothing more is read from the
    /// socket, answers included, until some are taken.
    pub events_max: usize,
    /// Where fresh tokens come from, for operators and bots.
    pub token: Option<TokenSource>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            wire: Options::default(),
            retry_first: Duration::from_millis(500),
            retry_max: Duration::from_secs(30),
            first_connect: Duration::from_secs(10),
            events_max: 1024,
            token: None,
        }
    }
}

/// A client that keeps itself connected. Clones are the same client; when the last goes, the
/// connection is closed.
#[derive(Debug, Clone)]
pub struct Client(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    events: tokio::sync::Mutex<mpsc::Receiver<ClientEvent>>,
    driver: AbortHandle,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Client {
    /// Connects, trying for at most [`ClientOptions::first_connect`].
    ///
    /// # Errors
    /// The server refuses, or nothing answers in time.
    pub async fn connect(
        endpoint: Endpoint,
        connect: Connect,
        options: ClientOptions,
    ) -> Result<Self, CallError> {
        let patience = options.first_connect;
        let client = Self::start(endpoint, connect, options);
        match timeout(patience, client.link()).await {
            Ok(connected) => connected.map(|_| client),
            Err(_) => Err(client.0.shared.last_problem()),
        }
    }

    /// Starts to connect, and goes on until it is connected or refused for good; the events say
    /// how it goes. Calls wait for the first connection.
    pub fn start(endpoint: Endpoint, connect: Connect, options: ClientOptions) -> Self {
        let (tell, events) = mpsc::channel(options.events_max.max(1));
        let protocol = if connect.protocol == 0 { PROTOCOL_VERSION } else { connect.protocol };
        let wanted = Wanted { connect: Connect { protocol, ..connect }, ..Wanted::default() };
        let shared = Arc::new(Shared {
            endpoint,
            options,
            state: watch::Sender::new(State::Down(None)),
            wanted: Mutex::new(wanted),
            reconnect: Notify::new(),
        });
        let driver = tokio::spawn(driver::drive(shared.clone(), tell)).abort_handle();
        Self(Arc::new(Handle { shared, events: tokio::sync::Mutex::new(events), driver }))
    }

    /// The next event; `None` after [`ClientEvent::Closed`]. Safe to cancel.
    ///
    /// Events wait in a bounded queue; when it is full nothing more is read from the socket,
    /// answers included. So whoever follows sessions must take their events.
    pub async fn next_event(&self) -> Option<ClientEvent> {
        self.0.events.lock().await.recv().await
    }

    /// Who the server took the client for on the latest connection.
    pub fn identity(&self) -> Option<Identity> {
        self.0.shared.wanted().identity.clone()
    }

    /// A visitor's own session.
    pub fn session(&self) -> Option<SessionId> {
        match self.0.shared.wanted().identity {
            Some(Identity::Visitor { session, .. }) => Some(session),
            _ => None,
        }
    }

    /// A visitor's private token: kept, it names them in later visits.
    pub fn resume_token(&self) -> Option<String> {
        self.0.shared.wanted().connect.resume.clone()
    }

    /// What the server's clock shows now; nothing before the first connection.
    pub fn server_time(&self) -> Option<Millis> {
        let (time, at) = self.0.shared.wanted().clock?;
        Some(time + u64::try_from(at.elapsed().as_millis()).unwrap_or_default())
    }

    /// Whether a connection stands.
    pub fn is_connected(&self) -> bool {
        matches!(*self.0.shared.state.borrow(), State::Up(_))
    }

    /// Leaves the present connection for a new one. A visitor whose session was closed starts
    /// another one by this.
    pub fn reconnect(&self) {
        if self.is_connected() {
            self.0.shared.reconnect.notify_one();
        }
    }

    /// Calls a method: waits for a connection, sends the request, waits for the answer.
    ///
    /// What is harmless to repeat, and what is said under a key, is sent again after a lost
    /// connection, and after refusals that ask for it, until it is answered. Anything else only
    /// if it was surely not carried out. Where the order of two calls matters, wait for the first
    /// before making the second: after a lost connection they go in any order. Use [`Client::subscribe`], [`Client::watch`] and
    /// [`Client::serve`] for what must outlive a connection.
    ///
    /// After a [`ClientEvent::Resync`] what names a place in the log is not sent on as it was: an
    /// operator's message has then seen nothing, and an answer to a turn of before is refused as
    /// `stale_turn` (the turn is asked anew if it is open).
    ///
    /// # Errors
    /// The server refuses, the connection is lost with the outcome unknown, or it ended for good.
    pub async fn call<M: Method>(&self, params: &M) -> Result<M::Result, CallError> {
        let mut backoff = self.0.shared.backoff();
        let resyncs = self.0.shared.wanted().resyncs;
        let mut link = self.link().await?;
        loop {
            let is_void = self.0.shared.wanted().resyncs != resyncs;
            let renewed = if is_void { calls::renewed(params)? } else { None };
            let error = match link.call(renewed.as_ref().unwrap_or(params)).await {
                Ok(result) => return Ok(result),
                Err(error) => error,
            };
            match calls::again(M::NAME, &error) {
                calls::Again::Never => return Err(error),
                calls::Again::Later => {
                    sleep(backoff.next()).await;
                    link = self.link().await?;
                }
                calls::Again::OnAnotherLink => {
                    link = self.link_after(&link).await.map_err(|_| error)?;
                }
            }
        }
    }

    /// Tells the server something momentary. Dropped without a word if it cannot leave at once.
    pub async fn signal<T: Serialize>(&self, method: &str, params: &T) {
        if let State::Up(link) = &*self.0.shared.state.borrow() {
            link.signal(method, params);
        }
    }

    /// Follows a session from an offset (0 for everything), over all connections to come: its
    /// events come as [`ClientEvent::Event`].
    ///
    /// # Errors
    /// As [`Client::call`], and `busy` if the client follows [`FOLLOWS_MAX`] sessions; then the
    /// session is not followed.
    pub async fn subscribe(
        &self,
        session: SessionId,
        offset: Offset,
    ) -> Result<Subscribed, CallError> {
        self.0.shared.wanted().follow(session, offset)?;
        // After a reconnect the driver has subscribed from where we were; asking again from the
        // same offset repeats events that are then ignored.
        let subscribed = self.call(&Subscribe { session: Some(session), offset }).await;
        if subscribed.is_err() {
            self.0.shared.wanted().follows.remove(&session);
        }
        subscribed
    }

    /// Follows the visitor's own session, also when a later connection finds another one.
    ///
    /// # Errors
    /// As [`Client::subscribe`]; also if the client is not a visitor.
    pub async fn subscribe_own(&self, offset: Offset) -> Result<Subscribed, CallError> {
        self.link().await?;
        let session = self.session().ok_or_else(|| {
            CallError::Refused(RpcError::new(
                ErrorCode::InvalidParams,
                "only a visitor has a session of their own; name one",
            ))
        })?;
        self.0.shared.wanted().follows_own = true;
        self.subscribe(session, offset).await
    }

    /// Stops following a session.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn unsubscribe(&self, session: SessionId) -> Result<Empty, CallError> {
        self.0.shared.wanted().follows.remove(&session);
        self.call(&Unsubscribe { session }).await
    }

    /// Watches a window of the live list, over all connections to come. The snapshot that is
    /// returned also comes as [`ClientEvent::Snapshot`], in order with the changes to it.
    ///
    /// # Errors
    /// As [`Client::call`]; then the window that was watched before is put back.
    pub async fn watch(&self, window: Window) -> Result<Watching, CallError> {
        let before = self.0.shared.wanted().window.replace(window.clone());
        let watching = self.call(&Watch { window }).await;
        if watching.is_err() {
            self.0.shared.wanted().window = before;
        }
        watching
    }

    /// Stops watching.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn unwatch(&self) -> Result<Empty, CallError> {
        self.0.shared.wanted().stop_watching();
        self.call(&Unwatch {}).await
    }

    /// Serves the site as its bot, over all connections to come.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn serve(&self) -> Result<Empty, CallError> {
        self.0.shared.wanted().serves = true;
        let serving = self.call(&Serve {}).await;
        self.0.shared.wanted().serves = serving.is_ok();
        serving
    }

    /// The connection that stands, or the next one.
    async fn link(&self) -> Result<Arc<Link>, CallError> {
        self.link_where(|_| true).await
    }

    /// The connection after this one, which has ended.
    async fn link_after(&self, ended: &Arc<Link>) -> Result<Arc<Link>, CallError> {
        self.link_where(|link| !Arc::ptr_eq(link, ended)).await
    }

    async fn link_where(&self, fits: impl Fn(&Arc<Link>) -> bool) -> Result<Arc<Link>, CallError> {
        let mut state = self.0.shared.state.subscribe();
        let settled = state
            .wait_for(|state| match state {
                State::Down(_) => false,
                State::Up(link) => fits(link),
                State::Over(_) => true,
            })
            .await;
        match settled.as_deref() {
            Ok(State::Up(link)) => Ok(link.clone()),
            Ok(State::Over(error)) => Err(calls::not_sent(error)),
            // The sender lives in what we hold.
            Ok(State::Down(_)) | Err(_) => Err(self.0.shared.last_problem()),
        }
    }
}

/// What the client's user, the driver and the calls share.
#[derive(Debug)]
struct Shared {
    endpoint: Endpoint,
    options: ClientOptions,
    state: watch::Sender<State>,
    wanted: Mutex<Wanted>,
    /// The user wants a new connection.
    reconnect: Notify,
}

/// How the client is connected.
#[derive(Debug)]
enum State {
    /// Not now; the last problem, if there was one.
    Down(Option<CallError>),
    /// By this link.
    Up(Arc<Link>),
    /// Never again.
    Over(CallError),
}

/// What every connection must bring about.
#[derive(Debug, Default)]
struct Wanted {
    connect: Connect,
    identity: Option<Identity>,
    /// That of the server's log, on the latest connection.
    generation: Option<u64>,
    /// How often it was another one than on the connection before.
    resyncs: u64,
    /// The server's clock, and when it stood there.
    clock: Option<(Millis, Instant)>,
    follows: BTreeMap<SessionId, Follow>,
    follows_own: bool,
    window: Option<Window>,
    revision: Revision,
    serves: bool,
}

impl Wanted {
    fn follow(&mut self, session: SessionId, offset: Offset) -> Result<(), CallError> {
        if self.follows.len() >= FOLLOWS_MAX && !self.follows.contains_key(&session) {
            let problem = format!("a client follows at most {FOLLOWS_MAX} sessions; leave one");
            return Err(CallError::Refused(RpcError::new(ErrorCode::Busy, problem)));
        }
        self.follows.insert(session, Follow::after(offset));
        Ok(())
    }

    fn stop_watching(&mut self) {
        self.window = None;
        self.revision.forget();
    }
}

impl Shared {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        // Nothing that holds this lock can leave it half changed.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(self.options.retry_first, self.options.retry_max)
    }

    fn last_problem(&self) -> CallError {
        match &*self.state.borrow() {
            State::Down(Some(error)) | State::Over(error) => calls::not_sent(error),
            _ => {
                CallError::Open(crate::OpenError::TimedOut { endpoint: self.endpoint.to_string() })
            }
        }
    }
}
