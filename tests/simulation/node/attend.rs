//! The other nodes at a session: as `src/actors/session/attend.rs`.

use vigie::core::cluster::{Attendance, NodeId};
use vigie::core::effect::Wants;
use vigie::core::end::LogEnd;

use super::actor::{Actor, Alarm, State};
use super::{Core, Input, OperatorInput, Purpose, RETRY, To};
use crate::plan::Sabotage;
use crate::server::{Ask, Away, Told};
use crate::world::{Connection, Outside, Time};

/// How long a projection that nobody needs is kept.
const WARM: Time = 4_000;

/// What is known of the other nodes at a session.
#[derive(Debug, Default)]
pub struct Attending {
    pub latest: Option<Attendance>,
    /// The last durable event when the bus was asked, while it is.
    pub asking: Option<LogEnd>,
    again: bool,
    /// Since when this node attends, as it was last answered.
    since: Option<u64>,
    /// Whether it was ever answered that this node attends: until then it appends nothing.
    pub attends: bool,
    /// The others know what is so here, and this node who they are.
    pub agreed: bool,
    /// Whether the others were told last that a visitor is here.
    pub told: bool,
    cooling: Option<u64>,
    cold: bool,
}

impl Actor {
    /// Whether this node sees to what the session wants.
    pub fn is_steward(&self, core: &Core) -> bool {
        if core.sabotage == Some(Sabotage::NobodyIsFenced) {
            return true;
        }
        // What is on its way to one that has retired concerns its successor.
        let latest = self.attending.latest.as_ref().filter(|_| !self.retired);
        latest.and_then(|latest| latest.steward(|node| core.lives(node))) == Some(core.id)
    }

    /// Whether one of the visitor's connections is open, here or elsewhere.
    pub(super) fn visitor_is_here(&self, core: &Core) -> bool {
        let latest = self.attending.latest.as_ref();
        !self.visitors.is_empty()
            || latest.is_some_and(|a| a.visitor_elsewhere(core.id, |node| core.lives(node)))
    }

    /// One of the visitor's connections is gone, or was not let in.
    pub(super) fn lose_visitor(
        &mut self,
        connection: Connection,
        core: &mut Core,
        outside: &mut Outside,
    ) {
        self.visitors.retain(|visitor| *visitor != connection);
        if self.visitors.is_empty() && self.attending.told {
            self.attend(core, outside);
        }
    }

    pub(super) fn attend(&mut self, core: &mut Core, outside: &mut Outside) {
        if self.retired {
            return;
        }
        self.attending.agreed = false;
        if self.attending.asking.is_some() {
            self.attending.again = true;
            return;
        }
        if !core.beats_are_fresh(outside.now) {
            // Taken for dead, it would leave behind what nobody takes over.
            return self.attend_later(core, outside);
        }
        self.attending.asking = Some(match &self.state {
            State::Folded(folded) => folded.projection.end(),
            State::Blank | State::Missing => LogEnd::default(),
        });
        let visitor = !self.visitors.is_empty();
        self.attending.told = visitor;
        let ask = Ask::Attend { session: self.session, visitor };
        outside.ask(core.index, To::Actor(self.id, Purpose::Attend), ask);
    }

    pub(super) fn attended(
        &mut self,
        attended: Result<Told, Away>,
        core: &mut Core,
        outside: &mut Outside,
    ) {
        let known = self.attending.asking.take().unwrap_or_default();
        let again = std::mem::take(&mut self.attending.again);
        match attended {
            Ok(Told::Attendance(attendance)) => {
                if attendance.head.offset < known.offset || attendance.head.parts_from(known) {
                    outside.check.fail("a log that loses nothing was taken for shorter");
                }
                self.attending.agreed = true;
                self.attending.since = attendance.since(core.id);
                self.attending.attends |= self.attending.since.is_some();
                if let State::Folded(folded) = &mut self.state {
                    folded.projection.retry();
                }
                self.hear_attendance(attendance, core, outside);
                if again {
                    self.attend(core, outside);
                }
            }
            _ => self.attend_later(core, outside),
        }
    }

    /// The bus is asked again in a moment; whoever has waited for it to attend is told to try again.
    fn attend_later(&mut self, core: &mut Core, outside: &mut Outside) {
        self.alarm_after(RETRY, Alarm::Attend, core, outside);
        if self.attending.attends {
            return;
        }
        let State::Folded(folded) = &mut self.state else { return };
        let waiting = folded.projection.unreadable();
        self.turn_all_away(waiting, core, outside);
    }

    fn hear_attendance(&mut self, attendance: Attendance, core: &mut Core, outside: &mut Outside) {
        let head = attendance.head;
        // Somebody has taken this node for dead, its leave has come late, or this is older than what it
        // was last answered.
        let since = attendance.since(core.id);
        let otherwise = since.is_none() || since != self.attending.since;
        self.attending.latest = Some(attendance);
        if otherwise && !core.draining {
            self.attend(core, outside);
        }
        if let State::Folded(folded) = &mut self.state {
            folded.projection.hear_of(head);
        }
        self.attendance_changed(core, outside);
    }

    /// Another node has told who attends, while this one may be asking.
    pub(super) fn hear_of_attendance(
        &mut self,
        attendance: Attendance,
        core: &mut Core,
        outside: &mut Outside,
    ) {
        if self.attending.asking.is_some() {
            self.attending.again = true;
        } else {
            self.hear_attendance(attendance, core, outside);
        }
    }

    /// A node has died, or lives again: another may be the steward now. It is not struck off: who
    /// attends is told by those who have taken over what was its.
    pub(super) fn look_who_lives(&mut self, node: NodeId, core: &mut Core, outside: &mut Outside) {
        let latest = self.attending.latest.as_ref();
        if latest.is_some_and(|latest| latest.nodes.iter().any(|a| a.node == node)) {
            self.attendance_changed(core, outside);
        }
    }

    /// What is known of the others may be old: this node sees to nothing until it has heard.
    pub(super) fn doubt_attendance(&mut self, core: &mut Core, outside: &mut Outside) {
        self.attending.latest = None;
        self.attendance_changed(core, outside);
        self.attend(core, outside);
    }

    fn attendance_changed(&mut self, core: &mut Core, outside: &mut Outside) {
        self.see_to_it(core, outside);
        self.await_return(core, outside);
        self.show_card(core);
        self.pump(core, outside);
    }

    /// Another node sees to the session now.
    pub(super) fn hand_over(&mut self, core: &mut Core, outside: &mut Outside) {
        self.drop_asked(core);
        let State::Folded(folded) = &mut self.state else { return };
        let wants = std::mem::take(&mut folded.wants);
        if let Wants { lease: Some((operator, _)), .. } = wants {
            let let_go = OperatorInput::LetGo(self.session);
            outside.input(core.index, Input::ToOperator(operator, let_go));
        }
    }

    /// Whether a projection that nobody needs is kept for a while.
    pub(super) fn stays_warm(&mut self, core: &mut Core, outside: &mut Outside) -> bool {
        if !matches!(self.state, State::Folded(_)) || self.attending.cold {
            return false;
        }
        if self.attending.cooling.is_none() {
            let timer = core.timer();
            self.attending.cooling = Some(timer);
            self.alarm_after(WARM, Alarm::Cold(timer), core, outside);
        }
        true
    }

    pub(super) fn grow_cold(&mut self, timer: u64, core: &mut Core, outside: &mut Outside) {
        if self.attending.cooling == Some(timer) {
            self.attending.cooling = None;
            self.attending.cold = true;
        }
        self.retire_if_idle(core, outside);
        self.attending.cold = false;
    }
}
