//! The actor that owns a socket.
//!
//! It decodes, routes and encodes. While the client's work in hand is at its bound, or its first
//! request is not answered yet, the socket is not read: whoever asks too fast waits, and nobody
//! else does.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use actix::prelude::*;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Call, Connect, Draft, Method, Ping, Typing};
use vigie_protocol::rpc::{self, DecodeError, Encoding, Id, Message};
use vigie_protocol::scan::Scanner;

use crate::actors::node::{Admission, Node, SiteHandle};
use crate::core::decide::Operator;
use crate::gateway::follow::Follows;
use crate::gateway::heartbeat;
use crate::gateway::outbox::{IN_FLIGHT_MAX, Next, Outbox, Reply};
use crate::gateway::presence::Presence;
use crate::gateway::transport::{Incoming, Transport, close_code};
use crate::metrics::{self, Who, metrics};

/// How long a peer has to take the last bytes of a connection that closes.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How much is read or written in one go, in bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// How many messages are taken before others of the thread have their turn.
const TURN_MESSAGES: usize = 32;

/// What a client may send without wanting an answer.
const SIGNALS: [&str; 3] = [Typing::NAME, Draft::NAME, Ping::NAME];

/// A socket, whatever kind.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + 'static> Socket for T {}

/// What is known of a client before it says who it is.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address, as far as proxies can be trusted.
    pub address: IpAddr,
    /// The page's origin, which browsers always send.
    pub origin: Option<String>,
    /// Its User-Agent.
    pub user_agent: Option<String>,
    /// Its language.
    pub language: Option<String>,
}

/// A client, by what it may ask.
pub(super) enum Client {
    /// Nobody yet; what is known of the peer is needed once.
    Stranger(Box<Peer>),
    /// `connect` is in work.
    Connecting,
    /// A visitor in their session.
    Visitor { site: Arc<SiteHandle>, session: SessionId, _presence: Presence },
    /// An operator.
    Operator { site: Arc<SiteHandle>, operator: Box<Operator>, _presence: Presence },
    /// A bot.
    Bot { site: Arc<SiteHandle>, id: Box<str>, name: Box<str>, _presence: Presence },
}

/// One socket.
pub struct Connection {
    pub(super) node: Arc<Node>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) client: Client,
    /// The sessions that it follows; a history that is still being sent can be cancelled.
    pub(super) follows: Follows,
    socket: Box<dyn Socket>,
    transport: Transport,
    read: BytesMut,
    write: BytesMut,
    /// Messages that came together with one that had to be answered first.
    inbox: VecDeque<Bytes>,
    closing: Closing,
    _admission: Admission,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Closing {
    /// Open.
    No,
    /// Told to close; what waits is still written, within a time limit.
    Told,
    /// All is written but this buffer, which ends with the goodbye.
    Goodbye,
    /// Nothing is left to write: waiting for the peer to close.
    Written,
}

impl Connection {
    /// Takes a socket over; `read` is what has been read of it already.
    pub fn open(
        node: Arc<Node>,
        admission: Admission,
        socket: Box<dyn Socket>,
        transport: Transport,
        read: BytesMut,
        peer: Peer,
    ) {
        let bytes_max = node.config.gateway.outbound_queue;
        let outbox = Outbox::new(admission.id, transport.encoding(), bytes_max, node.now());
        heartbeat::watch(&node, &outbox);
        let connection = Self {
            node,
            outbox,
            client: Client::Stranger(Box::new(peer)),
            follows: Follows::default(),
            socket,
            transport,
            read,
            write: BytesMut::new(),
            inbox: VecDeque::new(),
            closing: Closing::No,
            _admission: admission,
        };
        metrics().connections.open(connection.measured_as());
        connection.start();
    }

    /// The client is somebody from now on.
    pub(super) fn let_in(&mut self, client: Client) {
        self.client = client;
        self.outbox.set_connected();
        metrics().connections.becomes(self.who(), self.measured_as());
    }

    const fn who(&self) -> Who {
        match self.client {
            Client::Stranger(_) | Client::Connecting => Who::Stranger,
            Client::Visitor { .. } => Who::Visitor,
            Client::Operator { .. } => Who::Operator,
            Client::Bot { .. } => Who::Bot,
        }
    }

    const fn measured_as(&self) -> metrics::Transport {
        match self.transport {
            Transport::Tcp { .. } => metrics::Transport::Tcp,
            Transport::WebSocket { .. } => metrics::Transport::WebSocket,
        }
    }

    /// Reads, routes and writes until nothing more can be done now.
    fn drive(&mut self, context: &mut Context<Self>, task: &mut Task<'_>) -> Poll<()> {
        if self.node.draining() && self.closing == Closing::No && self.outbox.in_flight() == 0 {
            self.outbox.close(CloseCode::GoingAway);
        }
        if self.closing == Closing::No && self.outbox.closing() {
            self.closing = Closing::Told;
            context.run_later(CLOSE_TIMEOUT, |_, context| context.stop());
        }
        if self.poll_read(context, task).is_break() || self.poll_write(task).is_break() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn poll_read(&mut self, context: &mut Context<Self>, task: &mut Task<'_>) -> Flow {
        for _ in 0..TURN_MESSAGES {
            if self.closing == Closing::Written {
                // The peer has been told; what it still sends is of no interest.
                match self.fill(task) {
                    Poll::Ready(Ok(1..)) => self.read.clear(),
                    Poll::Ready(_) => return Flow::Break(()),
                    Poll::Pending => return Flow::Continue(()),
                }
                continue;
            }
            if !self.takes_work() {
                return Flow::Continue(());
            }
            if let Some(message) = self.inbox.pop_front() {
                self.take(&message, context);
                continue;
            }
            match self.transport.read(&mut self.read) {
                Ok(Some(Incoming::Message(message))) => self.sort_in(message),
                Ok(Some(Incoming::Ping(payload))) => {
                    self.transport.write_pong(payload, &mut self.write);
                }
                Ok(Some(Incoming::Alive)) => {}
                Ok(Some(Incoming::Closed)) => {
                    self.transport.write_closed(&mut self.write);
                    self.closing = Closing::Goodbye;
                    context.run_later(CLOSE_TIMEOUT, |_, context| context.stop());
                }
                Ok(None) => match self.fill(task) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(_) => return Flow::Break(()),
                    Poll::Pending => return Flow::Continue(()),
                },
                Err(code) => self.outbox.close(code),
            }
        }
        task.waker().wake_by_ref();
        Flow::Continue(())
    }

    /// Whether a further request may be begun.
    fn takes_work(&self) -> bool {
        self.closing == Closing::No
            && !self.outbox.closing()
            && !self.node.draining()
            && !matches!(self.client, Client::Connecting)
            && self.outbox.in_flight() < IN_FLIGHT_MAX
    }

    /// Reads once from the socket. An idle connection holds no buffer.
    fn fill(&mut self, task: &mut Task<'_>) -> Poll<std::io::Result<usize>> {
        let mut chunk = [std::mem::MaybeUninit::uninit(); CHUNK_BYTES];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        let result = Pin::new(&mut self.socket).poll_read(task, &mut chunk);
        if result.is_pending() && self.read.is_empty() {
            (self.read, self.inbox) = (BytesMut::new(), VecDeque::new());
        }
        result.map_ok(|()| {
            self.outbox.hear(self.node.now());
            self.read.extend_from_slice(chunk.filled());
            chunk.filled().len()
        })
    }

    /// A WebSocket message of MessagePack may hold several; each is one by itself from here on.
    fn sort_in(&mut self, mut message: Bytes) {
        if self.outbox.encoding() == Encoding::Json {
            return self.inbox.push_back(message);
        }
        while !message.is_empty() {
            match Scanner::default().scan(&message) {
                Ok(Some(length)) => self.inbox.push_back(message.split_to(length)),
                Ok(None) => return self.outbox.close(CloseCode::ProtocolError),
                Err(error) => return self.outbox.close(close_code(error)),
            }
        }
    }

    /// Understands one message.
    fn take(&mut self, message: &Bytes, context: &mut Context<Self>) {
        match rpc::decode(self.outbox.encoding(), message) {
            Ok(Message::Request { id, method, params }) => {
                let reply = Reply::to_request(&self.outbox, id);
                match Call::decode(&method, &params) {
                    Ok(call) => self.route(call, reply, context),
                    Err(error) if method == Connect::NAME => self.refuse_connect(error, reply),
                    Err(error) => reply.refuse(error),
                }
            }
            Ok(Message::Notification { method, params }) => {
                let reply = Reply::to_notification(&self.outbox, &method);
                if !SIGNALS.contains(&&*method) {
                    let problem = "only typing, draft and ping are notifications; send a request";
                    return reply.refuse(RpcError::new(ErrorCode::InvalidRequest, problem));
                }
                match Call::decode(&method, &params) {
                    Ok(call) => self.route(call, reply, context),
                    Err(error) => reply.refuse(error),
                }
            }
            // Answers to the server's pings; that they came is all they say.
            Ok(Message::Response { .. }) => {}
            Err(error) => self.refuse_message(&error),
        }
    }

    /// What is no message is answered if there is something to answer, and closes the connection
    /// otherwise.
    fn refuse_message(&self, error: &DecodeError) {
        let json = self.outbox.encoding() == Encoding::Json;
        let (id, code) = match error {
            DecodeError::TooLarge(_) => return self.outbox.close(CloseCode::MessageTooLarge),
            DecodeError::ForeignNotification { method, .. } => {
                let problem = RpcError::new(ErrorCode::InvalidRequest, error.to_string());
                return Reply::to_notification(&self.outbox, method).refuse(problem);
            }
            DecodeError::NotRpc { id: Some(id), .. } => (id.clone(), ErrorCode::InvalidRequest),
            DecodeError::NotRpc { id: None, .. } if json => {
                (Id::Null(()), ErrorCode::InvalidRequest)
            }
            DecodeError::Malformed(_) if json => (Id::Null(()), ErrorCode::ParseError),
            DecodeError::NotRpc { id: None, .. } | DecodeError::Malformed(_) => {
                tracing::debug!(connection = self.outbox.id(), %error, "closed for what it sent");
                return self.outbox.close(CloseCode::ProtocolError);
            }
        };
        Reply::to_request(&self.outbox, id).refuse(RpcError::new(code, error.to_string()));
    }

    fn poll_write(&mut self, task: &mut Task<'_>) -> Flow {
        loop {
            while self.write.len() < CHUNK_BYTES && self.closing < Closing::Goodbye {
                match self.outbox.next(task) {
                    Next::Frame(frame) => self.transport.write(frame, &mut self.write),
                    Next::Close(code) => {
                        self.transport.write_close(code, &mut self.write);
                        self.closing = Closing::Goodbye;
                    }
                    Next::Idle => break,
                }
            }
            if self.write.is_empty() {
                self.write = BytesMut::new();
                return self.finish(task);
            }
            match Pin::new(&mut self.socket).poll_write(task, &self.write) {
                Poll::Ready(Ok(written @ 1..)) => self.write.advance(written),
                Poll::Ready(_) => return Flow::Break(()),
                Poll::Pending => {
                    self.outbox.attend(task);
                    return Flow::Continue(());
                }
            }
        }
    }

    /// Everything is written: after a goodbye, no more will be.
    fn finish(&mut self, task: &mut Task<'_>) -> Flow {
        if self.closing == Closing::Goodbye {
            match Pin::new(&mut self.socket).poll_shutdown(task) {
                Poll::Ready(Ok(())) => {
                    self.closing = Closing::Written;
                    // To see the peer close.
                    task.waker().wake_by_ref();
                }
                Poll::Ready(Err(_)) => return Flow::Break(()),
                Poll::Pending => {}
            }
        }
        Flow::Continue(())
    }
}

type Flow = std::ops::ControlFlow<()>;

impl Actor for Connection {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(Drive);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.outbox.retire();
        self.stop_following_all();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        metrics().connections.close(self.who(), self.measured_as(), self.outbox.close_code());
    }
}

/// Runs the connection for as long as its socket lives.
struct Drive;

impl ActorFuture<Connection> for Drive {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        connection: &mut Connection,
        context: &mut Context<Connection>,
        task: &mut Task<'_>,
    ) -> Poll<()> {
        connection.drive(context, task).map(|()| context.stop())
    }
}
