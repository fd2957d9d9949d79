//! This node among the others: who lives, and a way to each.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};
use vigie_protocol::id::SessionId;

use super::message::Message;
use super::{Bus, BusError, NodeId};
use crate::core::cluster::{Members, OwnBeat, Roll, RollCall};

/// How many leave-takings may wait to be told; beyond that they are made when the next event of such
/// a session is heard.
const LEAVES_MAX: usize = 65_536;

/// This node among the others.
pub struct Cluster {
    bus: Arc<dyn Bus>,
    members: Mutex<Looking>,
    /// How many signs of life were tried.
    beats: AtomicU64,
    /// The dead whose sessions are being taken over here: no more than there are nodes.
    burying: Mutex<BTreeSet<NodeId>>,
    /// Whether this node hears the others, as of its last beat.
    hears: AtomicBool,
    generation: AtomicU64,
    /// Told whenever this node has begun to hear.
    listens: Notify,
    /// Whether the log was found to have lost something that was durable.
    lost: AtomicBool,
    leaves: mpsc::Sender<Leave>,
    left: Mutex<Option<mpsc::Receiver<Leave>>>,
}

/// A session that this node need not attend any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// Which one.
    pub session: SessionId,
    /// Whether it may want something: then somebody must see to it.
    pub wants: bool,
}

struct Looking {
    members: Members,
    /// When the roll was last called.
    at: Option<Instant>,
    /// When the latest beat that was answered had been sent: a node may sleep over the answer.
    beaten: Option<Instant>,
    lineage: Option<String>,
}

/// What a beat has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Who has come, who has died.
    pub call: RollCall,
    /// Who has departed before anybody took over what it attended, known here or not.
    pub gone: Vec<NodeId>,
    /// The others have taken this node for dead.
    pub buried: bool,
    /// The server has lost what was acknowledged.
    pub lost: bool,
    /// Another server answers, or the same started again: whether it has lost something must be
    /// looked at.
    pub another_lineage: bool,
    /// The log's generation has been raised.
    pub another_generation: bool,
}

impl Cluster {
    /// A node that has not heard of the others yet; they take one for dead after `timeout`.
    pub fn new(bus: Arc<dyn Bus>, timeout: Duration) -> Self {
        let (leaves, left) = mpsc::channel(LEAVES_MAX);
        let members = Members::new(bus.me(), timeout);
        Self {
            bus,
            members: Mutex::new(Looking { members, at: None, beaten: None, lineage: None }),
            beats: AtomicU64::new(0),
            burying: Mutex::new(BTreeSet::new()),
            hears: AtomicBool::new(true),
            generation: AtomicU64::new(1),
            listens: Notify::new(),
            lost: AtomicBool::new(false),
            leaves,
            left: Mutex::new(Some(left)),
        }
    }

    /// Which node this is.
    pub fn me(&self) -> NodeId {
        self.bus.me()
    }

    /// The wire.
    pub fn bus(&self) -> &Arc<dyn Bus> {
        &self.bus
    }

    /// Whether a node lives, as far as is known: one that has not been heard of yet is new.
    pub fn lives(&self, node: NodeId) -> bool {
        self.looking().members.lives(node)
    }

    /// The other nodes that live.
    pub fn others(&self) -> Vec<NodeId> {
        self.looking().members.others().collect()
    }

    /// Whether this node does what one of all must do.
    pub fn leads(&self) -> bool {
        self.looking().members.leads()
    }

    /// Time between two beats.
    pub fn interval(&self) -> Duration {
        self.looking().members.interval()
    }

    /// Whether this node hears the others: if not, nothing can be concluded from their silence. A
    /// node that has slept does not, until its next beat.
    pub fn hears(&self) -> bool {
        self.beats_are_fresh() && self.hears.load(Ordering::Acquire) && self.bus.health().is_ok()
    }

    /// Whether the others can hardly have taken this node for dead: it has beaten of late.
    pub fn beats_are_fresh(&self) -> bool {
        let looking = self.looking();
        looking.beaten.is_some_and(|at| at.elapsed() < 3 * looking.members.interval())
    }

    /// This node has begun to hear, or to hear again.
    pub fn listens(&self) {
        self.listens.notify_one();
    }

    /// Resolves once it does.
    pub async fn until_it_listens(&self) {
        self.listens.notified().await;
    }

    /// The log's generation.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Something that was durable in this generation is not in the log any more.
    pub fn lost(&self, generation: u64) {
        // What was of an earlier one is known to be gone.
        if generation == self.generation() {
            self.lost.store(true, Ordering::Release);
        }
    }

    /// Gives a sign of life, and takes in what it has brought. Also one whose answer is lost counts:
    /// the next must not look like it to the others.
    ///
    /// # Errors
    /// The bus does not answer.
    pub async fn beat(&self) -> Result<Beat, BusError> {
        let count = self.beats.fetch_add(1, Ordering::AcqRel) + 1;
        let sent = Instant::now();
        match self.bus.beat(count).await {
            Ok(roll) => Ok(self.beaten(&roll, sent)),
            Err(error) => {
                self.hears.store(false, Ordering::Release);
                Err(error)
            }
        }
    }

    fn beaten(&self, roll: &Roll, sent: Instant) -> Beat {
        let mut looking = self.looking();
        let since = looking.at.map_or(Duration::ZERO, |at| at.elapsed());
        looking.at = Some(Instant::now());
        looking.beaten = Some(sent);
        let call = looking.members.look(roll, since);
        let before = looking.lineage.replace(roll.lineage.clone());
        self.hears.store(true, Ordering::Release);
        let generation = self.generation.swap(roll.generation, Ordering::AcqRel);
        let another_generation = since > Duration::ZERO && generation != roll.generation;
        let found = self.lost.swap(false, Ordering::AcqRel);
        let lost = found || roll.own == OwnBeat::Lost;
        Beat {
            call,
            gone: roll.gone.iter().copied().filter(|gone| *gone != self.me()).collect(),
            buried: roll.own == OwnBeat::Buried,
            // Another node has found it out as well, and has raised the generation for it.
            lost: lost && !another_generation,
            another_lineage: before.is_some_and(|before| before != roll.lineage),
            another_generation,
        }
    }

    /// Whether the sessions of a dead node are to be taken over from now on; not if they are already.
    pub fn begins_to_bury(&self, dead: NodeId) -> bool {
        self.burying().insert(dead)
    }

    /// A dead node is written down as such.
    pub fn has_buried(&self, dead: NodeId) {
        self.burying().remove(&dead);
    }

    /// Sends a message to a node, or drops it.
    pub fn send(&self, to: NodeId, message: &Message) {
        self.send_all(std::iter::once(to), message);
    }

    /// Sends a message to some nodes, encoded once, or never if there are none.
    pub fn send_all(&self, to: impl Iterator<Item = NodeId>, message: &Message) {
        let mut to = to.peekable();
        if to.peek().is_none() {
            return;
        }
        match message.encode() {
            Ok(bytes) => to.for_each(|node| self.bus.send(node, bytes.clone())),
            Err(error) => tracing::error!(%error, "a message for another node is not sent"),
        }
    }

    /// This node does not attend a session any more.
    pub fn leave(&self, session: SessionId, wants: bool) {
        // At the bound, the next event that comes for nothing has it left then.
        let _ = self.leaves.try_send(Leave { session, wants });
    }

    /// The sessions to take leave of, for the one who does it.
    pub fn take_leaves(&self) -> Option<mpsc::Receiver<Leave>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn burying(&self) -> MutexGuard<'_, BTreeSet<NodeId>> {
        self.burying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looking(&self) -> MutexGuard<'_, Looking> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
