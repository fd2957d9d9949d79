//! A network between a node and its Redis that can stop carrying one direction, or carry it late, with
//! connections that go on standing.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// A proxy before a Redis. Its threads end with the connections.
pub struct Network {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    connections: Mutex<Vec<Arc<Connection>>>,
    made: AtomicUsize,
    /// Whether the next connection over which a script is called becomes deaf.
    deafen_scripts: AtomicBool,
    /// Whether the next connection over which a script is called is held from there on.
    hold_scripts: AtomicBool,
}

#[derive(Default)]
struct Connection {
    /// Whether somebody has subscribed over it.
    subscribed: AtomicBool,
    /// Whether what the server says over it is swallowed.
    deaf: AtomicBool,
    /// Whether what the node says over it is kept back, even if the node gives the connection up.
    held: Mutex<bool>,
    released: Condvar,
}

impl Network {
    /// `to`: `HOST:PORT` of the Redis.
    pub fn to(redis: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        thread::spawn({
            let state = Arc::clone(&state);
            move || {
                for client in listener.incoming() {
                    let Ok(client) = client else { return };
                    let Ok(server) = TcpStream::connect(&redis) else { continue };
                    carry(client, server, &state);
                }
            }
        });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// From now on nothing comes back over the connections that somebody has subscribed over.
    pub fn deafen_subscribers(&self) {
        for connection in &*self.state.connections.lock().unwrap() {
            if connection.subscribed.load(Ordering::SeqCst) {
                connection.deaf.store(true, Ordering::SeqCst);
            }
        }
    }

    /// From now on nothing comes back over the connections that are there.
    pub fn deafen_all(&self) {
        for connection in &*self.state.connections.lock().unwrap() {
            connection.deaf.store(true, Ordering::SeqCst);
        }
    }

    /// From now on nothing comes back over the next connection over which a script is called.
    pub fn deafen_scripts(&self) {
        self.state.deafen_scripts.store(true, Ordering::SeqCst);
    }

    /// From now on the next script that the node calls, and what it asks over that connection then,
    /// does not reach the server until it is released.
    pub fn hold_scripts(&self) {
        self.state.hold_scripts.store(true, Ordering::SeqCst);
    }

    /// From now on nothing that the node asks over the connections that are there reaches the server,
    /// until it is released.
    pub fn hold(&self) {
        for connection in &*self.state.connections.lock().unwrap() {
            if !connection.subscribed.load(Ordering::SeqCst) {
                *connection.held.lock().unwrap() = true;
            }
        }
    }

    /// What was held arrives now.
    pub fn release(&self) {
        for connection in &*self.state.connections.lock().unwrap() {
            *connection.held.lock().unwrap() = false;
            connection.released.notify_all();
        }
    }

    /// How many connections there have been.
    pub fn made(&self) -> usize {
        self.state.made.load(Ordering::SeqCst)
    }
}

impl State {
    fn connect(&self) -> Arc<Connection> {
        let connection = Arc::new(Connection::default());
        self.connections.lock().unwrap().push(Arc::clone(&connection));
        self.made.fetch_add(1, Ordering::SeqCst);
        connection
    }
}

fn carry(client: TcpStream, server: TcpStream, state: &Arc<State>) {
    let connection = state.connect();
    let state = Arc::clone(state);
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    let there = Arc::clone(&connection);
    thread::spawn(move || {
        each(&mut from_client, |bytes| {
            if bytes.windows(9).any(|window| window == b"SUBSCRIBE") {
                there.subscribed.store(true, Ordering::SeqCst);
            }
            if bytes.windows(7).any(|window| window == b"EVALSHA") {
                if state.deafen_scripts.swap(false, Ordering::SeqCst) {
                    there.deaf.store(true, Ordering::SeqCst);
                }
                if state.hold_scripts.swap(false, Ordering::SeqCst) {
                    *there.held.lock().unwrap() = true;
                }
            }
            let held = there.held.lock().unwrap();
            drop(there.released.wait_while(held, |held| *held).unwrap());
            to_server.write_all(bytes)
        });
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let (mut from_server, mut to_client) = (server, client);
    thread::spawn(move || {
        each(&mut from_server, |bytes| {
            if connection.deaf.load(Ordering::SeqCst) {
                return Ok(());
            }
            to_client.write_all(bytes)
        });
        let _ = to_client.shutdown(Shutdown::Both);
    });
}

fn each(from: &mut TcpStream, mut carry: impl FnMut(&[u8]) -> std::io::Result<()>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || carry(&buffer[..count]).is_err() {
            return;
        }
    }
}
