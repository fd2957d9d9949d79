//! Several Redis servers that belong together: a Redis Cluster, or servers that a sentinel watches.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use super::{POLL, PORTS, RedisServer, START_MAX, free_port, free_port_among, is_free};

/// How far above a server's own port it talks to the others of its cluster.
const CLUSTER_PORT_OFFSET: u16 = 10_000;

/// How long a sentinel may take for what it does: one that finds its machine busy does nothing for 30
/// seconds, and it asks its servers how they are every ten.
const FAILOVER_MAX: Duration = Duration::from_secs(120);

/// The name of the master that a sentinel watches.
pub const MASTER: &str = "main";

/// A Redis Cluster of three masters.
pub struct RedisCluster {
    servers: Vec<RedisServer>,
}

/// A master and a replica, watched by one sentinel.
pub struct RedisSentinel {
    pub first: RedisServer,
    pub second: RedisServer,
    pub sentinel: RedisServer,
}

impl RedisCluster {
    /// Starts them, and waits until all slots are served.
    pub fn start() -> Self {
        let servers: Vec<_> = (0..3).map(|_| cluster_server()).collect();
        let addresses = servers.iter().map(|server| format!("127.0.0.1:{}", server.port()));
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .arg("--cluster-yes")
            .output()
            .expect("redis-cli can be run");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        let cluster = Self { servers };
        wait_until("the cluster serves all slots", || {
            cluster.servers.iter().all(|server| {
                let info = server.cli(&["cluster", "info"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
        });
        cluster
    }

    /// Its address.
    pub fn url(&self) -> String {
        let hosts: Vec<_> =
            self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Its masters.
    pub fn servers(&mut self) -> &mut [RedisServer] {
        &mut self.servers
    }
}

impl RedisSentinel {
    /// Starts them, and waits until the sentinel knows the replica.
    pub fn start() -> Self {
        // A replica's first copy is made at once, and not in five seconds.
        let at_once = ["--repl-diskless-sync-delay", "0"];
        let first = RedisServer::start_with(&at_once);
        let port = first.port().to_string();
        let replica = ["--replicaof", "127.0.0.1", &port];
        let second = RedisServer::start_with(&[&at_once[..], &replica].concat());
        // It takes no server for down that stands still for a while, nor gives a failover up for it.
        let sentinel = RedisServer::start_as(free_port, |own, folder| {
            let file = folder.join("sentinel.conf");
            let text = format!(
                "port {own}\nbind 127.0.0.1\ndir {}\nsentinel monitor {MASTER} 127.0.0.1 {port} 1\n\
                 sentinel down-after-milliseconds {MASTER} 30000\n\
                 sentinel failover-timeout {MASTER} 60000\n",
                folder.display()
            );
            fs::write(&file, text).expect("the server's folder can be written");
            vec![file.to_string_lossy().into_owned(), "--sentinel".into()]
        });
        let group = Self { first, second, sentinel };
        wait_for(FAILOVER_MAX, "the replica follows, and the sentinel knows it", || {
            let replicas = group.sentinel.cli(&["sentinel", "replicas", MASTER]);
            group.second.cli(&["info", "replication"]).contains("master_link_status:up")
                && replicas.contains(&group.second.port().to_string())
                && replicas.contains("master-link-status\nok")
        });
        group
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/{MASTER}", self.sentinel.port())
    }

    /// Has the replica take over, and waits until it has and the master before follows it. Until then
    /// both would take writes, and those of the one before are lost.
    pub fn fail_over(&self) {
        let before = self.master();
        // It does not take a replica of which it has heard nothing of late.
        wait_for(FAILOVER_MAX, "the sentinel begins a failover", || {
            self.master() != before || self.sentinel.cli(&["sentinel", "failover", MASTER]) == "OK"
        });
        wait_for(FAILOVER_MAX, "another server is the master", || {
            let now = self.master();
            now != before
                && super::cli(now, &["role"]).starts_with("master")
                && super::cli(before, &["role"]).starts_with("slave")
        });
    }

    /// The port of the server that is the master now.
    pub fn master(&self) -> u16 {
        let address = self.sentinel.cli(&["sentinel", "get-master-addr-by-name", MASTER]);
        let port = address.lines().last().expect("the sentinel names a master");
        port.parse().expect("it names its port")
    }
}

/// One cluster for all tests of this process.
pub fn shared_cluster() -> &'static RedisCluster {
    static SHARED: OnceLock<RedisCluster> = OnceLock::new();
    SHARED.get_or_init(RedisCluster::start)
}

fn cluster_server() -> RedisServer {
    let arguments = || ["--cluster-enabled", "yes"].map(str::to_owned).to_vec();
    RedisServer::start_among(cluster_port, arguments)
}

/// Waits for a condition.
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    wait_for(START_MAX, what, condition);
}

fn wait_for(limit: Duration, what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(POLL);
    }
}

/// A port that is free together with the one by which a cluster's servers talk.
fn cluster_port() -> u16 {
    loop {
        let port = free_port_among(PORTS.start..PORTS.end - CLUSTER_PORT_OFFSET);
        if is_free(port + CLUSTER_PORT_OFFSET) {
            return port;
        }
    }
}
