//! Who attends which session, and who gives signs of life.

use std::collections::BTreeMap;

use vigie::core::cluster::{Attendance, Attendant, NodeId};
use vigie::core::end::LogEnd;
use vigie_protocol::id::SessionId;

/// What nodes know of each other by the server.
#[derive(Debug, Default)]
pub struct Bus {
    attended: BTreeMap<SessionId, Attended>,
    pub beats: BTreeMap<NodeId, Beats>,
    tombstones: u64,
}

#[derive(Debug, Default)]
struct Attended {
    count: u64,
    nodes: BTreeMap<NodeId, Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    since: u64,
    visitor: bool,
    /// Which request has written it: one that was made before and comes late changes nothing.
    by: u64,
    /// Given by an adoption that may not have been heard of.
    from: Option<NodeId>,
}

/// What there is of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beats {
    Counted(u64),
    /// It has departed, and nobody has seen yet to what it attended.
    Gone,
    Dead {
        tombstone: u64,
    },
}

impl Bus {
    pub fn attendance(&self, session: SessionId, head: LogEnd) -> Attendance {
        let marks = self.attended.get(&session).map(|attended| &attended.nodes);
        let mut nodes: Vec<_> = marks
            .into_iter()
            .flatten()
            .map(|(node, mark)| Attendant { node: *node, since: mark.since, visitor: mark.visitor })
            .collect();
        nodes.sort_by_key(|attendant| (attendant.since, attendant.node));
        Attendance { session, head, nodes }
    }

    /// The sessions that somebody attends.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.attended.iter().filter(|(_, a)| !a.nodes.is_empty()).map(|(session, _)| *session)
    }

    pub fn attendants(&self, session: SessionId) -> Vec<NodeId> {
        let attended = self.attended.get(&session);
        attended.map(|a| a.nodes.keys().copied().collect()).unwrap_or_default()
    }

    /// Whether that changed something for others.
    pub fn attend(&mut self, session: SessionId, node: NodeId, visitor: bool, by: u64) -> bool {
        let attended = self.attended.entry(session).or_default();
        let before = attended.nodes.get(&node).copied();
        if before.is_some_and(|mark| by < mark.by) {
            return false;
        }
        let since = before.map_or_else(
            || {
                attended.count += 1;
                attended.count
            },
            |mark| mark.since,
        );
        attended.nodes.insert(node, Mark { since, visitor, by, from: None });
        before.is_none_or(|mark| mark.visitor != visitor)
    }

    /// Whether it attended.
    pub fn leave(&mut self, session: SessionId, node: NodeId, by: u64) -> bool {
        let Some(attended) = self.attended.get_mut(&session) else { return false };
        let left = attended.nodes.extract_if(.., |other, mark| *other == node && mark.by < by);
        let left = left.count() > 0;
        if attended.nodes.is_empty() {
            self.attended.remove(&session);
        }
        left
    }

    /// Takes what a dead node attends from it; returns what is the heir's of it now, and what the
    /// dead one has lost.
    pub fn adopt(
        &mut self,
        dead: NodeId,
        heir: NodeId,
        live: &[NodeId],
    ) -> (Vec<SessionId>, Vec<SessionId>) {
        let mut lost = Vec::new();
        for (session, attended) in &mut self.attended {
            if attended.nodes.remove(&dead).is_none() {
                continue;
            }
            lost.push(*session);
            if !live.iter().chain([&heir]).any(|node| attended.nodes.contains_key(node)) {
                attended.count += 1;
                let (since, visitor, from) = (attended.count, false, Some(dead));
                let mark = Mark { since, visitor, by: 0, from };
                attended.nodes.insert(heir, mark);
            }
        }
        let given = self.attended.iter().filter(|(_, attended)| {
            attended.nodes.get(&heir).is_some_and(|mark| mark.from == Some(dead))
        });
        (given.map(|(session, _)| *session).collect(), lost)
    }

    pub fn bury(&mut self, dead: NodeId) {
        if !matches!(self.beats.get(&dead), Some(Beats::Dead { .. })) {
            self.tombstones += 1;
            self.beats.insert(dead, Beats::Dead { tombstone: self.tombstones });
        }
    }

    /// A node goes in order.
    pub fn depart(&mut self, node: NodeId) {
        self.beats.insert(node, Beats::Gone);
    }

    /// Nodes that have departed, and that nobody has buried.
    pub fn gone(&self) -> Vec<NodeId> {
        let gone = self.beats.iter().filter(|(_, beats)| **beats == Beats::Gone);
        gone.map(|(node, _)| *node).collect()
    }

    /// Counts a beat, unless there is a tombstone that the node does not know of: that is returned.
    pub fn beat(&mut self, node: NodeId, count: u64, known: u64) -> Option<u64> {
        match self.beats.get(&node) {
            Some(Beats::Dead { tombstone }) if *tombstone != known => Some(*tombstone),
            _ => {
                self.beats.insert(node, Beats::Counted(count));
                None
            }
        }
    }

    /// How a node has counted last.
    pub fn count(&self, node: NodeId) -> u64 {
        match self.beats.get(&node) {
            Some(Beats::Counted(count)) => *count,
            Some(Beats::Gone | Beats::Dead { .. }) | None => 0,
        }
    }

    /// How each node has counted; without the dead.
    pub fn roll(&self) -> Vec<(NodeId, u64)> {
        let counted = self.beats.iter().filter_map(|(node, beats)| match beats {
            Beats::Counted(count) => Some((*node, *count)),
            Beats::Gone | Beats::Dead { .. } => None,
        });
        counted.collect()
    }
}
