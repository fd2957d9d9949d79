//! What is to be written to one socket.
//!
//! Any thread may put frames in; the connection takes them out as its socket allows. Bounded in
//! bytes: whoever reads too slowly loses the connection, never single messages, and resumes. So
//! nobody who writes ever waits for a reader.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use serde::Serialize;
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::event::Millis;
use vigie_protocol::push::{Notification, Problem};
use vigie_protocol::rpc::{self, Encoding, Id};

use crate::metrics::metrics;

/// Signals are dropped while more than this waits to be written, in bytes.
pub const SIGNAL_BYTES_MAX: usize = 64 * 1024;

/// A long history is read further while less than this waits to be written, in bytes; with a small
/// outbox, while less than half of it does.
pub const REFILL_BYTES: usize = 128 * 1024;

/// How many requests of one connection may be in work; beyond it the socket is not read.
pub const IN_FLIGHT_MAX: u32 = 64;

/// How much of an unknown method's name is told back.
const METHOD_CHARS_MAX: usize = 64;

/// Names a connection within this process.
pub type ConnectionId = u64;

/// What is to be written to one socket, shared by all who write to it.
#[derive(Debug)]
pub struct Outbox {
    id: ConnectionId,
    encoding: Encoding,
    bytes_max: usize,
    state: Mutex<State>,
    in_flight: AtomicU32,
    /// When the peer was last heard, in the server's time.
    heard: AtomicU64,
    /// When the client's token expires; 0 for never.
    expires: AtomicU64,
    connected: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Frame>,
    bytes: usize,
    close: Option<CloseCode>,
    gone: bool,
    /// The connection that writes.
    writer: Option<Waker>,
    /// A history that waits for room.
    refill: Option<Waker>,
}

#[derive(Debug)]
struct Frame {
    bytes: Bytes,
    /// Signals of the same key may stand in for each other.
    signal: Option<u64>,
}

/// What the connection is to do next.
#[derive(Debug)]
pub enum Next {
    /// Write this.
    Frame(Bytes),
    /// All is written: say goodbye and close.
    Close(CloseCode),
    /// Nothing for now.
    Idle,
}

impl Outbox {
    /// An empty outbox that takes `bytes_max` bytes.
    pub fn new(id: ConnectionId, encoding: Encoding, bytes_max: usize, now: Millis) -> Arc<Self> {
        Arc::new(Self {
            id,
            encoding,
            bytes_max,
            state: Mutex::default(),
            in_flight: AtomicU32::new(0),
            heard: AtomicU64::new(now),
            expires: AtomicU64::new(0),
            connected: AtomicBool::new(false),
        })
    }

    /// Whose outbox it is.
    pub const fn id(&self) -> ConnectionId {
        self.id
    }

    /// How the connection's messages are written.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Puts an encoded message in. At the bound, everything waiting is dropped and the connection
    /// is closed as a slow consumer. A message that nothing waits before is taken however long it
    /// is: its reader is not slow.
    pub fn push(&self, bytes: Bytes) {
        let mut state = self.lock();
        if state.gone || state.close.is_some() {
            return;
        }
        state.grow(bytes.len());
        if state.bytes > self.bytes_max && !state.queue.is_empty() {
            state.clear();
            state.close = Some(CloseCode::SlowConsumer);
        } else {
            state.queue.push_back(Frame { bytes, signal: None });
        }
        wake(state.writer.take());
    }

    /// Puts a signal in, or drops it: signals may be lost. One that directly follows another of
    /// the same key takes its place.
    pub fn push_signal(&self, key: u64, bytes: Bytes) {
        let mut state = self.lock();
        if state.gone || state.close.is_some() || state.bytes + bytes.len() > SIGNAL_BYTES_MAX {
            return;
        }
        let length = bytes.len();
        let frame = Frame { bytes, signal: Some(key) };
        if let Some(last) = state.queue.back_mut().filter(|last| last.signal == Some(key)) {
            let replaced = std::mem::replace(last, frame);
            state.shrink(replaced.bytes.len());
        } else {
            state.queue.push_back(frame);
        }
        state.grow(length);
        wake(state.writer.take());
    }

    /// Encodes a notification and puts it in.
    pub fn notify<N: Notification>(&self, params: &N) {
        self.push(rpc::notification(self.encoding, N::NAME, params).into());
    }

    /// Closes the connection once what waits is written. The first code counts.
    pub fn close(&self, code: CloseCode) {
        let mut state = self.lock();
        state.close.get_or_insert(code);
        wake(state.writer.take());
        wake(state.refill.take());
    }

    /// Whether the connection is closed or about to be.
    pub fn closing(&self) -> bool {
        let state = self.lock();
        state.gone || state.close.is_some()
    }

    /// Why the server closes the connection; `None` if it does not.
    pub fn close_code(&self) -> Option<CloseCode> {
        self.lock().close
    }

    /// The socket is gone: nothing is taken any more.
    pub fn retire(&self) {
        let mut state = self.lock();
        state.gone = true;
        state.clear();
        wake(state.refill.take());
    }

    /// Takes the next thing to do; registers the connection to be woken if there is none.
    pub fn next(&self, context: &Context<'_>) -> Next {
        let mut state = self.lock();
        if let Some(frame) = state.queue.pop_front() {
            state.shrink(frame.bytes.len());
            wake(state.refill.take());
            if state.queue.is_empty() {
                state.queue = VecDeque::new();
            }
            return Next::Frame(frame.bytes);
        }
        if let Some(code) = state.close {
            return Next::Close(code);
        }
        state.attend(context);
        Next::Idle
    }

    /// Has the connection woken also while its socket takes nothing: otherwise it would not notice
    /// that it is to close.
    pub fn attend(&self, context: &Context<'_>) {
        self.lock().attend(context);
    }

    /// Resolves when there is room for so many bytes of history, whose reader must never look slow
    /// because of it; false if the connection closes.
    pub async fn room(&self, bytes: usize) -> bool {
        let refill = REFILL_BYTES.min(self.bytes_max / 2);
        std::future::poll_fn(|context| {
            let mut state = self.lock();
            if state.gone || state.close.is_some() {
                return Poll::Ready(false);
            }
            if state.queue.is_empty() || state.bytes + bytes <= refill {
                return Poll::Ready(true);
            }
            state.refill = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Makes the connection look at its state again.
    pub fn wake(&self) {
        wake(self.lock().writer.take());
    }

    /// Notes that the peer was heard.
    pub fn hear(&self, now: Millis) {
        self.heard.store(now, Ordering::Relaxed);
    }

    /// When the peer was last heard.
    pub fn heard(&self) -> Millis {
        self.heard.load(Ordering::Relaxed)
    }

    /// Notes that the client has said who it is.
    pub fn set_connected(&self) {
        self.connected.store(true, Ordering::Relaxed);
    }

    /// Whether the client has said who it is.
    pub fn connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Sets when the client's token expires.
    pub fn set_expires(&self, expires: Millis) {
        self.expires.store(expires, Ordering::Relaxed);
    }

    /// Whether the client's token has expired.
    pub fn expired(&self, now: Millis) -> bool {
        let expires = self.expires.load(Ordering::Relaxed);
        expires != 0 && expires <= now
    }

    /// How many requests are in work.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn grow(&mut self, bytes: usize) {
        self.bytes += bytes;
        metrics().delivery.wait(bytes);
    }

    fn shrink(&mut self, bytes: usize) {
        self.bytes -= bytes;
        metrics().delivery.wait_no_more(bytes);
    }

    fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.shrink(self.bytes);
    }

    fn attend(&mut self, context: &Context<'_>) {
        if !self.writer.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.writer = Some(context.waker().clone());
        }
    }
}

/// What nobody has taken waits no longer.
impl Drop for State {
    fn drop(&mut self) {
        self.clear();
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The answer that a client waits for. Dropped unanswered, it says so: a failure never looks like
/// success, nor like silence.
#[derive(Debug)]
pub struct Reply {
    outbox: Arc<Outbox>,
    /// What to answer under; a notification's method if there is nothing to answer.
    to: Option<To>,
}

#[derive(Debug)]
enum To {
    Request(Id),
    Notification(String),
}

impl Reply {
    /// The answer to a request.
    pub fn to_request(outbox: &Arc<Outbox>, id: Id) -> Self {
        outbox.in_flight.fetch_add(1, Ordering::AcqRel);
        Self { outbox: Arc::clone(outbox), to: Some(To::Request(id)) }
    }

    /// A notification is answered only when it cannot be followed.
    pub fn to_notification(outbox: &Arc<Outbox>, method: &str) -> Self {
        outbox.in_flight.fetch_add(1, Ordering::AcqRel);
        Self {
            outbox: Arc::clone(outbox),
            to: Some(To::Notification(method.chars().take(METHOD_CHARS_MAX).collect())),
        }
    }

    /// Answers.
    pub fn send<T: Serialize>(mut self, outcome: &Result<T, RpcError>) {
        self.answer(outcome);
    }

    /// Refuses.
    pub fn refuse(self, error: RpcError) {
        self.send::<()>(&Err(error));
    }

    /// Whose request it is.
    pub const fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    fn answer<T: Serialize>(&mut self, outcome: &Result<T, RpcError>) {
        let to = self.to.take();
        if let (Some(_), Err(error)) = (&to, outcome) {
            metrics().connections.refuse(error.code);
        }
        match (to, outcome) {
            (Some(To::Request(id)), outcome) => {
                self.outbox.push(rpc::response(self.outbox.encoding, &id, outcome).into());
            }
            (Some(To::Notification(method)), Err(error)) => {
                self.outbox.notify(&Problem { method, error: error.clone() });
            }
            (Some(To::Notification(_)), Ok(_)) | (None, _) => {}
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        let lost = RpcError::new(ErrorCode::Internal, "the request was lost; try again");
        self.answer::<()>(&Err(lost));
        self.outbox.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.outbox.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Arc<Outbox> {
        Outbox::new(1, Encoding::Json, 1000, 0)
    }

    fn drain(outbox: &Outbox) -> (Vec<Bytes>, Next) {
        let mut frames = vec![];
        let context = Context::from_waker(Waker::noop());
        loop {
            match outbox.next(&context) {
                Next::Frame(bytes) => frames.push(bytes),
                end => return (frames, end),
            }
        }
    }

    #[test]
    fn at_the_bound_the_reader_is_closed_as_slow_and_nothing_half_is_sent() {
        let outbox = outbox();
        for _ in 0..11 {
            outbox.push(Bytes::from_static(&[7; 100]));
        }
        let (frames, end) = drain(&outbox);
        assert!(frames.is_empty());
        assert!(matches!(end, Next::Close(CloseCode::SlowConsumer)));
    }

    #[test]
    fn one_long_message_is_no_sign_of_a_slow_reader() {
        let outbox = outbox();
        outbox.push(Bytes::from_static(&[7; 1001]));
        let (frames, end) = drain(&outbox);
        assert_eq!(frames.len(), 1);
        assert!(matches!(end, Next::Idle));
    }

    #[test]
    fn history_leaves_half_of_the_outbox_free() {
        let outbox = outbox();
        let mut context = Context::from_waker(Waker::noop());
        let mut room = |bytes| Box::pin(outbox.room(bytes)).as_mut().poll(&mut context);
        assert_eq!(room(2000), Poll::Ready(true), "nothing waits before it");
        outbox.push(Bytes::from_static(&[7; 300]));
        assert_eq!(room(200), Poll::Ready(true));
        assert_eq!(room(201), Poll::Pending);
        outbox.close(CloseCode::GoingAway);
        assert_eq!(room(201), Poll::Ready(false));
    }

    #[test]
    fn what_waits_is_written_before_the_close() {
        let outbox = outbox();
        outbox.push(Bytes::from_static(b"a"));
        outbox.close(CloseCode::GoingAway);
        outbox.push(Bytes::from_static(b"late"));
        let (frames, end) = drain(&outbox);
        assert_eq!(frames, [Bytes::from_static(b"a")]);
        assert!(matches!(end, Next::Close(CloseCode::GoingAway)));
    }

    #[test]
    fn a_signal_takes_the_place_of_the_one_before_it_but_never_of_an_event() {
        let outbox = outbox();
        outbox.push_signal(5, Bytes::from_static(b"draft 1"));
        outbox.push_signal(5, Bytes::from_static(b"draft 2"));
        outbox.push(Bytes::from_static(b"event"));
        outbox.push_signal(5, Bytes::from_static(b"draft 3"));
        let (frames, _) = drain(&outbox);
        assert_eq!(frames, ["draft 2", "event", "draft 3"].map(Bytes::from));
    }

    #[test]
    fn a_request_that_gets_lost_is_answered_all_the_same() {
        let outbox = outbox();
        drop(Reply::to_request(&outbox, Id::Number(4)));
        let (frames, _) = drain(&outbox);
        let text = std::str::from_utf8(&frames[0]).unwrap();
        assert!(text.contains("-32603") && text.contains("\"id\":4"), "{text}");
        assert_eq!(outbox.in_flight(), 0);
    }
}
