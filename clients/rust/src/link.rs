//! One connection: requests find their responses, pushes wait in order, pings keep it honest.
//!
//! A link never reconnects: when it has ended it says why, and what was not answered stays
//! unanswered. That is what most tests want to see, and what [`Client`](crate::Client) builds on.

mod pulse;

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep_until, timeout};
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::method::{Connected, Empty, Method, Ping, Watching};
use vigie_protocol::push::{Problem, Push};
use vigie_protocol::rpc::{self, Encoding, Id, Message, Params};

use self::pulse::Pulse;
use crate::endpoint::Endpoint;
use crate::error::{CallError, Closed, OpenError};
use crate::wire::{Heard, Options, Receiver, Sender, Wire};

/// How many messages may wait to be written; beyond that calls wait to be sent.
const OUTGOING_MAX: usize = 64;

/// How many messages are written with one flush at most.
const FLUSH_MESSAGES_MAX: usize = 32;

/// How long what was sent before a link was dropped may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long the server's last words may take to arrive once nothing can be written any more.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// One connection to the engine. Dropping it closes it, after what was sent has left.
///
/// Pushes wait in a bounded queue ([`Options::pushes_max`]); when it is full nothing more is read
/// from the socket, answers included. So whoever follows sessions must take their pushes.
#[derive(Debug)]
pub struct Link {
    shared: Arc<Shared>,
    calls: Semaphore,
    pushes: tokio::sync::Mutex<mpsc::Receiver<Box<Incoming>>>,
    // Ends the task that owns the socket when it goes.
    alive: Mutex<Option<oneshot::Sender<()>>>,
    outgoing: mpsc::Sender<Vec<u8>>,
}

/// What comes in order with the pushes.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A push.
    Push(Push),
    /// A snapshot of the live list: the deltas behind it in the queue change this one.
    Watching(Watching),
}

impl Link {
    /// Opens a connection. The first call must be `connect`.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(endpoint: &Endpoint, options: &Options) -> Result<Self, OpenError> {
        let wire = Wire::open(endpoint, options).await?;
        let shared = Arc::new(Shared {
            encoding: wire.encoding(),
            bytes_max: options.message_bytes_max,
            waiting: Mutex::new(Some(HashMap::new())),
            next_id: AtomicU32::new(1),
            heartbeat: AtomicU64::new(millis(options.heartbeat)),
            closed: OnceLock::new(),
        });
        let (outgoing, to_write) = mpsc::channel(OUTGOING_MAX);
        let (queue, pushes) = mpsc::channel(options.pushes_max.max(1));
        let (alive, dropped) = oneshot::channel();
        let reader = Reader {
            shared: shared.clone(),
            receiver: wire.receiver,
            queue,
            outgoing: outgoing.downgrade(),
            pulse: Pulse::new(wire.heard),
        };
        tokio::spawn(run(shared.clone(), reader, wire.sender, to_write, dropped));
        Ok(Self {
            shared,
            calls: Semaphore::new(options.calls_max.max(1)),
            pushes: tokio::sync::Mutex::new(pushes),
            alive: Mutex::new(Some(alive)),
            outgoing,
        })
    }

    /// Asks the server to do something and waits for its answer. Dropping the future does not
    /// take back what was sent.
    ///
    /// # Errors
    /// The server refuses, or the connection ends before the answer.
    pub async fn call<M: Method>(&self, params: &M) -> Result<M::Result, CallError> {
        let _turn = self.calls.acquire().await.map_err(|_| self.not_sent())?;
        let (tell, told) = oneshot::channel();
        let learned = self.shared.clone();
        let waiting = self.shared.expect(Box::new(move |outcome| {
            let result = outcome
                .map_err(CallError::Refused)
                .and_then(|result| result.decode::<M::Result>().map_err(CallError::Unreadable));
            let incoming = result.as_ref().ok().and_then(|result| learned.learn(result));
            // The caller may have gone; the server's answer still counts.
            let _ = tell.send(result);
            incoming
        }))?;
        let bytes = rpc::request(self.shared.encoding, waiting.id, M::NAME, params);
        self.outgoing.send(bytes).await.map_err(|_| self.not_sent())?;
        told.await.unwrap_or_else(|_| Err(CallError::Unanswered(self.shared.why_closed())))
    }

    /// Tells the server something that wants no answer.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn notify<T: Serialize>(&self, method: &str, params: &T) -> Result<(), Closed> {
        self.raw_send(rpc::notification(self.shared.encoding, method, params)).await
    }

    /// Tells the server something momentary, which is dropped if it cannot leave at once.
    pub fn signal<T: Serialize>(&self, method: &str, params: &T) {
        let _ = self.outgoing.try_send(rpc::notification(self.shared.encoding, method, params));
    }

    /// Sends bytes as they are; for tests of what no client should send.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn raw_send(&self, bytes: Vec<u8>) -> Result<(), Closed> {
        self.outgoing.send(bytes).await.map_err(|_| self.shared.why_closed())
    }

    /// The next push, in the server's order. An answer to what could not be read as a request
    /// comes as [`Push::Problem`] without a method. `bye` is not a push but the reason of
    /// [`Closed`]. Safe to cancel.
    ///
    /// # Errors
    /// The connection has ended, and every push before that has been taken.
    pub async fn next_push(&self) -> Result<Push, Closed> {
        loop {
            if let Incoming::Push(push) = self.next_incoming().await? {
                return Ok(push);
            }
        }
    }

    pub(crate) async fn next_incoming(&self) -> Result<Incoming, Closed> {
        let incoming = self.pushes.lock().await.recv().await;
        incoming.map(|boxed| *boxed).ok_or_else(|| self.shared.why_closed())
    }

    /// Ends the connection, after what was sent has left. Calls in work stay unanswered.
    pub fn close(&self) {
        drop(self.alive.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// How messages are written.
    pub fn encoding(&self) -> Encoding {
        self.shared.encoding
    }

    /// How the connection has ended, if it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.shared.closed.get()
    }

    fn not_sent(&self) -> CallError {
        CallError::NotSent(self.shared.why_closed())
    }
}

/// What to do with a response; may yield something that belongs among the pushes.
type Waiting = Box<dyn for<'a> FnOnce(Result<Params<'a>, RpcError>) -> Option<Incoming> + Send>;

/// What the callers and the task share.
struct Shared {
    encoding: Encoding,
    bytes_max: usize,
    /// Requests without response; `None` once the connection has ended.
    waiting: Mutex<Option<HashMap<u32, Waiting>>>,
    next_id: AtomicU32,
    /// Milliseconds.
    heartbeat: AtomicU64,
    closed: OnceLock<Closed>,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Option<HashMap<u32, Waiting>>> {
        // Nothing that holds this lock can leave the map half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self) -> u32 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits for the response to a new request, for as long as the returned value lives.
    fn expect(&self, then: Waiting) -> Result<Expected<'_>, CallError> {
        let mut waiting = self.waiting();
        let Some(map) = waiting.as_mut() else {
            return Err(CallError::NotSent(self.why_closed()));
        };
        let mut id = self.id();
        while map.contains_key(&id) {
            id = self.id();
        }
        map.insert(id, then);
        Ok(Expected { shared: self, id })
    }

    fn take(&self, id: u32) -> Option<Waiting> {
        self.waiting().as_mut().and_then(|map| map.remove(&id))
    }

    /// What some answers tell the link itself.
    fn learn(&self, result: &dyn Any) -> Option<Incoming> {
        if let Some(connected) = result.downcast_ref::<Connected>() {
            self.heartbeat.store(connected.heartbeat.max(1), Ordering::Relaxed);
        }
        result.downcast_ref::<Watching>().cloned().map(Incoming::Watching)
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat.load(Ordering::Relaxed))
    }

    fn why_closed(&self) -> Closed {
        self.closed.get().cloned().unwrap_or_else(Closed::by_us)
    }

    fn close(&self, closed: Closed) {
        let _ = self.closed.set(closed);
        // Each caller notices that its answer will not come.
        let unanswered = self.waiting().take();
        drop(unanswered);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("encoding", &self.encoding)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// A request without response. Forgotten when its caller goes.
struct Expected<'a> {
    shared: &'a Shared,
    id: u32,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        drop(self.shared.take(self.id));
    }
}

/// Reads and writes until the connection ends or its [`Link`] is dropped.
async fn run(
    shared: Arc<Shared>,
    mut reader: Reader,
    sender: Sender,
    to_write: mpsc::Receiver<Vec<u8>>,
    dropped: oneshot::Receiver<()>,
) {
    let sent = reader.pulse.sent.clone();
    let reading = reader.read();
    let writing = write(sender, to_write, sent);
    tokio::pin!(reading, writing);
    let closed = tokio::select! {
        closed = &mut reading => closed,
        written = &mut writing => match written {
            Ok(()) => Closed::by_us(),
            // The server may have said why before it stopped listening.
            Err(closed) => timeout(LAST_WORDS, &mut reading).await.unwrap_or(closed),
        },
        _ = dropped => {
            let _ = timeout(FAREWELL, &mut writing).await;
            Closed::by_us()
        }
    };
    // Before the queues go: whoever finds them gone asks why.
    shared.close(closed);
}

/// Writes until all senders are gone, then says goodbye.
async fn write(
    mut sender: Sender,
    mut to_write: mpsc::Receiver<Vec<u8>>,
    sent: Heard,
) -> Result<(), Closed> {
    let mut batch = Vec::new();
    while to_write.recv_many(&mut batch, FLUSH_MESSAGES_MAX).await > 0 {
        for bytes in batch.drain(..) {
            sender.feed(bytes).await?;
        }
        sender.flush().await?;
        sent.note();
    }
    sender.close().await;
    Ok(())
}

/// The reading half of the task.
struct Reader {
    shared: Arc<Shared>,
    receiver: Receiver,
    queue: mpsc::Sender<Box<Incoming>>,
    outgoing: mpsc::WeakSender<Vec<u8>>,
    pulse: Pulse,
}

impl Reader {
    /// Reads until the connection ends. The queue stays open until it is known why.
    async fn read(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.step().await {
                return closed;
            }
        }
    }

    async fn step(&mut self) -> Result<(), Closed> {
        let heartbeat = self.shared.heartbeat();
        let due = self.pulse.due(heartbeat);
        let incoming = tokio::select! {
            received = self.receiver.receive() => {
                let message =
                    rpc::decode_within(self.shared.encoding, received?, self.shared.bytes_max)
                        .map_err(Closed::nonsense)?;
                take(&self.shared, &self.outgoing, &mut self.pulse, message)?
            }
            () = sleep_until(due) => {
                if self.pulse.beat(heartbeat)? {
                    self.ping();
                }
                None
            }
        };
        match incoming {
            Some(incoming) => self.enqueue(Box::new(incoming)).await,
            None => Ok(()),
        }
    }

    fn ping(&mut self) {
        let id = self.shared.id();
        let sent =
            send_now(&self.outgoing, rpc::request(self.shared.encoding, id, Ping::NAME, &Ping {}));
        self.pulse.pinged(sent.then_some(id));
    }

    async fn enqueue(&mut self, incoming: Box<Incoming>) -> Result<(), Closed> {
        match self.queue.try_send(incoming) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Closed::by_us()),
            Err(mpsc::error::TrySendError::Full(incoming)) => {
                let queued = self.queue.send(incoming).await;
                // While we did not listen, the silence was ours.
                self.pulse.excuse();
                queued.map_err(|_| Closed::by_us())
            }
        }
    }
}

/// Does what a message asks of the link; returns what is for its user.
fn take(
    shared: &Shared,
    outgoing: &mpsc::WeakSender<Vec<u8>>,
    pulse: &mut Pulse,
    message: Message<'_>,
) -> Result<Option<Incoming>, Closed> {
    match message {
        Message::Response { id: Id::Number(number), outcome } => {
            let Ok(id) = u32::try_from(number) else { return Ok(None) };
            if pulse.answered(id) {
                return Ok(None);
            }
            // Nobody may wait for it any more.
            Ok(shared.take(id).and_then(|then| then(outcome)))
        }
        Message::Response { outcome: Err(error), .. } => {
            Ok(Some(Incoming::Push(Push::Problem(Problem { method: String::new(), error }))))
        }
        Message::Response { .. } => Ok(None),
        Message::Request { id, method, .. } => {
            let outcome = match &*method {
                Ping::NAME => Ok(Empty {}),
                _ => Err(RpcError::new(
                    ErrorCode::MethodNotFound,
                    "a client answers nothing but ping",
                )),
            };
            send_now(outgoing, rpc::response(shared.encoding, &id, &outcome));
            Ok(None)
        }
        Message::Notification { method, params } => {
            match Push::decode(&method, &params).map_err(Closed::nonsense)? {
                Push::Bye(bye) => Err(Closed {
                    reconnect: bye.reconnect,
                    ..Closed::by_server(bye.code, bye.reason)
                }),
                push => Ok(Some(Incoming::Push(push))),
            }
        }
    }
}

/// Sends a sign of life unless the queue is full: then what fills it is one. Never waits, as a
/// reader that waits for a writer may wait for ever.
fn send_now(outgoing: &mpsc::WeakSender<Vec<u8>>, bytes: Vec<u8>) -> bool {
    outgoing.upgrade().is_some_and(|outgoing| outgoing.try_send(bytes).is_ok())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
