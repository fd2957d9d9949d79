//! Dead peers, late `connect`s, expired tokens: one scan for all sockets of a thread.
//!
//! A timer per socket would cost more than the socket. The scan reads a few numbers per
//! connection, four times a second.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use vigie_protocol::error::CloseCode;
use vigie_protocol::event::Millis;
use vigie_protocol::method::{Method, Ping};
use vigie_protocol::push::Status;
use vigie_protocol::rpc::{self, Encoding};

use crate::actors::node::Node;
use crate::gateway::outbox::Outbox;

/// How often the connections are looked at, at most.
const TICK_MAX: Duration = Duration::from_millis(250);

thread_local! {
    static WATCHED: RefCell<Option<Rc<RefCell<Vec<Watched>>>>> = const { RefCell::new(None) };
}

struct Watched {
    outbox: Weak<Outbox>,
    opened: Millis,
    /// When the peer had last been heard as it was pinged.
    pinged_at: Millis,
    /// Whether the client was told that the node is degraded.
    degraded: bool,
    /// How often clients had been told to begin anew when it came.
    resyncs: u64,
}

/// Watches over a connection of this thread until it is gone.
pub fn watch(node: &Arc<Node>, outbox: &Arc<Outbox>) {
    let watched = Watched {
        outbox: Arc::downgrade(outbox),
        opened: outbox.heard(),
        pinged_at: 0,
        degraded: false,
        resyncs: node.resyncs(),
    };
    WATCHED.with_borrow_mut(|slot| {
        let list = slot.get_or_insert_with(|| {
            let list = Rc::default();
            actix_rt::spawn(scan(Arc::clone(node), Rc::clone(&list)));
            list
        });
        list.borrow_mut().push(watched);
    });
}

async fn scan(node: Arc<Node>, list: Rc<RefCell<Vec<Watched>>>) {
    let heartbeat = node.config.gateway.heartbeat;
    let ping = |encoding| Bytes::from(rpc::request(encoding, 1, Ping::NAME, &Ping {}));
    let pings = (ping(Encoding::MessagePack), ping(Encoding::Json));
    let mut ticks = actix_rt::time::interval((heartbeat / 4).min(TICK_MAX));
    loop {
        ticks.tick().await;
        let now = node.now();
        list.borrow_mut().retain_mut(|watched| {
            let Some(outbox) = watched.outbox.upgrade() else { return false };
            watched.look(&node, &outbox, now, &pings);
            true
        });
    }
}

impl Watched {
    fn look(&mut self, node: &Node, outbox: &Outbox, now: Millis, pings: &(Bytes, Bytes)) {
        let gateway = &node.config.gateway;
        let heartbeat = gateway.heartbeat.as_millis() as Millis;
        let heard = outbox.heard();
        let silence = now.saturating_sub(heard);
        if outbox.connected() && self.degraded != node.degraded() {
            self.degraded = node.degraded();
            outbox.notify(&Status { degraded: self.degraded });
        }
        if node.resyncs() != self.resyncs {
            outbox.close(CloseCode::Resync);
        }
        if node.draining() {
            outbox.wake();
        } else if !outbox.connected() {
            if now.saturating_sub(self.opened) >= gateway.connect_timeout.as_millis() as Millis {
                outbox.close(CloseCode::ConnectTimeout);
            }
        } else if outbox.expired(now) {
            outbox.close(CloseCode::TokenExpired);
        } else if silence >= 2 * heartbeat {
            outbox.close(CloseCode::HeartbeatTimeout);
        } else if silence >= heartbeat && self.pinged_at != heard {
            self.pinged_at = heard;
            outbox.push(match outbox.encoding() {
                Encoding::MessagePack => pings.0.clone(),
                Encoding::Json => pings.1.clone(),
            });
        }
    }
}
