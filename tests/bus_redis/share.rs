//! What nodes let each other read.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use vigie::actors::share::Share;
use vigie::cluster::message::Table;
use vigie::cluster::{Cluster, NodeId};

use crate::node::nodes;
use crate::redis_server::shared;

#[tokio::test]
async fn nobody_waits_for_a_node_that_has_asked_and_is_not_on_the_roll() {
    let [node] = nodes(&shared().url()).await;
    let cluster = Arc::new(Cluster::new(node.bus.clone(), Duration::from_secs(4)));
    let share = Share::new(cluster, "shop".parse().unwrap(), Duration::ZERO);
    share.wanted(NodeId(7), Table::People, 0);
    assert!(share.whole().now_or_never().is_some(), "there is nobody who will answer");
}
