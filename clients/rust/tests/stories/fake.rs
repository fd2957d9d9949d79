//! A server that does what a test tells it to, one connection at a time.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message as Frame, Utf8Bytes};
use vigie_client::Endpoint;
use vigie_protocol::error::{CloseCode, RpcError};
use vigie_protocol::event::{Author, ChatMessage, Control, EventBody, Holder, Offset};
use vigie_protocol::id::{SessionId, VisitorId};
use vigie_protocol::method::{Connect, Connected, Identity, Method, Rank, Subscribe, Subscribed};
use vigie_protocol::push::{Bye, EventPush, Notification};
use vigie_protocol::rpc::{self, Encoding, Id, Message};
use vigie_protocol::scan::Scanner;

pub const HEARTBEAT: u64 = 25_000;

/// The three ways to speak to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    MessagePack,
    Json,
}

pub const ALL: [Transport; 3] = [Transport::Tcp, Transport::MessagePack, Transport::Json];

pub struct Fake {
    listener: TcpListener,
    transport: Transport,
}

impl Fake {
    pub async fn listen(transport: Transport) -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap(), transport }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub fn endpoint(&self) -> Endpoint {
        match self.transport {
            Transport::Tcp => Endpoint::tcp(self.address()),
            Transport::MessagePack => Endpoint::web_socket(self.address(), Encoding::MessagePack),
            Transport::Json => Endpoint::web_socket(self.address(), Encoding::Json),
        }
    }

    /// The next connection.
    pub async fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().await.unwrap();
        match self.transport {
            Transport::Tcp => Peer::new(Socket::Tcp(stream), Encoding::MessagePack),
            Transport::MessagePack => upgrade(stream, Encoding::MessagePack).await,
            Transport::Json => upgrade(stream, Encoding::Json).await,
        }
    }

    /// The next connection, introduced as this visitor to a log of this generation.
    pub async fn accept_visitor_of(&self, visitor: &Visitor, generation: u64) -> Peer {
        let mut peer = self.accept().await;
        let (id, _) = peer.expect::<Connect>().await;
        let connected = Connected { generation: Some(generation), ..visitor.connected(HEARTBEAT) };
        peer.answer(&id, connected).await;
        peer
    }

    /// The next connection, introduced as this visitor.
    pub async fn accept_visitor(&self, visitor: &Visitor) -> (Peer, Connect) {
        let mut peer = self.accept().await;
        let (id, connect) = peer.expect::<Connect>().await;
        peer.answer(&id, visitor.connected(HEARTBEAT)).await;
        (peer, connect)
    }
}

#[expect(clippy::result_large_err, reason = "the signature is the library's")]
async fn upgrade(stream: TcpStream, encoding: Encoding) -> Peer {
    let echo = |request: &Request, mut response: Response| {
        let offered = request.headers()["sec-websocket-protocol"].clone();
        response.headers_mut().insert("sec-websocket-protocol", offered);
        Ok(response)
    };
    let socket = tokio_tungstenite::accept_hdr_async(stream, echo).await.unwrap();
    Peer::new(Socket::WebSocket(Box::new(socket)), encoding)
}

enum Socket {
    Tcp(TcpStream),
    WebSocket(Box<WebSocketStream<TcpStream>>),
}

/// The server's end of one connection.
pub struct Peer {
    socket: Socket,
    encoding: Encoding,
    arrived: Vec<u8>,
    next_id: u32,
}

impl Peer {
    fn new(socket: Socket, encoding: Encoding) -> Self {
        Self { socket, encoding, arrived: Vec::new(), next_id: 1 }
    }

    /// The next message's bytes; `None` when the client has gone.
    pub async fn receive(&mut self) -> Option<Vec<u8>> {
        loop {
            if self.encoding == Encoding::Json && !self.arrived.is_empty() {
                return Some(std::mem::take(&mut self.arrived));
            }
            if let Some(length) = Scanner::default().scan(&self.arrived).unwrap() {
                return Some(self.arrived.drain(..length).collect());
            }
            match &mut self.socket {
                Socket::Tcp(stream) => match stream.read_buf(&mut self.arrived).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                },
                Socket::WebSocket(stream) => match stream.next().await {
                    Some(Ok(Frame::Binary(bytes))) => self.arrived.extend_from_slice(&bytes),
                    Some(Ok(Frame::Text(text))) => self.arrived.extend_from_slice(text.as_bytes()),
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                },
            }
        }
    }

    /// The next message, which must be a request of this method.
    pub async fn expect<M: Method>(&mut self) -> (Id, M) {
        let bytes = self.receive().await.expect("the client went");
        match rpc::decode(self.encoding, &bytes).unwrap() {
            Message::Request { id, method, params } if method == M::NAME => {
                (id, params.decode().unwrap())
            }
            other => panic!("not {}: {other:?}", M::NAME),
        }
    }

    /// Waits until the client has gone.
    pub async fn gone(&mut self) {
        while self.receive().await.is_some() {}
    }

    pub async fn send(&mut self, bytes: Vec<u8>) {
        match (&mut self.socket, self.encoding) {
            (Socket::Tcp(stream), _) => stream.write_all(&bytes).await.unwrap(),
            (Socket::WebSocket(stream), Encoding::MessagePack) => {
                stream.send(Frame::Binary(bytes.into())).await.unwrap();
            }
            (Socket::WebSocket(stream), Encoding::Json) => {
                let text = Utf8Bytes::try_from(Bytes::from(bytes)).unwrap();
                stream.send(Frame::Text(text)).await.unwrap();
            }
        }
    }

    pub async fn answer<T: Serialize>(&mut self, id: &Id, result: T) {
        self.send(rpc::response(self.encoding, id, &Ok(result))).await;
    }

    pub async fn refuse(&mut self, id: &Id, error: RpcError) {
        self.send(rpc::response::<()>(self.encoding, id, &Err(error))).await;
    }

    pub async fn push<N: Notification>(&mut self, push: &N) {
        self.send(rpc::notification(self.encoding, N::NAME, push)).await;
    }

    pub async fn ask<M: Method>(&mut self, params: &M) -> Id {
        let id = self.next_id;
        self.next_id += 1;
        self.send(rpc::request(self.encoding, id, M::NAME, params)).await;
        Id::Number(id.into())
    }

    /// Answers the next request, which must be this subscription.
    pub async fn expect_subscribe(&mut self, session: SessionId, offset: Offset) {
        let (id, subscribe) = self.expect::<Subscribe>().await;
        assert_eq!(subscribe, Subscribe { session: Some(session), offset });
        let subscribed = Subscribed { session, offset, control: by_bot(), card: None };
        self.answer(&id, subscribed).await;
    }

    /// Says why, then closes.
    pub async fn close(mut self, code: CloseCode) {
        let (number, reason) = (code.number(), code.reason());
        let bye = Bye { code: number, reason: reason.to_owned(), reconnect: code.reconnect() };
        self.push(&bye).await;
        if let Socket::WebSocket(stream) = &mut self.socket {
            let frame = CloseFrame { code: number.into(), reason: reason.into() };
            // The socket itself: its box is a sink, whose `close` says nothing.
            stream.as_mut().close(Some(frame)).await.unwrap();
        }
    }

    /// Goes without a word.
    pub fn cut(self) {
        drop(self);
    }
}

/// A visitor as the server knows them.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub id: VisitorId,
    pub session: SessionId,
    pub resume: String,
}

impl Visitor {
    pub fn new() -> Self {
        let id: VisitorId = "6f9f2f0a-3f0e-4c1e-9d5b-1f2a3b4c5d6e".parse().unwrap();
        Self { id, session: SessionId::nth(id, 1), resume: "private".to_owned() }
    }

    pub fn connected(&self, heartbeat: u64) -> Connected {
        connected(
            Identity::Visitor {
                site: "demo".parse().unwrap(),
                visitor: self.id,
                session: self.session,
                resume: self.resume.clone(),
                offset: 0,
                control: by_bot(),
            },
            heartbeat,
        )
    }
}

/// An operator whose token expires `expires` milliseconds after `connect`.
pub fn operator(expires: u64) -> Connected {
    let identity = Identity::Operator {
        site: "demo".parse().unwrap(),
        id: "ana".parse().unwrap(),
        name: "Ana".to_owned(),
        rank: Rank::Agent,
        expires: 1_000 + expires,
    };
    connected(identity, HEARTBEAT)
}

fn connected(identity: Identity, heartbeat: u64) -> Connected {
    let server = "fake".to_owned();
    let (features, generation) = (vec![], None);
    Connected { protocol: 1, features, server, time: 1_000, heartbeat, generation, identity }
}

fn by_bot() -> Control {
    Control { epoch: 1, holder: Holder::Bot {}, since: 0 }
}

/// A message of the visitor.
pub fn said(session: SessionId, prev: Offset, offset: Offset, text: &str) -> EventPush {
    let text = text.to_owned();
    let message = ChatMessage { text, epoch: 1, key: None, turn: None, choices: vec![] };
    let (author, body) = (Author::Visitor {}, EventBody::Message(message));
    EventPush { session, offset, prev, time: 0, author, body }
}
