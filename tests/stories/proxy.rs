//! Three engines behind the proxy of `config/cluster`, as it is configured there: nobody can tell
//! which engine they are on, and the end of one is hardly noticed.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use tempfile::NamedTempFile;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use vigie::core::site::BotKind;
use vigie_client::{Client, ClientOptions, Options, as_visitor, with_token};
use vigie_protocol::card::Window;
use vigie_protocol::method::Rank;

use crate::support::engine::endpoint;
use crate::support::redis::RedisServer;
use crate::support::{Person, Shop, Via, patient, text, within};

/// What engines believe about addresses is what comes from here: the proxy calls them from it.
const PROXY_ADDRESS: &str = "127.0.0.2";

/// HAProxy before the engines of a shop.
struct Proxy {
    _process: Child,
    _configuration: NamedTempFile,
    http: SocketAddr,
    tcp: SocketAddr,
}

impl Proxy {
    /// With `config/cluster/haproxy.cfg`, but for addresses and ports.
    async fn before(shop: &Shop) -> Self {
        set_up().await;
        let [http, tcp] = [free().await, free().await];
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/cluster/haproxy.cfg");
        let mut text = std::fs::read_to_string(file).unwrap();
        let mut change = |from: String, to: String| {
            assert!(text.contains(&from), "{from:?} is not in {text}");
            text = text.replace(&from, &to);
        };
        // As many need more open files than every machine lets a process have.
        change("maxconn 100000".into(), "maxconn 1000".into());
        change("bind :8080".into(), format!("bind {http}"));
        change("bind :8090".into(), format!("bind {tcp}"));
        for (n, node) in (1..).zip(&shop.nodes) {
            let source = format!("source {PROXY_ADDRESS}");
            let port = node.http.port();
            change(format!("vigie-{n}:8080"), format!("{} {source}", node.http));
            change(
                format!("vigie-{n}:8090 port 8080"),
                format!("{} {source} port {port}", node.tcp),
            );
        }
        let configuration = NamedTempFile::new().unwrap();
        std::fs::write(&configuration, text).unwrap();
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(configuration.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let process = command.spawn().unwrap();
        within("the proxy to listen", async {
            while TcpStream::connect(http).await.is_err() || TcpStream::connect(tcp).await.is_err()
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
        Self { _process: process, _configuration: configuration, http, tcp }
    }

    async fn visitor(&self, shop: &Shop, via: Via) -> Person {
        let connect = as_visitor(&*shop.site.key);
        let client = Client::connect(endpoint(via, self.http, self.tcp), connect, patient()).await;
        Person::new("the visitor", client.unwrap())
    }

    async fn operator(&self, shop: &Shop, via: Via, id: &str) -> Person {
        let token = with_token(shop.operator_token(id, Rank::Agent));
        let client = Client::connect(endpoint(via, self.http, self.tcp), token, patient()).await;
        Person::new(id, client.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_every_transport_are_spread_over_all_engines_and_outlive_one_of_them() {
    const EACH: usize = 6;
    let mut shop = three_nodes(&[]).await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    let proxy = Proxy::before(&shop).await;
    let ann = proxy.operator(&shop, Via::WebSocket, "ann").await;
    let mut visitors = vec![];
    for via in [Via::Tcp, Via::WebSocket, Via::Json] {
        for n in 0..EACH {
            let visitor = proxy.visitor(&shop, via).await;
            visitor.client.subscribe_own(0).await.unwrap();
            visitor.client.say(format!("{via:?} {n}: before")).await.unwrap();
            visitors.push(visitor);
        }
    }
    for node in &shop.nodes {
        // About a third of all; what the proxy asks for its checks is gone at once.
        let connections = established_to(node.http) + established_to(node.tcp);
        assert!(connections >= EACH - 1, "{} serves {connections}", node.http);
    }
    totals(&ann.client, visitors.len()).await;

    shop.nodes[0].kill().await;
    for (n, visitor) in visitors.iter().enumerate() {
        within("a message after", visitor.client.say(format!("{n}: after"))).await.unwrap();
    }
    for (n, visitor) in visitors.iter().enumerate() {
        let session = visitor.session();
        let said = within("history", async {
            loop {
                // The operator may be on their way to another engine themselves.
                if let Ok(page) = ann.client.history(Some(session), 0, 100).await {
                    return page.events.iter().map(|event| text(event).to_owned()).collect();
                }
            }
        });
        let said: Vec<String> = said.await;
        let said: Vec<_> = said.iter().filter(|text| !text.is_empty()).collect();
        assert_eq!(said.len(), 2, "nothing lost, nothing twice: {said:?}");
        assert!(said[0].ends_with("before") && *said[1] == format!("{n}: after"), "{said:?}");
    }
    let sessions: BTreeSet<_> = visitors.iter().map(Person::session).collect();
    assert_eq!(sessions.len(), visitors.len());
    totals(&ann.client, visitors.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_claims_of_its_address_is_not_believed_behind_the_proxy() {
    let trusted = [("GATEWAY__TRUSTED_PROXIES", "127.0.0.2/32")];
    assert_eq!(country_of_a_liar(&trusted).await, None);
    // If clients came from where the proxy is trusted to come from, they would be believed.
    let all = [("GATEWAY__TRUSTED_PROXIES", "127.0.0.0/8")];
    assert_eq!(country_of_a_liar(&all).await.as_deref(), Some("US"));
}

/// The country of a visitor who comes from this machine by the proxy, and claims another address.
async fn country_of_a_liar(settings: &[(&str, &str)]) -> Option<String> {
    let mut shop = three_nodes(settings).await;
    let proxy = Proxy::before(&shop).await;
    let mut ann = proxy.operator(&shop, Via::Json, "ann").await;
    ann.client.watch(Window::default()).await.unwrap();
    // What adds the claim goes by the proxy as everybody does.
    shop.nodes.iter_mut().for_each(|node| node.http = proxy.http);
    let by = shop.proxy("X-Forwarded-For: 8.8.8.8").await;
    let options = ClientOptions { wire: Options::default(), ..patient() };
    let _liar = Client::connect(by, as_visitor(&*shop.site.key), options).await.unwrap();
    ann.sees_card("the visitor", |_| true).await.country
}

async fn three_nodes(settings: &[(&str, &str)]) -> Shop {
    let redis = RedisServer::start();
    let urls = vec![redis.url(); 3];
    Shop::open_over(redis, urls, settings).await
}

/// Waits until an operator's live list has so many sessions.
async fn totals(operator: &Client, sessions: usize) {
    within(format!("{sessions} sessions in the live list"), async {
        loop {
            let watching = operator.watch(Window::default()).await;
            if watching.is_ok_and(|list| list.totals.all == sessions as u64) {
                break;
            }
        }
    })
    .await;
}

/// How many connections of the proxy an engine's port has.
fn established_to(address: SocketAddr) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let ends = |ip: [u8; 4], port: u16| format!("{:08X}:{port:04X}", u32::from_le_bytes(ip));
    let local = ends([127, 0, 0, 1], address.port());
    let from_proxy = ends([127, 0, 0, 2], 0).replace(":0000", ":");
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    const ESTABLISHED: &str = "01";
    rows.filter(|row| row[1] == local && row[2].starts_with(&from_proxy) && row[3] == ESTABLISHED)
        .count()
}

async fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Installs the proxy if it is missing.
async fn set_up() {
    static DONE: OnceCell<()> = OnceCell::const_new();
    DONE.get_or_init(|| async {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deploy/setup.sh");
        assert!(Command::new(script).status().await.unwrap().success());
    })
    .await;
}
