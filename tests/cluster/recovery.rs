//! How long it takes after a fault until everything is as it should be, on every node.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};
use vigie_client::{Link, Options, new_key};
use vigie_protocol::card::Window;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Rank, Say, Watch};

use crate::harness::{Cluster, NODES};
use crate::support::Via;

/// How long one attempt may take; a node that does not answer is asked anew.
const ATTEMPT: Duration = Duration::from_millis(1500);

/// How long it may take at the very most.
const PATIENCE: Duration = Duration::from_secs(40);

/// From the end of the fault.
pub struct Recovery {
    /// To the first message of a new visitor that each node acknowledges.
    first: Vec<Duration>,
    /// To the same live list on all nodes, with everybody in it who is there.
    lists: Duration,
}

impl Recovery {
    /// Measures from now on.
    pub async fn of(cluster: &Cluster, sessions: &[SessionId]) -> Self {
        let began = Instant::now();
        let served = join_all((0..NODES).map(|node| serves(cluster, node, began)));
        let first = timeout(PATIENCE, served).await;
        let (first, visitors): (Vec<_>, Vec<_>) = match first {
            Ok(served) => served.into_iter().unzip(),
            Err(_) => panic!("a node does not serve {PATIENCE:?} after the fault"),
        };
        let expected: BTreeSet<_> = sessions.iter().copied().collect();
        let mut lists = vec![];
        let converging = async {
            loop {
                lists = join_all((0..NODES).map(|node| online(cluster, node))).await;
                let same = lists.windows(2).all(|pair| pair[0] == pair[1]);
                if same && lists[0].as_ref().is_some_and(|list| list.is_superset(&expected)) {
                    return began.elapsed();
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let converged = timeout(PATIENCE, converging).await;
        let lists = converged.unwrap_or_else(|_| {
            panic!(
                "the lists differ {PATIENCE:?} after the fault; {expected:?} must be in {lists:?}"
            )
        });
        drop(visitors);
        Self { first, lists }
    }

    /// Panics if it took longer than stated.
    pub fn assert_within(&self, bound: Duration) {
        let slowest = self.first.iter().max().copied().unwrap_or_default().max(self.lists);
        assert!(slowest <= bound, "{self}; {bound:?} were stated");
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, lists } = self;
        write!(f, "first message acknowledged after {first:.2?}, same lists after {lists:.2?}")
    }
}

/// When a node first acknowledges what a new visitor says, who then stays.
async fn serves(cluster: &Cluster, node: usize, began: Instant) -> (Duration, Link) {
    let endpoint = cluster.nodes()[node].endpoint(Via::Tcp);
    loop {
        let attempt = async {
            let link = Link::open(&endpoint, &Options::default()).await.ok()?;
            link.call(&cluster.as_visitor()).await.ok()?;
            let text = "Is anybody there?".to_owned();
            let say = Say { session: None, key: new_key(), text, seen: None, confirm: false };
            link.call(&say).await.ok()?;
            Some(link)
        };
        if let Ok(Some(link)) = timeout(ATTEMPT, attempt).await {
            return (began.elapsed(), link);
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Who is online as a node sees it; nothing if it does not say.
async fn online(cluster: &Cluster, node: usize) -> Option<BTreeSet<SessionId>> {
    let endpoint = cluster.nodes()[node].endpoint(Via::Tcp);
    let asking = async {
        let link = Link::open(&endpoint, &Options::default()).await.ok()?;
        link.call(&cluster.as_operator(&format!("auditor-{node}"), Rank::Agent)).await.ok()?;
        let window = Window { first: 200, ..Window::default() };
        let list = link.call(&Watch { window }).await.ok()?;
        let online = list.cards.into_iter().filter(|card| card.online);
        Some(online.map(|card| card.session).collect())
    };
    timeout(ATTEMPT, asking).await.ok().flatten()
}
