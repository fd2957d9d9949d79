//! What this node does with what it hears from the others, and what it tells them by itself.
//!
//! Four loops for as long as the engine runs: one gives signs of life and looks who else does, one
//! hands what is heard to the actors that it concerns, one tells the others what has changed here, and
//! one takes leave of sessions that nobody needs here any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::actors::node::{Node, SiteHandle};
use crate::actors::operator::Elsewhere;
use crate::actors::session::{
    Attended, BotHas, BotsChanged, Heard, LivesOrNot, LookAnew, Relayed, Resync, Wake,
};
use crate::actors::share::{Share, Stir};
use crate::cluster::hub::{Beat, Leave};
use crate::cluster::message::{BotTold, Message};
use crate::cluster::{BusError, Cluster, Heard as FromBus, NodeId};
use crate::metrics::metrics;

/// How long a node that starts waits until it hears the others.
const LISTENS_WITHIN: Duration = Duration::from_secs(2);

/// How many sessions of a dead node are taken over in one go.
const ADOPTED_MAX: u32 = 256;

/// How many leave-takings are under way at once.
const LEAVES_AT_ONCE: usize = 64;

/// Joins the cluster, before anybody is served.
///
/// # Errors
/// The bus does not answer.
pub async fn join(cluster: &Cluster) -> Result<(), BusError> {
    cluster.beat().await.map(drop)
}

/// Learns what the others have of every site, before anybody is served; not for long, if they do
/// not answer. They learn by it that this node is there.
pub async fn meet(node: &Node, cluster: &Cluster) {
    // What is answered before that is not heard.
    let _ = tokio::time::timeout(LISTENS_WITHIN, cluster.until_it_listens()).await;
    if let Err(error) = node.open_all_sites().await {
        tracing::warn!(%error, "sites are opened as they are asked for");
    }
    let sites = node.open_sites();
    let whole = sites.iter().filter_map(|site| site.share.as_ref()).map(|share| share.whole());
    futures_util::future::join_all(whole).await;
}

/// Takes part in the cluster until the engine ends. Runs on the thread of sites and operators.
pub async fn run(node: Arc<Node>, cluster: Arc<Cluster>) {
    let inbox = cluster.bus().listen();
    let share_interval = node.config.live_list.flush_interval;
    actix_rt::spawn(hear(Arc::clone(&node), Arc::clone(&cluster), inbox));
    actix_rt::spawn(share(Arc::clone(&node), Arc::clone(&cluster), share_interval));
    if let Some(leaves) = cluster.take_leaves() {
        actix_rt::spawn(leave(Arc::clone(&node), Arc::clone(&cluster), leaves));
    }
    beat(node, cluster).await;
}

/// Leaves the cluster: what this node attends is for the others from now on, or for whoever comes.
pub async fn depart(cluster: &Cluster) {
    if let Err(error) = cluster.bus().depart().await {
        tracing::warn!(%error, "the others will find out by themselves that this node is gone");
    }
}

async fn beat(node: Arc<Node>, cluster: Arc<Cluster>) {
    let mut ticks = actix_rt::time::interval(cluster.interval());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if node.draining() {
            return;
        }
        match cluster.beat().await {
            Ok(beat) => see_to(&node, &cluster, beat).await,
            Err(error) => tracing::debug!(%error, "no sign of life could be given"),
        }
        node.look_at_health();
    }
}

async fn see_to(node: &Arc<Node>, cluster: &Arc<Cluster>, beat: Beat) {
    if beat.another_generation {
        tracing::warn!(
            generation = cluster.generation(),
            "the log has lost what was durable; all clients begin anew"
        );
        node.sessions.for_each(|actor| actor.do_send(Resync));
        node.resync();
    }
    if beat.lost {
        let generation = cluster.generation();
        tracing::error!(
            generation,
            "the cluster's Redis has lost acknowledged events; the log's generation is raised"
        );
        if let Err(error) = cluster.bus().raise_generation(generation).await {
            tracing::warn!(%error, "the generation could not be raised yet");
            cluster.lost(generation);
        }
    }
    if beat.buried {
        tracing::warn!("the other nodes had taken this one for dead");
    }
    if beat.buried || beat.another_lineage {
        look_anew(node);
    }
    for came in &beat.call.came {
        tracing::info!(node = %came, "another node is there");
        node.sessions.for_each(|actor| actor.do_send(LivesOrNot(*came)));
    }
    if !beat.call.came.is_empty() {
        each_share(node, |_, share| share.greet());
    }
    for died in beat.call.died {
        tracing::warn!(node = %died, "another node is gone");
        bury(node, cluster, died);
    }
    // Also one that this node has never known may have left something behind.
    for gone in beat.gone {
        take_over(node, cluster, gone);
    }
}

/// Whatever lives of the bus is looked at anew.
fn look_anew(node: &Node) {
    node.sessions.for_each(|actor| actor.do_send(LookAnew));
    each_share(node, |_, share| share.doubt());
}

fn each_share(node: &Node, mut then: impl FnMut(&Arc<SiteHandle>, &Share)) {
    for site in node.open_sites() {
        if let Some(share) = &site.share {
            then(&site, share);
        }
    }
}

/// A node is dead: what it had is everybody's now, each thing one's.
fn bury(node: &Arc<Node>, cluster: &Arc<Cluster>, dead: NodeId) {
    node.sessions.for_each(|actor| actor.do_send(LivesOrNot(dead)));
    each_share(node, |site, share| stir(node, site, share.bury(site.boards(), dead)));
    take_over(node, cluster, dead);
}

/// Sees to what a dead node has left behind, unless that is under way.
fn take_over(node: &Arc<Node>, cluster: &Arc<Cluster>, dead: NodeId) {
    if cluster.begins_to_bury(dead) {
        actix_rt::spawn(adopt(Arc::clone(node), Arc::clone(cluster), dead));
    }
}

/// Takes over a dead node's sessions, however often it has to be tried.
async fn adopt(node: Arc<Node>, cluster: Arc<Cluster>, dead: NodeId) {
    adopt_all(&node, &cluster, dead).await;
    while let Err(error) = cluster.bus().bury(dead).await {
        tracing::debug!(error = %error, node = %dead, "a dead node is not written down as such yet");
        actix_rt::time::sleep(cluster.interval()).await;
    }
    cluster.has_buried(dead);
    // What was on its way when the node died may have taken effect since.
    actix_rt::time::sleep(2 * node.config.redis.timeout).await;
    if !cluster.lives(dead) {
        adopt_all(&node, &cluster, dead).await;
    }
}

async fn adopt_all(node: &Arc<Node>, cluster: &Cluster, dead: NodeId) {
    loop {
        let mut live = cluster.others();
        if live.contains(&dead) {
            // It is back; that it was taken for dead it learns by its burial.
            return;
        }
        live.push(cluster.me());
        match cluster.bus().adopt(dead, live, ADOPTED_MAX).await {
            Ok(adopted) => {
                metrics().cluster.adopted.inc_by(adopted.len() as u64);
                for session in &adopted {
                    // It may be running: then it hears from the bus that it attends alone.
                    let _ = node.session(*session).try_send(Wake);
                }
                if adopted.len() < ADOPTED_MAX as usize {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(%error, node = %dead, "its sessions are not all taken over yet");
                actix_rt::time::sleep(cluster.interval()).await;
            }
        }
    }
}

async fn share(node: Arc<Node>, cluster: Arc<Cluster>, interval: Duration) {
    let mut ticks = actix_rt::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut said = tokio::time::Instant::now();
    loop {
        let now = ticks.tick().await;
        let say_at = now.duration_since(said) >= cluster.interval();
        if say_at {
            said = now;
        }
        each_share(&node, |site, share| share.tick(&site.board, say_at));
    }
}

async fn leave(node: Arc<Node>, cluster: Arc<Cluster>, mut leaves: mpsc::Receiver<Leave>) {
    let mut batch = Vec::with_capacity(LEAVES_AT_ONCE);
    while leaves.recv_many(&mut batch, LEAVES_AT_ONCE).await > 0 {
        // It may be needed again. And a node that is about to depart has no actors any more, and would
        // leave what somebody must take over.
        let draining = node.draining();
        batch.retain(|leave| {
            node.sessions.get(&leave.session).is_none() && !(draining && leave.wants)
        });
        let left = batch.drain(..).map(|leave| {
            let left = cluster.bus().leave(leave.session);
            async move { (leave, left.await) }
        });
        for (Leave { session, wants }, left) in futures_util::future::join_all(left).await {
            match left {
                Ok(attendance) => {
                    let steward = attendance.steward(|node| cluster.lives(node));
                    if wants && steward.is_none() {
                        // Whoever was to see to it has gone as well. Not at once: perhaps it was left
                        // because it could not be read.
                        let (node, pause) = (Arc::clone(&node), cluster.interval());
                        actix_rt::spawn(async move {
                            actix_rt::time::sleep(pause).await;
                            if !node.draining() {
                                // At the bound of its mailbox it is awake.
                                let _ = node.session(session).try_send(Wake);
                            }
                        });
                    }
                }
                Err(error) => {
                    // Otherwise it would be taken for one that sees to the session.
                    tracing::debug!(error = %error, "a session could not be left yet");
                    let cluster = Arc::clone(&cluster);
                    actix_rt::spawn(async move {
                        actix_rt::time::sleep(cluster.interval()).await;
                        cluster.leave(session, wants);
                    });
                }
            }
        }
    }
}

async fn hear(node: Arc<Node>, cluster: Arc<Cluster>, mut inbox: mpsc::Receiver<FromBus>) {
    while let Some(heard) = inbox.recv().await {
        match heard {
            FromBus::Events { session, after, events } => match node.sessions.get(&session) {
                Some(actor) => {
                    if actor.try_send(Heard { after, events }).is_err() {
                        // Its mailbox is full: it looks at the log's end once it has room.
                        actor.do_send(LookAnew);
                    }
                }
                None => cluster.leave(session, true),
            },
            FromBus::Attendance(attendance) => match node.sessions.get(&attendance.session) {
                Some(actor) => actor.do_send(Attended(attendance)),
                None => cluster.leave(attendance.session, true),
            },
            FromBus::Message { from, bytes } => match Message::decode(&bytes) {
                Ok(message) => take(&node, &cluster, from, message).await,
                Err(error) => tracing::debug!(%error, %from, "a message is of another version"),
            },
            FromBus::Gap => {
                tracing::debug!("something of the other nodes may have been missed");
                cluster.listens();
                look_anew(&node);
            }
        }
    }
}

async fn take(node: &Arc<Node>, cluster: &Cluster, from: NodeId, message: Message) {
    let site = match &message {
        Message::Cards { site, .. }
        | Message::People { site, .. }
        | Message::Wanted { site, .. }
        | Message::Bot { site, .. } => match node.site(site).await {
            Ok(Some(site)) => Some(site),
            Ok(None) | Err(_) => return,
        },
        Message::Signal { .. } | Message::BotHas { .. } => None,
    };
    let share = site.as_ref().and_then(|site| Some((site, site.share.as_ref()?)));
    match (message, share) {
        (Message::Signal { session, signal }, _) => {
            if let Some(actor) = node.sessions.get(&session) {
                // Signals may be lost.
                let _ = actor.try_send(Relayed(signal));
            }
        }
        (Message::BotHas { session, turn }, _) => {
            if let Some(actor) = node.sessions.get(&session) {
                actor.do_send(BotHas { turn });
            }
        }
        (Message::Cards { told, .. }, Some((site, share))) => {
            share.hear_cards(&site.board, from, told);
        }
        (Message::People { told, .. }, Some((site, share))) => {
            stir(node, site, share.hear_people(site.boards(), from, told));
        }
        (Message::Wanted { table, since, .. }, Some((_, share))) => {
            share.wanted(from, table, since);
        }
        (Message::Bot { connection, told, .. }, Some((site, _))) => {
            let Some(bot) = site.bots.bot((cluster.me(), connection)) else { return };
            let Some(outbox) = bot.outbox else { return };
            let again = match &told {
                BotTold::Turn(turn) => {
                    let has = Message::BotHas { session: turn.session, turn: turn.turn };
                    cluster.send(from, &has);
                    !site.bots.pass_on((turn.session, turn.epoch, turn.turn, connection))
                }
                BotTold::Revoked(_) | BotTold::HandedBack(_) => false,
            };
            if !again {
                told.notify(&outbox);
            }
        }
        (
            Message::Cards { .. }
            | Message::People { .. }
            | Message::Wanted { .. }
            | Message::Bot { .. },
            None,
        ) => {}
    }
}

/// Tells those whom other nodes' people concern.
fn stir(node: &Node, site: &SiteHandle, stir: Stir) {
    for session in stir.sessions {
        if let Some(actor) = node.sessions.get(&session) {
            actor.do_send(BotsChanged);
        }
    }
    for operator in stir.operators {
        if let Some(actor) = site.operators.get(&operator) {
            actor.do_send(Elsewhere);
        }
    }
}
