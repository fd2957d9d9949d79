//! The other nodes at this session: who attends it, and which of them sees to it.
//!
//! Each node that attends folds the same log; one of them, the steward, also acts on what the
//! session wants: asks the bot, watches over the lease, waits for the visitor, shows the card. Who
//! that is follows from who attends, so nobody is asked; two that disagree for a moment do each
//! other's work twice, and the log takes it once.

use std::time::Duration;

use actix::prelude::*;

use super::{RETRY, SessionActor, State};
use crate::actors::operator::LetGo;
use crate::cluster::message::{Message, Signal};
use crate::cluster::{Attendance, BusError, BusFuture, Cluster, NodeId};
use crate::core::effect::Wants;
use crate::core::end::LogEnd;
use crate::log::LogError;

/// How long a projection that nobody needs is kept: the next answer of a bot, or look of an operator,
/// need not read the log again.
const WARM: Duration = Duration::from_secs(30);

/// What is known of the other nodes at this session.
pub(super) struct Attending {
    /// The log's generation that this is a projection of.
    generation: u64,
    latest: Option<Attendance>,
    /// Since when this node attends, as it was last answered.
    since: Option<u64>,
    /// Whether it was ever answered that this node attends.
    attends: bool,
    /// Whether the others were last told that a visitor is here.
    told: bool,
    /// The last durable event when the bus was asked, while it is.
    asking: Option<LogEnd>,
    /// Whether the bus has answered what it was last asked.
    agreed: bool,
    /// Whether to ask again then: what comes back may be old already.
    again: bool,
    /// Runs while nobody needs this projection.
    cooling: Option<SpawnHandle>,
    cold: bool,
}

impl Attending {
    /// Nothing is known yet.
    pub(super) fn of(cluster: &Cluster) -> Box<Self> {
        Box::new(Self {
            generation: cluster.generation(),
            latest: None,
            since: None,
            attends: false,
            told: false,
            asking: None,
            agreed: false,
            again: false,
            cooling: None,
            cold: false,
        })
    }
}

impl SessionActor {
    /// Something that was durable is not there any more.
    pub(super) fn log_has_lost(&self) {
        if let Some((attending, cluster)) = self.cluster() {
            cluster.lost(attending.generation);
        }
    }

    /// Whether this node may append: others know that it is at the session. What it leaves behind, should
    /// it die, they take over.
    pub(super) fn attends(&self) -> bool {
        self.attending.as_ref().is_none_or(|attending| attending.attends)
    }

    /// The bus is asked again in a moment. Whoever waits for it to say that this node attends is told to
    /// try again themselves.
    fn attend_later(&mut self, context: &mut Context<Self>) {
        context.run_later(RETRY, Self::attend);
        if self.attends() {
            return;
        }
        let State::Folded(folded) = &mut self.state else { return };
        let waiting = folded.projection.unreadable();
        let error = LogError::Failed("the cluster does not answer".into());
        self.turn_all_away(waiting, &error, context);
    }

    /// Whether this node sees to what the session wants.
    pub(super) fn is_steward(&self) -> bool {
        // What still comes to one that has retired concerns its successor.
        !self.retired
            && self.cluster().is_none_or(|(attending, cluster)| {
                let latest = attending.latest.as_ref();
                let steward = latest.and_then(|latest| latest.steward(|node| cluster.lives(node)));
                steward == Some(cluster.me())
            })
    }

    /// What is known of the other nodes here; `None`: there are none.
    fn cluster(&self) -> Option<(&Attending, &Cluster)> {
        Some((self.attending.as_deref()?, self.node.cluster.as_deref()?))
    }

    /// Whether one of the visitor's connections is open at another node.
    pub(super) fn visitor_is_elsewhere(&self) -> bool {
        self.cluster().is_some_and(|(attending, cluster)| {
            let (me, lives) = (cluster.me(), |node| cluster.lives(node));
            attending.latest.as_ref().is_some_and(|latest| latest.visitor_elsewhere(me, lives))
        })
    }

    /// Whether the others were last told that a visitor is here.
    pub(super) fn others_count_on_visitor(&self) -> bool {
        self.attending.as_ref().is_some_and(|attending| attending.told)
    }

    /// Tells the other nodes that this one is at the session, and whether its visitor is here; asks
    /// who else is.
    pub(super) fn attend(&mut self, context: &mut Context<Self>) {
        if let Some(attended) = self.ask_to_attend(context) {
            context.spawn(attended.into_actor(self).map(|attended, this, context| {
                this.attended(attended, context);
            }));
        }
    }

    /// Asks the bus, unless it is being asked: then it will be asked again.
    pub(super) fn ask_to_attend(
        &mut self,
        context: &mut Context<Self>,
    ) -> Option<BusFuture<Attendance>> {
        let (attending, cluster) = (self.attending.as_mut()?, self.node.cluster.as_ref()?);
        if self.retired {
            return None;
        }
        attending.agreed = false;
        if attending.asking.is_some() {
            attending.again = true;
            return None;
        }
        if !cluster.beats_are_fresh() {
            // Taken for dead, it would leave behind what nobody takes over.
            self.attend_later(context);
            return None;
        }
        attending.told = !self.visitors.is_empty();
        attending.asking = Some(match &self.state {
            State::Folded(folded) => folded.projection.end(),
            State::Blank | State::Missing => LogEnd::default(),
        });
        Some(cluster.bus().attend(self.id, attending.told))
    }

    pub(super) fn attended(
        &mut self,
        attended: Result<Attendance, BusError>,
        context: &mut Context<Self>,
    ) {
        let Some(attending) = &mut self.attending else { return };
        let known = attending.asking.take().unwrap_or_default();
        let again = std::mem::take(&mut attending.again);
        match attended {
            Ok(attendance) => {
                attending.agreed = true;
                attending.since = attendance.since(self.node.me());
                attending.attends |= attending.since.is_some();
                if let State::Folded(folded) = &mut self.state {
                    folded.projection.retry();
                }
                if attendance.head.offset < known.offset || attendance.head.parts_from(known) {
                    self.log_has_lost();
                }
                self.hear_attendance(attendance, context);
                if again {
                    self.attend(context);
                }
            }
            Err(error) => {
                tracing::debug!(session = %self.id, %error, "a session is not attended yet");
                self.attend_later(context);
            }
        }
    }

    /// Who attends, as it was just asked; what follows from it comes with [`Self::attended`].
    pub(super) fn note_attendance(&mut self, attendance: Attendance) {
        if let Some(attending) = &mut self.attending {
            attending.latest = Some(attendance);
        }
    }

    /// Who attends has changed.
    pub(super) fn hear_attendance(&mut self, attendance: Attendance, context: &mut Context<Self>) {
        let Some(attending) = &mut self.attending else { return };
        let head = attendance.head;
        let since = attendance.since(self.node.me());
        let otherwise = since.is_none() || since != attending.since;
        attending.latest = Some(attendance);
        if otherwise && !self.node.draining() {
            // Somebody has taken this node for dead, its leave has come late, or this is older than
            // what it was last answered.
            self.attend(context);
        }
        if let State::Folded(folded) = &mut self.state {
            folded.projection.hear_of(head);
        }
        self.attendance_changed(context);
    }

    /// Another node has told who attends, while this one may be asking.
    pub(super) fn hear_of_attendance(
        &mut self,
        attendance: Attendance,
        context: &mut Context<Self>,
    ) {
        let Some(attending) = &mut self.attending else { return };
        if attending.asking.is_some() {
            attending.again = true;
            return;
        }
        self.hear_attendance(attendance, context);
    }

    /// A node has died, or lives again: another may be the steward now. It is not struck off: who
    /// attends is told by those who have taken over what was its.
    pub(super) fn look_who_lives(&mut self, node: NodeId, context: &mut Context<Self>) {
        let latest = self.attending.as_ref().and_then(|attending| attending.latest.as_ref());
        if latest.is_some_and(|latest| latest.nodes.iter().any(|other| other.node == node)) {
            self.attendance_changed(context);
        }
    }

    /// What is known of the others may be old: this node sees to nothing until it has heard.
    pub(super) fn doubt_attendance(&mut self, context: &mut Context<Self>) {
        if let Some(attending) = &mut self.attending {
            attending.latest = None;
            self.attendance_changed(context);
            self.attend(context);
        }
    }

    fn attendance_changed(&mut self, context: &mut Context<Self>) {
        self.see_to_it(context);
        self.await_return(context);
        self.show_card();
        self.pump(context);
    }

    /// Another node sees to the session now.
    pub(super) fn hand_over(&mut self, context: &mut Context<Self>) {
        self.drop_asked(context);
        let State::Folded(folded) = &mut self.state else { return };
        let wants = std::mem::take(&mut folded.wants);
        if let Wants { lease: Some((operator, _)), .. } = wants {
            let operator = self.node.operator(&folded.site, &operator);
            operator.do_send(LetGo { session: self.id });
        }
    }

    /// Shows a signal to those who follow the session at other nodes.
    pub(super) fn relay(&self, signal: &Signal) {
        let Some((attending, cluster)) = self.cluster() else { return };
        let Some(latest) = &attending.latest else { return };
        let signal = Message::Signal { session: self.id, signal: signal.clone() };
        cluster.send_all(latest.others(cluster.me()), &signal);
    }

    /// Whether a projection that nobody needs is kept for a while.
    pub(super) fn stays_warm(&mut self, context: &mut Context<Self>) -> bool {
        let folded = matches!(self.state, State::Folded(_));
        let Some(attending) = self.attending.as_mut().filter(|attending| folded && !attending.cold)
        else {
            return false;
        };
        if attending.cooling.is_none() {
            attending.cooling = Some(context.run_later(WARM, |this, context| {
                if let Some(attending) = &mut this.attending {
                    attending.cooling = None;
                    attending.cold = true;
                }
                this.retire_if_idle(context);
                if let Some(attending) = &mut this.attending {
                    attending.cold = false;
                }
            }));
        }
        true
    }

    /// Whether the others know who is here: otherwise they may wait for this node, or take a visitor
    /// for here who is gone.
    pub(super) fn agreed(&self) -> bool {
        self.attending.as_ref().is_none_or(|attending| attending.agreed)
    }

    pub(super) fn leave_others(&self) {
        let Some(cluster) = &self.node.cluster else { return };
        let wants = match &self.state {
            State::Folded(folded) => {
                let wants = Wants::of(folded.session());
                wants.turn.is_some() || wants.lease.is_some() || folded.session().present()
            }
            // While it attended, the others left the session to it.
            State::Blank => true,
            State::Missing => false,
        };
        cluster.leave(self.id, wants);
    }
}
