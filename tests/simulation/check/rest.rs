//! What must be true once nothing has gone wrong for a while: everybody has the same, and it is
//! right.

use std::collections::{BTreeMap, BTreeSet};

use vigie::core::cluster::Attendance;
use vigie::core::view::{Audience, visible_to};
use vigie_protocol::event::Event;
use vigie_protocol::id::{OperatorId, SessionId};

use crate::clients::Kind;
use crate::node::Node;
use crate::node::actor::{Actor, State};
use crate::world::World;

type Verdict = Result<(), String>;

pub fn all_is_well(world: &World) -> Verdict {
    let live: Vec<_> = world.nodes.iter().filter(|node| node.alive).collect();
    for (session, stored) in &world.outside.server.log.sessions {
        session_is_at_rest(world, *session, stored.now())
            .map_err(|why| format!("{session}: {why}"))?;
    }
    for node in &live {
        for actor in node.actors.values() {
            actor_is_at_rest(world, node, actor)
                .map_err(|why| format!("node {}, {}: {why}", node.index, actor.session))?;
        }
        let index = node.index;
        board_is_right(world, node).map_err(|why| format!("node {index}: {why}"))?;
        people_are_right(world, node).map_err(|why| format!("node {index}: {why}"))?;
    }
    attendance_is_right(world, &live)?;
    clients_are_served(world)
}

/// What the log says must be so outside of it.
fn session_is_at_rest(
    world: &World,
    session: SessionId,
    fold: &vigie::core::session::Session,
) -> Verdict {
    if fold.closed() {
        return Ok(());
    }
    if let Some(turn) = fold.turn() {
        return Err(format!("turn {turn} is open, and nobody ends it"));
    }
    if let Some(holder) = fold.holder()
        && !connected(world).contains(holder)
    {
        return Err(format!("{holder} is gone and still in control"));
    }
    let here = visitor_is_here(world, session);
    if here != fold.present() {
        return Err(format!("the visitor is here: {here}; in the log: {}", fold.present()));
    }
    Ok(())
}

fn actor_is_at_rest(world: &World, node: &Node, actor: &Actor) -> Verdict {
    if actor.retired {
        return Ok(());
    }
    let head = world.outside.server.log.head(actor.session);
    let State::Folded(folded) = &actor.state else {
        return Err("it runs and knows nothing of its log".into());
    };
    let projection = &folded.projection;
    must(projection.committed() == head, || {
        format!("it has {} of {head}", projection.committed())
    })?;
    must(projection.settled() && projection.idle() && !projection.is_stuck(), || {
        "something waits in it".into()
    })?;
    must(actor.asked.is_none(), || format!("asks somebody still: {:?}", actor.asked))?;
    let there = world.outside.server.bus.attendance(actor.session, projection.end());
    let known = actor.attending.latest.as_ref();
    // What is believed of oneself is of no use to anybody.
    let of = |attendance: &Attendance| -> Vec<_> {
        let others = attendance.nodes.iter();
        others.map(|a| (a.node, a.since, a.visitor && a.node != node.core.id)).collect()
    };
    must(known.is_some_and(|known| of(known) == of(&there)), || {
        format!("attended by {:?}, and it believes {known:?}", there.nodes)
    })?;
    must(there.nodes.iter().any(|attendant| attendant.node == node.core.id), || {
        "it does not attend".into()
    })
}

/// Who attends a session runs it, and one of them is its steward.
fn attendance_is_right(world: &World, live: &[&Node]) -> Verdict {
    for session in world.outside.server.bus.sessions() {
        let mut stewards = 0;
        for id in world.outside.server.bus.attendants(session) {
            let Some(node) = live.iter().find(|node| node.core.id == id) else {
                return Err(format!("{session} is attended by {id}, which is no more"));
            };
            let Some(actor) = node.core.registry.get(&session).map(|id| &node.actors[id]) else {
                return Err(format!("{session} is attended by node {} for nothing", node.index));
            };
            stewards += usize::from(actor.is_steward(&node.core));
        }
        must(stewards == 1, || format!("{session} has {stewards} stewards"))?;
    }
    Ok(())
}

/// Everybody who looks sees each session with its visitor, as it is, and no other.
fn board_is_right(world: &World, node: &Node) -> Verdict {
    let mut right = BTreeMap::new();
    for (session, stored) in &world.outside.server.log.sessions {
        if visitor_is_here(world, *session) && !stored.now().closed() {
            right.insert(*session, stored.now().card(true));
        }
    }
    for (session, card) in &node.core.share.board {
        match right.remove(session) {
            None => {
                let by = node.core.share.shown_by(*session);
                return Err(format!(
                    "the card of {session}, shown by {by:?}, is a ghost: {card:?}"
                ));
            }
            Some(right) => must(right.as_ref() == Some(card), || {
                format!("the card of {session} is {card:?}; it should be {right:?}")
            })?,
        }
    }
    must(right.is_empty(), || format!("there is no card of {:?}", right.keys()))
}

fn people_are_right(world: &World, node: &Node) -> Verdict {
    must(!node.core.share.lags(), || "it waits for what others have".into())?;
    let there: BTreeSet<_> = connected(world);
    let mut held: BTreeMap<OperatorId, u32> = BTreeMap::new();
    for stored in world.outside.server.log.sessions.values() {
        if let Some(holder) = stored.now().holder().filter(|_| !stored.now().closed()) {
            *held.entry(holder.clone()).or_default() += 1;
        }
    }
    let mut seen = BTreeSet::new();
    for card in node.core.roster.list() {
        must(card.connected && there.contains(&card.id), || {
            format!("{card:?} is a ghost in {:?}", node.core.roster)
        })?;
        let holds = held.get(&card.id).copied().unwrap_or_default();
        must(card.sessions == holds, || {
            let watched = world.nodes.iter().filter(|node| node.alive).map(|node| {
                (node.index, node.core.operators.get(&card.id).map(|operator| &operator.held))
            });
            format!(
                "{card:?} holds {holds}; it is watched over at {:?}",
                watched.collect::<Vec<_>>()
            )
        })?;
        seen.insert(card.id);
    }
    must(seen == there, || format!("{there:?} are there; it knows of {seen:?}"))?;
    for client in world.clients.iter().filter(|client| matches!(client.kind, Kind::Bot(_))) {
        if let Some(link) = &client.link {
            let id = (world.nodes[link.node].core.id, link.connection);
            must(node.core.bots.bot(id).is_some(), || "it does not know a bot".into())?;
        }
    }
    Ok(())
}

/// Whoever wants to be here is, has an answer to everything, and has seen all there is.
fn clients_are_served(world: &World) -> Verdict {
    for (number, client) in world.clients.iter().enumerate().filter(|(_, client)| client.here) {
        let link = client.link.as_ref().filter(|link| link.welcome);
        let Some(_) = link else { return Err(format!("client {number} finds no way in")) };
        must(!client.unsent(), || format!("client {number} waits for an answer"))?;
        let audience = match client.kind {
            Kind::Visitor(_) => Audience::Visitor,
            Kind::Operator(_) => Audience::Operator,
            Kind::Bot(_) => Audience::Bot,
        };
        for (session, view) in client.views.iter().filter(|(s, _)| client.follows(**s)) {
            let stored = &world.outside.server.log.sessions[session];
            let right: Vec<Event> = stored
                .events
                .iter()
                .filter_map(|event| Some(visible_to(event, audience)?.into_owned()))
                .collect();
            must(view.events == right, || {
                format!("client {number} has {} of {} of {session}", view.events.len(), right.len())
            })?;
        }
    }
    Ok(())
}

fn visitor_is_here(world: &World, session: SessionId) -> bool {
    world.clients.iter().any(|client| match &client.kind {
        Kind::Visitor(visitor) => visitor.session == Some(session) && client.link.is_some(),
        _ => false,
    })
}

fn connected(world: &World) -> BTreeSet<OperatorId> {
    let operators = world.clients.iter().filter_map(|client| match &client.kind {
        Kind::Operator(desk) if client.link.is_some() => Some(desk.operator.id.clone()),
        _ => None,
    });
    operators.collect()
}

fn must(so: bool, why: impl FnOnce() -> String) -> Verdict {
    if so { Ok(()) } else { Err(why()) }
}
