//! What a node does with what it hears from the others, and what it tells them by itself: as
//! `src/actors/relay.rs`.

use std::time::Duration;

use vigie::cluster::message::{BotTold, Message};
use vigie::core::cluster::{NodeId, OwnBeat, Roll};
use vigie_protocol::id::SessionId;

use super::actor::ActorInput;
use super::share::Stir;
use super::{Core, Heard, Input, Leave, Node, OperatorInput, RETRY, To};
use crate::clients::FromNode;
use crate::plan::{LATE_MAX, Sabotage};
use crate::server::{Ask, Away, RollCalled, Told};
use crate::world::{Outside, Time};

impl Node {
    pub(super) fn beat(&mut self, outside: &mut Outside) {
        if self.core.draining {
            return;
        }
        let beats = &mut self.core.beats;
        beats.next = outside.now + self.core.members.interval().as_millis() as Time;
        // Also one whose answer is lost counts: the next must not look like it.
        beats.count += 1;
        beats.sent = outside.now;
        let (count, tombstone) = (beats.count, beats.tombstone);
        outside.ask(self.index, To::Beat, Ask::Beat { count, tombstone });
    }

    pub(super) fn beaten(&mut self, told: Result<Told, Away>, outside: &mut Outside) {
        match told {
            Ok(Told::Buried { tombstone }) => {
                // Told once; then it is a beat as any other.
                self.core.beats.tombstone = tombstone;
                self.core.beats.buried = true;
                self.core.beats.sent = outside.now;
                let count = self.core.beats.count;
                outside.ask(self.index, To::Beat, Ask::Beat { count, tombstone });
            }
            Ok(Told::Roll(called)) => {
                self.look(called, outside);
                self.bury_next(outside);
            }
            _ => {
                self.core.answered = false;
                self.beat_later(outside);
            }
        }
    }

    fn beat_later(&self, outside: &mut Outside) {
        let after = self.core.beats.next.saturating_sub(outside.now);
        outside.input_after(self.index, after, Input::Beats);
    }

    fn look(&mut self, RollCalled { beats, gone, at }: RollCalled, outside: &mut Outside) {
        let core = &mut self.core;
        let since = core.looked.map_or(0, |at| outside.now - at);
        core.looked = Some(outside.now);
        core.beaten = Some(core.beats.sent);
        core.answered = true;
        let buried = std::mem::take(&mut core.beats.buried);
        let own = if buried { OwnBeat::Buried } else { OwnBeat::Known };
        let lineage = String::new();
        let roll = Roll { beats, gone: gone.clone(), own, generation: 1, lineage };
        let mut call = core.members.look(&roll, Duration::from_millis(since));
        if core.sabotage == Some(Sabotage::WallTime) {
            let interval = core.interval();
            for _ in 0..since / interval {
                call.died.extend(core.members.look(&roll, Duration::from_millis(interval)).died);
            }
        }
        for died in &call.died {
            let tombstone = !roll.beats.iter().any(|(node, _)| node == died);
            let node = outside.server.links.iter().position(|link| link.id == *died);
            outside.check.taken_for_dead(node, tombstone, at);
        }
        if call != Default::default() || buried {
            let index = self.index;
            outside.trace(|| format!("node {index}: {call:?}, buried: {buried}"));
        }
        if buried {
            self.look_anew(outside);
        }
        for came in call.came {
            self.each_running(outside, || ActorInput::LivesOrNot(came));
        }
        let owed = std::mem::take(&mut self.core.beats.owed);
        for died in call.died {
            self.each_running(outside, || ActorInput::LivesOrNot(died));
            let core = &mut self.core;
            let stir = core.share.bury(&core.roster, &core.bots, died, outside.now);
            core.stir(stir, outside);
            core.beats.died.push_back(died);
        }
        self.core.beats.died.extend(owed);
        // Also one that this node has never known may have left something behind.
        let died = &mut self.core.beats.died;
        let unseen: Vec<_> = gone.into_iter().filter(|gone| !died.contains(gone)).collect();
        died.extend(unseen);
    }

    /// Whatever lives of the bus is looked at anew.
    fn look_anew(&mut self, outside: &mut Outside) {
        if self.core.sabotage != Some(Sabotage::GapsIgnored) {
            self.each_running(outside, || ActorInput::LookAnew);
        }
        let wanted = self.core.share.doubt(&self.core.members, outside.now);
        self.core.send_all(wanted, outside);
    }

    /// Sees to the next node that has died; beats again when there is none.
    fn bury_next(&mut self, outside: &mut Outside) {
        let Some(dead) = self.core.beats.died.pop_front() else {
            return self.beat_later(outside);
        };
        if self.core.others().contains(&dead) {
            // It is back before it was seen to; that it was taken for dead it must learn.
            return outside.ask(self.index, To::Bury(dead), Ask::Bury(dead));
        }
        let mut live = self.core.others();
        live.push(self.core.id);
        outside.ask(self.index, To::Adopt(dead), Ask::Adopt { dead, live });
    }

    /// Sees to it again after the next beat: nobody else may.
    fn owe_burial(&mut self, dead: NodeId, outside: &mut Outside) {
        self.core.beats.owed.push(dead);
        self.bury_next(outside);
    }

    pub(super) fn adopted(
        &mut self,
        dead: NodeId,
        told: Result<Told, Away>,
        outside: &mut Outside,
    ) {
        match told {
            Ok(Told::Adopted(sessions)) => {
                self.wake(sessions, outside);
                outside.ask(self.index, To::Bury(dead), Ask::Bury(dead));
            }
            _ => self.owe_burial(dead, outside),
        }
    }

    pub(super) fn buried(&mut self, dead: NodeId, told: Result<Told, Away>, outside: &mut Outside) {
        match told {
            Ok(_) => {
                outside.input_after(self.index, LATE_MAX + 1, Input::AdoptAgain(dead));
                self.bury_next(outside);
            }
            Err(Away) => self.owe_burial(dead, outside),
        }
    }

    /// What was on its way when a node died may have taken effect since.
    pub(super) fn adopt_again(&mut self, dead: NodeId, outside: &mut Outside) {
        if !self.core.lives(dead) {
            let mut live = self.core.others();
            live.push(self.core.id);
            outside.ask(self.index, To::AdoptAgain(dead), Ask::Adopt { dead, live });
        }
    }

    pub(super) fn adopted_again(
        &mut self,
        dead: NodeId,
        told: Result<Told, Away>,
        outside: &mut Outside,
    ) {
        match told {
            Ok(Told::Adopted(sessions)) => self.wake(sessions, outside),
            _ => outside.input_after(self.index, RETRY, Input::AdoptAgain(dead)),
        }
    }

    fn wake(&self, sessions: Vec<SessionId>, outside: &mut Outside) {
        for session in sessions {
            outside.input(self.index, Input::ToSession(session, ActorInput::Wake));
        }
    }

    pub(super) fn hear(&mut self, heard: Heard, outside: &mut Outside) {
        match heard {
            Heard::Events { session, after, events } => {
                self.hear_of(session, ActorInput::Heard { after, events }, outside);
            }
            Heard::Attendance(attendance) => {
                self.hear_of(attendance.session, ActorInput::Attended(attendance), outside);
            }
            Heard::Message { from, message } => self.core.hear_message(from, *message, outside),
            Heard::Gap => self.look_anew(outside),
            Heard::Canary(number) => self.core.canary_is_back(number),
        }
    }

    fn hear_of(&mut self, session: SessionId, input: ActorInput, outside: &mut Outside) {
        match self.core.registry.get(&session) {
            Some(id) => outside.input(self.index, Input::ToActor(*id, input)),
            None => self.core.leave(Leave { session, wants: true }, outside),
        }
    }
}

impl Core {
    fn hear_message(&mut self, from: NodeId, message: Message, outside: &mut Outside) {
        match message {
            Message::Signal { .. } => {}
            Message::BotHas { session, turn } => {
                let input = ActorInput::BotHas { turn };
                outside.input(self.index, Input::IfRunning(session, input));
            }
            Message::Cards { told, .. } => self.share.hear_cards(from, told, outside.now),
            Message::People { told, .. } => {
                let stir =
                    self.share.hear_people(&self.roster, &self.bots, from, told, outside.now);
                self.stir(stir, outside);
            }
            Message::Wanted { table, since, .. } => {
                let lacking = self.share.wanted(from, table, since);
                self.send_all(lacking.into_iter().map(|told| (from, told)).collect(), outside);
            }
            Message::Bot { connection, told, .. } => {
                if self.bots.bot((self.id, connection)).is_none() {
                    return;
                }
                tell_bot(connection, &told, outside);
                if let BotTold::Turn(turn) = told {
                    let has = Message::BotHas { session: turn.session, turn: turn.turn };
                    self.send_all(vec![(from, has)], outside);
                }
            }
        }
    }

    /// Tells those whom other nodes' people concern.
    pub(super) fn stir(&self, stir: Stir, outside: &mut Outside) {
        for session in stir.sessions {
            outside.input(self.index, Input::IfRunning(session, ActorInput::BotsChanged));
        }
        for operator in stir.operators {
            if self.operators.contains_key(&operator) {
                outside.input(self.index, Input::ToOperator(operator, OperatorInput::Elsewhere));
            }
        }
    }

    pub(super) fn tick(&mut self, outside: &mut Outside) {
        let interval = self.interval();
        let news = self.share.tick(&self.members, interval, outside.now);
        self.send_all(news, outside);
        outside.input_after(self.index, outside.plan.share_interval, Input::Shares);
    }

    pub(super) fn send_all(&self, news: Vec<(NodeId, Message)>, outside: &mut Outside) {
        for (to, message) in news {
            outside.send(self.index, to, &message);
        }
    }
}

/// Tells a bot something over its connection to this node.
pub(super) fn tell_bot(connection: u64, told: &BotTold, outside: &mut Outside) {
    match told {
        BotTold::Turn(turn) => outside.reply(
            connection,
            FromNode::Turn { session: turn.session, epoch: turn.epoch, turn: turn.turn },
        ),
        BotTold::Revoked(revoked) => {
            outside.reply(connection, FromNode::Revoked { turn: revoked.turn });
        }
        BotTold::HandedBack(_) => {}
    }
}
