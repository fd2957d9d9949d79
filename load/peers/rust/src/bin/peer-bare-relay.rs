//! The limit of what relays can be on this stack: an actor that owns its socket, as the engine's
//! connections do, and no logic at all.
//!
//! Who publishes puts the bytes into the outbox of each who joined, and wakes their connections; these
//! write as their sockets allow. No message passes a mailbox.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Task, Poll, Waker};

use actix::prelude::*;
use actix_codec::{AsyncRead, AsyncWrite, Decoder, Encoder, Framed, ReadBuf};
use actix_http::body::BodySize;
use actix_http::ws::{self, Frame};
use actix_http::{HttpService, Request, Response, h1};
use actix_rt::net::TcpStream;
use actix_server::Server;
use actix_service::fn_service;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::SinkExt;
use vigie_load_peers::language::{Command, JOINED};

/// How much is read or written in one go, in bytes: as much as the engine does.
const CHUNK_BYTES: usize = 16 * 1024;

/// How many messages may wait for one socket; beyond it the connection ends.
const WAITING_MAX: usize = 65_536;

/// How many messages are taken before others of the thread have their turn.
const TURN_MESSAGES: usize = 32;

type Rooms = Arc<Mutex<HashMap<Bytes, Vec<Arc<Outbox>>>>>;

/// What is to be written to one socket.
#[derive(Default)]
struct Outbox(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Bytes>,
    full: bool,
    writer: Option<Waker>,
}

impl Outbox {
    fn push(&self, message: Bytes) {
        let mut waiting = lock(&self.0);
        waiting.messages.push_back(message);
        waiting.full |= waiting.messages.len() > WAITING_MAX;
        if let Some(writer) = waiting.writer.take() {
            writer.wake();
        }
    }
}

/// One socket.
struct Connection {
    rooms: Rooms,
    joined: Vec<Bytes>,
    outbox: Arc<Outbox>,
    socket: TcpStream,
    codec: ws::Codec,
    read: BytesMut,
    write: BytesMut,
}

impl Connection {
    /// `Ready` when the connection has ended.
    fn drive(&mut self, task: &mut Task<'_>) -> Poll<()> {
        if self.poll_read(task).is_ready() || self.poll_write(task).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn poll_read(&mut self, task: &mut Task<'_>) -> Poll<()> {
        for _ in 0..TURN_MESSAGES {
            match self.codec.decode(&mut self.read) {
                Ok(Some(Frame::Binary(message))) => match Command::read(message) {
                    Some(command) => self.obey(command),
                    None => return Poll::Ready(()),
                },
                Ok(Some(Frame::Ping(payload))) => self.encode(ws::Message::Pong(payload)),
                Ok(Some(Frame::Pong(_))) => {}
                Ok(Some(_)) | Err(_) => return Poll::Ready(()),
                Ok(None) => match self.fill(task) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once from the socket. An idle connection holds no buffer.
    fn fill(&mut self, task: &mut Task<'_>) -> Poll<std::io::Result<usize>> {
        let mut chunk = [std::mem::MaybeUninit::uninit(); CHUNK_BYTES];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        let result = Pin::new(&mut self.socket).poll_read(task, &mut chunk);
        if result.is_pending() && self.read.is_empty() {
            self.read = BytesMut::new();
        }
        result.map_ok(|()| {
            self.read.extend_from_slice(chunk.filled());
            chunk.filled().len()
        })
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Join(room) => {
                // What came in is part of a greater buffer, which must not be kept for its sake.
                let room = Bytes::copy_from_slice(&room);
                let mut rooms = lock(&self.rooms);
                rooms.entry(room.clone()).or_default().push(Arc::clone(&self.outbox));
                self.joined.push(room);
                self.outbox.push(Bytes::from_static(JOINED));
            }
            Command::Publish(room, payload) => {
                for member in lock(&self.rooms).get(&room).into_iter().flatten() {
                    member.push(payload.clone());
                }
            }
        }
    }

    fn poll_write(&mut self, task: &mut Task<'_>) -> Poll<()> {
        loop {
            while self.write.len() < CHUNK_BYTES {
                let mut waiting = lock(&self.outbox.0);
                if waiting.full {
                    return Poll::Ready(());
                }
                let Some(message) = waiting.messages.pop_front() else {
                    waiting.messages = VecDeque::new();
                    waiting.writer = Some(task.waker().clone());
                    break;
                };
                drop(waiting);
                self.encode(ws::Message::Binary(message));
            }
            if self.write.is_empty() {
                self.write = BytesMut::new();
                return Poll::Pending;
            }
            match Pin::new(&mut self.socket).poll_write(task, &self.write) {
                Poll::Ready(Ok(written @ 1..)) => self.write.advance(written),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn encode(&mut self, message: ws::Message) {
        // Data frames and pongs of a server can always be written.
        if let Err(error) = self.codec.encode(message, &mut self.write) {
            eprintln!("a frame is not written: {error}");
        }
    }
}

impl Actor for Connection {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(Drive);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        let mut rooms = lock(&self.rooms);
        for room in self.joined.drain(..) {
            let Some(members) = rooms.get_mut(&room) else { continue };
            members.retain(|member| !Arc::ptr_eq(member, &self.outbox));
            if members.is_empty() {
                rooms.remove(&room);
            }
        }
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
        connection.drive(task).map(|()| context.stop())
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn upgrade(
    rooms: Rooms,
    request: Request,
    mut framed: Framed<TcpStream, h1::Codec>,
) -> std::io::Result<()> {
    let Ok(mut response) = ws::handshake(request.head()) else { return Ok(()) };
    let response = response.finish().drop_body();
    framed.send(h1::Message::Item((response, BodySize::None))).await?;
    let parts = framed.into_parts();
    let connection = Connection {
        rooms,
        joined: Vec::new(),
        outbox: Arc::default(),
        socket: parts.io,
        codec: ws::Codec::new(),
        read: parts.read_buf,
        write: BytesMut::new(),
    };
    connection.start();
    Ok(())
}

#[actix_rt::main]
async fn main() -> std::io::Result<()> {
    let rooms = Rooms::default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    println!("listening {}", listener.local_addr()?);
    Server::build()
        .listen("relay", listener, move || {
            let rooms = Arc::clone(&rooms);
            HttpService::build()
                .tcp_nodelay(true)
                .upgrade(fn_service(move |(request, framed): (Request, _)| {
                    let upgraded = upgrade(Arc::clone(&rooms), request, framed);
                    async move {
                        // Whoever goes away amid the handshake concerns nobody.
                        let _ = upgraded.await;
                        Ok::<_, actix_http::Error>(())
                    }
                }))
                .finish(fn_service(|_: Request| {
                    std::future::ready(Ok::<_, actix_http::Error>(Response::not_found()))
                }))
                .tcp()
        })?
        .run()
        .await
}
