//! What lies between a node and Redis: it can be cut, held, delayed, and deaf in one direction.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::support::within;

/// How much is read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// How many chunks of a connection may be on their way in one direction; beyond that nothing more
/// is read, as with a full window.
const CHUNKS_MAX: usize = 256;

/// What becomes of the bytes of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// They arrive.
    Open,
    /// They arrive so much later.
    Late(Duration),
    /// They arrive once this ends.
    Held,
    /// They never arrive. When this ends, connections that have lost some are broken.
    Lost,
}

#[derive(Debug, Clone, Copy)]
struct State {
    target: SocketAddr,
    cut: bool,
    /// From the node to Redis.
    up: Lane,
    /// From Redis to the node.
    down: Lane,
}

/// A way to Redis. Once dropped, it lets nothing through.
pub struct Proxy {
    pub address: SocketAddr,
    state: watch::Sender<State>,
}

impl Proxy {
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = State { target, cut: false, up: Lane::Open, down: Lane::Open };
        let (state, watched) = watch::channel(open);
        tokio::spawn(accept(listener, watched));
        Self { address, state }
    }

    /// Closes every connection, and refuses others.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cut = true);
    }

    /// Says what becomes of the bytes of each direction: to Redis, and from it.
    pub fn lanes(&self, up: Lane, down: Lane) {
        self.state.send_modify(|state| (state.up, state.down) = (up, down));
    }

    /// Everything is as it was at first.
    pub fn heal(&self) {
        self.state.send_modify(|state| {
            (state.cut, state.up, state.down) = (false, Lane::Open, Lane::Open);
        });
    }

    /// Leads to another server from now on; connections to the one before are closed.
    pub fn lead_to(&self, target: SocketAddr) {
        self.state.send_modify(|state| state.target = target);
    }
}

async fn accept(listener: TcpListener, mut state: watch::Receiver<State>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((near, _)) = accepted else { continue };
                let current = *state.borrow();
                if current.cut {
                    refuse(&near);
                } else {
                    tokio::spawn(carry(near, current.target, state.clone()));
                }
            }
            changed = state.changed() => if changed.is_err() {
                return;
            }
        }
    }
}

/// Closes it by a reset rather than politely.
fn refuse(near: &TcpStream) {
    let _ = near.set_zero_linger();
}

/// Carries the bytes of one connection until an end of it closes or the proxy breaks it.
async fn carry(near: TcpStream, target: SocketAddr, state: watch::Receiver<State>) {
    let Ok(far) = TcpStream::connect(target).await else { return refuse(&near) };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    // Whatever ends it, ends it for both at once.
    let _ = (near.set_zero_linger(), far.set_zero_linger());
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    let lost = Arc::new(AtomicBool::new(false));
    let up = Direction { state: state.clone(), lane: |state| state.up, lost: Arc::clone(&lost) };
    let down =
        Direction { state: state.clone(), lane: |state| state.down, lost: Arc::clone(&lost) };
    tokio::select! {
        () = up.run(from_near, to_far) => {}
        () = down.run(from_far, to_near) => {}
        () = broken(state, target, &lost) => {}
    }
}

/// Returns once the connection cannot go on.
async fn broken(mut state: watch::Receiver<State>, target: SocketAddr, lost: &AtomicBool) {
    let over = |state: &State| {
        let deaf = state.up == Lane::Lost || state.down == Lane::Lost;
        state.cut || state.target != target || lost.load(Ordering::Relaxed) && !deaf
    };
    let _ = state.wait_for(over).await;
}

#[derive(Clone)]
struct Direction {
    state: watch::Receiver<State>,
    lane: fn(&State) -> Lane,
    lost: Arc<AtomicBool>,
}

impl Direction {
    async fn run(self, from: OwnedReadHalf, to: OwnedWriteHalf) {
        let (send, chunks) = mpsc::channel(CHUNKS_MAX);
        tokio::join!(self.clone().read(from, send), self.write(chunks, to));
    }

    async fn read(self, mut from: OwnedReadHalf, send: mpsc::Sender<(Instant, Vec<u8>)>) {
        let mut buffer = vec![0; CHUNK_BYTES];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let late = match (self.lane)(&self.state.borrow()) {
                Lane::Late(late) => late,
                Lane::Open | Lane::Held => Duration::ZERO,
                Lane::Lost => {
                    self.lost.store(true, Ordering::Relaxed);
                    continue;
                }
            };
            let chunk = (Instant::now() + late, buffer[..length].to_vec());
            if send.send(chunk).await.is_err() {
                return;
            }
        }
    }

    async fn write(
        mut self,
        mut chunks: mpsc::Receiver<(Instant, Vec<u8>)>,
        mut to: OwnedWriteHalf,
    ) {
        while let Some((due, chunk)) = chunks.recv().await {
            sleep_until(due).await;
            let lane = self.lane;
            if self.state.wait_for(|state| lane(state) != Lane::Held).await.is_err() {
                return;
            }
            if to.write_all(&chunk).await.is_err() {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_proxy_carries_holds_delays_loses_and_cuts() {
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = echo.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = echo.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = socket.into_split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    let proxy = Proxy::before(target).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    assert_eq!(said_back(&mut client, 1).await, Some(1));

    proxy.lanes(Lane::Open, Lane::Held);
    client.write_u8(2).await.unwrap();
    assert_eq!(heard_soon(&mut client).await, None);
    proxy.heal();
    assert_eq!(heard(&mut client).await, Some(2));

    let late = Duration::from_millis(100);
    proxy.lanes(Lane::Late(late), Lane::Late(late));
    let began = Instant::now();
    assert_eq!(said_back(&mut client, 3).await, Some(3));
    assert!(began.elapsed() >= 2 * late);

    proxy.lanes(Lane::Lost, Lane::Open);
    client.write_u8(4).await.unwrap();
    assert_eq!(heard_soon(&mut client).await, None);
    proxy.heal();
    assert_eq!(heard(&mut client).await, None, "who has lost something is cut off");
    assert!(client.write_u8(5).await.is_err() || client.read_u8().await.is_err());

    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    assert_eq!(said_back(&mut client, 6).await, Some(6));
    proxy.cut();
    assert!(client.read_u8().await.is_err());
    let mut refused = TcpStream::connect(proxy.address).await.unwrap();
    assert!(refused.read_u8().await.is_err());
    proxy.heal();
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    assert_eq!(said_back(&mut client, 7).await, Some(7));
}

#[cfg(test)]
async fn said_back(client: &mut TcpStream, byte: u8) -> Option<u8> {
    client.write_u8(byte).await.ok()?;
    heard(client).await
}

#[cfg(test)]
async fn heard(client: &mut TcpStream) -> Option<u8> {
    within("a byte, or the end", client.read_u8()).await.ok()
}

/// What is not to come is not waited for long.
#[cfg(test)]
async fn heard_soon(client: &mut TcpStream) -> Option<u8> {
    let read = tokio::time::timeout(Duration::from_millis(400), client.read_u8()).await;
    read.ok()?.ok()
}
