//! What a node has asked takes effect when it does not wait any more, after what it has asked since.

use std::time::Duration;

use uuid::Uuid;
use vigie::cluster::{Attendance, Bus};
use vigie_protocol::id::SessionId;

use crate::deaf::Network;
use crate::node::{HASTY, Node, PATIENCE, nodes, session};
use crate::redis_server::{RedisServer, prefix, shared};

/// How long is waited between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Two nodes; what one asks can be held back.
struct Late {
    server: RedisServer,
    network: Network,
    a: Node,
    late: Node,
}

impl Late {
    async fn new() -> Self {
        let server = RedisServer::start();
        let network = Network::to(format!("127.0.0.1:{}", server.port()));
        let prefix = prefix();
        let a = Node::join(&server.url(), &prefix).await;
        let late = Node::join_at(HASTY, &network.url(), &prefix).await;
        // The server knows the scripts from now on.
        let known = session();
        a.attend(known).await;
        a.bus.leave(known).await.unwrap();
        Self { server, network, a, late }
    }

    /// Attends with the visitor, in vain for now.
    async fn attends_late(&self, session: SessionId) {
        self.late.attend(session).await;
        self.leaves(session).await;
        self.network.hold();
        self.late.bus.attend(session, true).await.unwrap_err();
    }

    /// Leaves at once.
    async fn leaves(&self, session: SessionId) -> Attendance {
        self.late.asks(|| self.late.bus.leave(session)).await
    }

    /// What was held takes effect now.
    async fn released(&self) {
        let before = scripts_called(&self.server);
        self.network.release();
        let began = tokio::time::Instant::now();
        while scripts_called(&self.server) == before {
            assert!(began.elapsed() < PATIENCE, "what was held arrives");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn at(&self, session: SessionId) -> Attendance {
        self.a.attend(session).await
    }
}

fn scripts_called(server: &RedisServer) -> u64 {
    let calls = server.cli(&["INFO", "commandstats"]);
    let calls = calls.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    calls.and_then(|calls| calls.split(',').next()).map_or(0, |calls| calls.parse().unwrap())
}

#[tokio::test]
async fn a_late_attend_does_not_undo_a_later_one() {
    let mut late = Late::new().await;
    let session = session();
    late.attends_late(session).await;
    let asked = late.late.attend(session).await;
    let with_a = late.at(session).await;
    late.released().await;
    assert!(!asked.nodes[0].visitor);
    assert_eq!(late.at(session).await, with_a, "no visitor is there any more");
    let Late { a, late, .. } = &mut late;
    a.hears_at_last(late).await;
}

#[tokio::test]
async fn a_late_attend_does_not_undo_a_later_leave() {
    let mut late = Late::new().await;
    let session = session();
    let alone = late.at(session).await;
    late.attends_late(session).await;
    // It came and went before.
    for _ in 0..2 {
        late.a.hears().await;
    }
    assert_eq!(late.leaves(session).await, alone);
    late.released().await;
    assert_eq!(late.at(session).await, alone);
    let Late { a, late, .. } = &mut late;
    a.hears_at_last(late).await;
    let again = late.attend(session).await;
    assert_eq!(again.nodes.len(), 2, "who asks again attends: {again:?}");
}

#[tokio::test]
async fn a_late_attend_does_not_bring_back_a_session_that_all_have_left() {
    let late = Late::new().await;
    let session = session();
    late.attends_late(session).await;
    late.leaves(session).await;
    late.released().await;
    assert_eq!(late.server.cli(&["KEYS", &format!("*{session}*")]), "");
    assert_eq!(late.server.cli(&["KEYS", &format!("*:of:{}", late.late.id())]), "");
}

#[tokio::test]
async fn a_late_leave_does_not_undo_a_later_attend() {
    let mut late = Late::new().await;
    let session = session();
    late.late.attend(session).await;
    late.network.hold();
    late.late.bus.leave(session).await.unwrap_err();
    late.late.asks(|| late.late.bus.attend(session, true)).await;
    let both = late.at(session).await;
    late.released().await;
    assert_eq!(late.at(session).await, both);
    assert!(both.nodes[0].node == late.late.id() && both.nodes[0].visitor, "{both:?}");
    let Late { a, late, .. } = &mut late;
    a.hears_at_last(late).await;
}

#[tokio::test]
async fn what_is_left_and_attended_again_and_again_is_never_refused() {
    let [node] = nodes(&shared().url()).await;
    let session = session();
    for _ in 0..50 {
        assert_eq!(node.attend(session).await.nodes.len(), 1);
        assert_eq!(node.bus.leave(session).await.unwrap().nodes, []);
    }
}

#[tokio::test]
async fn what_an_adoption_gives_late_is_told_by_a_later_one() {
    let late = Late::new().await;
    let (Late { a: dead, late: heir, .. }, live) = (&late, vec![late.late.id()]);
    let before = session();
    dead.attend(before).await;
    let adopt = || heir.bus.adopt(dead.id(), live.clone(), 10);
    assert_eq!(heir.asks(adopt).await, [before]);
    heir.attend(before).await;
    let first = session();
    dead.attend(first).await;
    // How many there are is learned; what is asked then is held, and given up.
    late.network.hold_scripts();
    adopt().await.unwrap_err();
    assert_eq!(heir.asks(adopt).await, [first]);
    heir.attend(first).await;
    // What the dead had asked takes effect late, and then what the heir had.
    let mut second = session().uuid().into_bytes();
    second[15] = first.uuid().as_bytes()[15];
    let second = SessionId::from(Uuid::from_bytes(second));
    dead.attend(second).await;
    late.released().await;
    assert_eq!(dead.attend(second).await.nodes[0].node, heir.id(), "it was given");
    let began = tokio::time::Instant::now();
    loop {
        let told = heir.asks(adopt).await;
        if told == [second] {
            return;
        }
        assert_eq!(told, []);
        assert!(began.elapsed() < PATIENCE, "what was given late is told");
        tokio::time::sleep(PAUSE).await;
    }
}
