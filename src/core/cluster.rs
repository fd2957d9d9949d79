//! What is true of several engines that work as one, without a wire between them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use vigie_protocol::id::SessionId;

use crate::core::end::LogEnd;

/// One engine, for as long as its process runs: started again, it is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl NodeId {
    /// Reads 16 hex digits, as [`NodeId`] is written.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

/// The most attendants of one session that nodes tell one another of: those that have attended
/// longest.
pub const ATTENDANTS_MAX: usize = 1024;

/// Who attends a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendance {
    /// Which session.
    pub session: SessionId,
    /// Where its log ended at that moment.
    pub head: LogEnd,
    /// The nodes, those that have attended longest first.
    pub nodes: Vec<Attendant>,
}

/// Bytes before the first attendant: the log's end and the number of attendants.
const ATTENDANCE_HEAD: usize = 8 + 8 + 2;

/// Bytes of one attendant.
const ATTENDANT: usize = 8 + 8 + 1;

impl Attendance {
    /// The attendance as nodes tell it one another, without the session: the last offset (u64) and its
    /// mark (u64), number of attendants (u16), and of each node (u64), since (u64), visitor (0 or 1);
    /// all big-endian.
    /// At most [`ATTENDANTS_MAX`] of them.
    pub fn encode(&self) -> Vec<u8> {
        let nodes = &self.nodes[..self.nodes.len().min(ATTENDANTS_MAX)];
        let mut bytes = Vec::with_capacity(ATTENDANCE_HEAD + nodes.len() * ATTENDANT);
        bytes.extend(self.head.offset.to_be_bytes());
        bytes.extend(self.head.mark.to_be_bytes());
        bytes.extend((nodes.len() as u16).to_be_bytes());
        for attendant in nodes {
            bytes.extend(attendant.node.0.to_be_bytes());
            bytes.extend(attendant.since.to_be_bytes());
            bytes.push(u8::from(attendant.visitor));
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) has written; `None` if it is cut off or claims more than
    /// [`ATTENDANTS_MAX`]. What follows is left to later versions.
    pub fn decode(session: SessionId, bytes: &[u8]) -> Option<Self> {
        let (offset, rest) = bytes.split_first_chunk()?;
        let (mark, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let count = usize::from(u16::from_be_bytes(*count));
        if count > ATTENDANTS_MAX {
            return None;
        }
        let nodes = rest.get(..count * ATTENDANT)?.chunks_exact(ATTENDANT).map(Attendant::decode);
        Some(Self {
            session,
            head: LogEnd { offset: u64::from_be_bytes(*offset), mark: u64::from_be_bytes(*mark) },
            nodes: nodes.collect::<Option<_>>()?,
        })
    }
}

/// A node that attends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attendant {
    /// Which node.
    pub node: NodeId,
    /// Lower means that it has attended for longer.
    pub since: u64,
    /// Whether one of the visitor's connections is there.
    pub visitor: bool,
}

impl Attendant {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (node, rest) = bytes.split_first_chunk()?;
        let (since, rest) = rest.split_first_chunk()?;
        Some(Self {
            node: NodeId(u64::from_be_bytes(*node)),
            since: u64::from_be_bytes(*since),
            visitor: *rest.first()? != 0,
        })
    }
}

/// Signs of life of all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    /// How each node has counted its last beat; of this node the one just given. The gone and the
    /// buried are left out.
    pub beats: Vec<(NodeId, u64)>,
    /// Nodes that have departed, and that nobody has buried yet: what they attended is nobody's.
    pub gone: Vec<NodeId>,
    /// What was there of this node's beat before.
    pub own: OwnBeat,
    /// Which generation of the log this is.
    pub generation: u64,
    /// Names the lineage of the data, as the server has it: another one after a failover or a
    /// restart of the server (`master_replid`).
    pub lineage: String,
}

/// What a node finds of its own beat before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnBeat {
    /// It is there, or this was the first.
    Known,
    /// The others have taken this node for dead, and buried it.
    Buried,
    /// A beat that was acknowledged is not there: the server has lost its latest writes.
    Lost,
}

impl Attendance {
    /// Who sees to what the session wants of the rest of the engine: of the nodes that live, the one
    /// that has attended for longest. All who know the same choose the same; if they do not, the
    /// log's fence refuses whatever is done twice.
    pub fn steward(&self, lives: impl Fn(NodeId) -> bool) -> Option<NodeId> {
        self.nodes.iter().map(|attendant| attendant.node).find(|node| lives(*node))
    }

    /// Whether a connection of the visitor is at another node that lives.
    pub fn visitor_elsewhere(&self, me: NodeId, lives: impl Fn(NodeId) -> bool) -> bool {
        self.nodes.iter().any(|other| other.visitor && other.node != me && lives(other.node))
    }

    /// Since when a node attends, if it does.
    pub fn since(&self, node: NodeId) -> Option<u64> {
        self.nodes.iter().find(|attendant| attendant.node == node).map(|attendant| attendant.since)
    }

    /// The other nodes that attend.
    pub fn others(&self, me: NodeId) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().map(|attendant| attendant.node).filter(move |node| *node != me)
    }
}

/// Which nodes live, as one of them sees it.
///
/// No two clocks are compared: a node is dead once its count has stood still while this one looked
/// again and again. Time in which this node could not look, because it or the server stood still,
/// is no evidence against anybody.
#[derive(Debug, Clone)]
pub struct Members {
    me: NodeId,
    timeout: Duration,
    others: BTreeMap<NodeId, Member>,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    count: u64,
    /// For how long the count has been seen to stand still.
    still: Duration,
    lives: bool,
}

/// What a look at the roll has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RollCall {
    /// Nodes that are new, or back.
    pub came: Vec<NodeId>,
    /// Nodes that have died, or gone, also such as were never seen alive.
    pub died: Vec<NodeId>,
}

impl Members {
    /// How often a node gives its sign of life within the time that the others wait for one.
    pub const BEATS: u32 = 5;

    /// A node that has not looked yet.
    pub const fn new(me: NodeId, timeout: Duration) -> Self {
        Self { me, timeout, others: BTreeMap::new() }
    }

    /// How long a node waits between two of its beats.
    pub fn interval(&self) -> Duration {
        self.timeout / Self::BEATS
    }

    /// Looks at the roll; `since` is the time since the look before.
    pub fn look(&mut self, roll: &Roll, since: Duration) -> RollCall {
        // Longer than this, it was the looking that stood still.
        let since = since.min(2 * self.interval());
        let mut call = RollCall::default();
        for (node, count) in roll.beats.iter().filter(|(node, _)| *node != self.me) {
            let member = self.others.entry(*node).or_insert(Member {
                count: 0,
                still: Duration::ZERO,
                lives: false,
            });
            if member.count != *count {
                *member = Member { count: *count, still: Duration::ZERO, lives: member.lives };
                if !member.lives {
                    member.lives = true;
                    call.came.push(*node);
                }
            } else {
                member.still += since;
                if member.lives && member.still >= self.timeout {
                    member.lives = false;
                    call.died.push(*node);
                }
            }
        }
        for node in roll.gone.iter().filter(|node| **node != self.me) {
            // Until now it was taken for new, had anybody asked.
            let unseen = Member { count: 0, still: Duration::ZERO, lives: true };
            self.others.entry(*node).or_insert(unseen);
        }
        let there = |node: &NodeId| roll.beats.iter().any(|(other, _)| other == node);
        for (node, member) in self.others.iter_mut().filter(|(node, _)| !there(node)) {
            if std::mem::take(&mut member.lives) {
                call.died.push(*node);
            }
        }
        call
    }

    /// Whether a node lives, as far as is known: this one does, and one that was never heard of is
    /// new. One that is gone is remembered: what it has left, or sent late, must not revive it.
    pub fn lives(&self, node: NodeId) -> bool {
        node == self.me || self.others.get(&node).is_none_or(|member| member.lives)
    }

    /// The other nodes that live.
    pub fn others(&self) -> impl Iterator<Item = NodeId> {
        self.others.iter().filter(|(_, member)| member.lives).map(|(node, _)| *node)
    }

    /// Whether this node does what one of all must do.
    pub fn leads(&self) -> bool {
        self.others().all(|other| self.me < other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAT: Duration = Duration::from_secs(1);

    fn roll(beats: &[(u64, u64)]) -> Roll {
        Roll {
            beats: beats.iter().map(|(node, count)| (NodeId(*node), *count)).collect(),
            gone: vec![],
            own: OwnBeat::Known,
            generation: 1,
            lineage: String::new(),
        }
    }

    fn members() -> Members {
        Members::new(NodeId(1), 5 * BEAT)
    }

    #[test]
    fn a_node_whose_count_stands_still_for_the_timeout_is_dead_and_lives_again_when_it_goes_on() {
        let mut members = members();
        assert_eq!(members.look(&roll(&[(1, 1), (2, 7)]), BEAT).came, [NodeId(2)]);
        for _ in 0..4 {
            assert_eq!(members.look(&roll(&[(1, 2), (2, 7)]), BEAT), RollCall::default());
            assert!(members.lives(NodeId(2)));
        }
        assert_eq!(members.look(&roll(&[(1, 6), (2, 7)]), BEAT).died, [NodeId(2)]);
        assert!(!members.lives(NodeId(2)) && members.leads());
        assert_eq!(members.look(&roll(&[(1, 7), (2, 8)]), BEAT).came, [NodeId(2)]);
    }

    #[test]
    fn nobody_dies_of_the_time_in_which_this_node_slept_or_the_server_did() {
        let mut members = members();
        members.look(&roll(&[(1, 1), (2, 7)]), BEAT);
        let asleep = 100 * BEAT;
        assert_eq!(members.look(&roll(&[(1, 2), (2, 7)]), asleep), RollCall::default());
        assert_eq!(members.look(&roll(&[(1, 3), (2, 7)]), asleep), RollCall::default());
        assert!(members.lives(NodeId(2)));
    }

    #[test]
    fn who_is_buried_or_has_left_is_gone_at_once() {
        let mut members = members();
        members.look(&roll(&[(1, 1), (2, 7)]), BEAT);
        assert_eq!(members.look(&roll(&[(1, 2)]), BEAT).died, [NodeId(2)]);
        assert_eq!(members.look(&roll(&[(1, 3)]), BEAT), RollCall::default());
        assert!(!members.lives(NodeId(2)), "it is not taken for new");
        assert_eq!(members.look(&roll(&[(1, 4), (2, 8)]), BEAT).came, [NodeId(2)]);
        assert!(members.lives(NodeId(2)));
    }

    #[test]
    fn who_has_departed_is_gone_at_once_also_for_one_who_has_never_seen_it() {
        let mut members = members();
        members.look(&roll(&[(1, 1), (2, 7)]), BEAT);
        assert!(members.lives(NodeId(3)), "who was never heard of is new");
        let departed = Roll { gone: vec![NodeId(1), NodeId(2), NodeId(3)], ..roll(&[(1, 2)]) };
        assert_eq!(members.look(&departed, BEAT).died, [NodeId(2), NodeId(3)]);
        assert!(!members.lives(NodeId(2)) && !members.lives(NodeId(3)) && members.leads());
        assert_eq!(members.look(&departed, BEAT), RollCall::default(), "it is told once");
    }

    #[test]
    fn one_that_was_killed_before_this_node_came_is_dead_after_the_timeout() {
        let mut members = members();
        assert_eq!(members.look(&roll(&[(2, 7), (1, 1)]), Duration::ZERO).came, [NodeId(2)]);
        for count in 2..6 {
            assert_eq!(members.look(&roll(&[(2, 7), (1, count)]), BEAT), RollCall::default());
        }
        assert_eq!(members.look(&roll(&[(2, 7), (1, 6)]), BEAT).died, [NodeId(2)]);
    }

    #[test]
    fn of_the_nodes_that_live_the_one_with_the_lowest_id_leads() {
        let mut members = Members::new(NodeId(5), 5 * BEAT);
        members.look(&roll(&[(5, 1), (3, 1), (9, 1)]), BEAT);
        assert!(!members.leads());
        members.look(&roll(&[(5, 2), (9, 2)]), BEAT);
        assert!(members.leads());
    }

    #[test]
    fn the_steward_is_the_longest_attending_node_that_lives() {
        let attendant = |node, since| Attendant { node: NodeId(node), since, visitor: node == 3 };
        let nodes = vec![attendant(2, 1), attendant(3, 4), attendant(1, 9)];
        let session = SessionId::from(uuid::Uuid::from_u128(1));
        let attendance = Attendance { session, head: LogEnd::at(1), nodes };
        assert_eq!(attendance.steward(|_| true), Some(NodeId(2)));
        assert_eq!(attendance.steward(|node| node != NodeId(2)), Some(NodeId(3)));
        assert_eq!(attendance.steward(|_| false), None);
        assert!(attendance.visitor_elsewhere(NodeId(1), |_| true));
        assert!(!attendance.visitor_elsewhere(NodeId(3), |_| true));
        assert!(!attendance.visitor_elsewhere(NodeId(1), |node| node != NodeId(3)));
    }
}
