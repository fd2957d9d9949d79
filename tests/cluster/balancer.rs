//! What stands before the nodes, as in a deployment: clients know its address alone.
//!
//! Connections go to the nodes in turn. Every node is asked again and again whether it is ready; one
//! that is not is passed over while another is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use vigie_client::Endpoint;

use crate::support::Via;
use crate::support::engine::{Engine, endpoint};
use crate::support::raw::is_ready;

/// How long is waited between two questions whether a node is ready, and for the answer.
const HEALTH_PAUSE: Duration = Duration::from_millis(100);
const HEALTH_PATIENCE: Duration = Duration::from_millis(400);

/// How long a node may take to accept a connection.
const ACCEPT_PATIENCE: Duration = Duration::from_millis(500);

/// The address of all nodes.
pub struct Balancer {
    http: SocketAddr,
    tcp: SocketAddr,
}

struct Node {
    http: SocketAddr,
    tcp: SocketAddr,
    ready: AtomicBool,
}

impl Balancer {
    pub async fn before(engines: &[Engine]) -> Self {
        let nodes = engines.iter().map(|engine| Node {
            http: engine.http,
            tcp: engine.tcp,
            ready: AtomicBool::new(true),
        });
        let nodes: Arc<[Node]> = nodes.collect();
        for at in 0..nodes.len() {
            tokio::spawn(watch_over(Arc::clone(&nodes), at));
        }
        let http = serve(Arc::clone(&nodes), |node| node.http).await;
        let tcp = serve(nodes, |node| node.tcp).await;
        Self { http, tcp }
    }

    pub fn endpoint(&self, via: Via) -> Endpoint {
        endpoint(via, self.http, self.tcp)
    }
}

async fn watch_over(nodes: Arc<[Node]>, at: usize) {
    let node = &nodes[at];
    loop {
        let ready = timeout(HEALTH_PATIENCE, is_ready(node.http)).await;
        node.ready.store(matches!(ready, Ok(Ok(true))), Ordering::Relaxed);
        sleep(HEALTH_PAUSE).await;
    }
}

async fn serve(nodes: Arc<[Node]>, address: fn(&Node) -> SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap();
    let next = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (nodes, next) = (Arc::clone(&nodes), Arc::clone(&next));
            tokio::spawn(async move {
                let _ = client.set_nodelay(true);
                if let Some(node) = connect(&nodes, &next, address).await {
                    join(client, node).await;
                }
            });
        }
    });
    own
}

/// To the next node that is ready; if there is none, to the next that accepts.
async fn connect(
    nodes: &[Node],
    next: &AtomicUsize,
    address: fn(&Node) -> SocketAddr,
) -> Option<TcpStream> {
    let first = next.fetch_add(1, Ordering::Relaxed);
    let mut turn: Vec<_> = (0..nodes.len()).map(|n| &nodes[(first + n) % nodes.len()]).collect();
    turn.sort_by_key(|node| !node.ready.load(Ordering::Relaxed));
    for node in turn {
        if let Ok(Ok(socket)) = timeout(ACCEPT_PATIENCE, TcpStream::connect(address(node))).await {
            let _ = socket.set_nodelay(true);
            return Some(socket);
        }
    }
    None
}

/// Until either end closes; what it had said arrives at the other.
async fn join(client: TcpStream, node: TcpStream) {
    let ((mut from_client, mut to_client), (mut from_node, mut to_node)) =
        (client.into_split(), node.into_split());
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_node) => {}
        _ = tokio::io::copy(&mut from_node, &mut to_client) => {}
    }
}
