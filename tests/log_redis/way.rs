//! A way to a server on which answers get lost.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Hands on what it gets in both directions.
pub struct Way {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    lose_next: AtomicBool,
    lost: AtomicUsize,
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Way {
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let of_all = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&of_all);
                thread::spawn(move || connect(client, server, &state));
            }
        });
        Self { port, state }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What the server answers next gets lost, and the connection with it. New ones wait until
    /// [`Way::open`].
    pub fn lose_next_answer(&self) {
        *self.state.closed.lock().unwrap() = true;
        self.state.lose_next.store(true, Ordering::SeqCst);
    }

    pub fn open(&self) {
        *self.state.closed.lock().unwrap() = false;
        self.state.opened.notify_all();
    }

    /// How many answers have got lost.
    pub fn lost(&self) -> usize {
        self.state.lost.load(Ordering::SeqCst)
    }
}

fn connect(mut client: TcpStream, server: u16, state: &Arc<State>) {
    let closed = state.closed.lock().unwrap();
    drop(state.opened.wait_while(closed, |closed| *closed).unwrap());
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)) else { return };
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let mut answer = [0; 64 * 1024];
    while let Ok(length @ 1..) = server.read(&mut answer) {
        if state.lose_next.swap(false, Ordering::SeqCst) {
            state.lost.fetch_add(1, Ordering::SeqCst);
            break;
        }
        if client.write_all(&answer[..length]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
