//! Seeing to effects: as `src/actors/session/perform.rs`.

use vigie::bots::BotId;
use vigie::cluster::message::{BotTold, Message};
use vigie::core::decide::Command;
use vigie::core::effect::Effect;
use vigie::core::site::BotKind;
use vigie_protocol::event::{BotFailure, Epoch, Holder, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::push::{HandedBack, Turn, TurnRevoked};

use super::actor::{Actor, Alarm, Answer, State};
use super::relay::tell_bot;
use super::{Core, Input, OperatorInput};
use crate::check::site;
use crate::world::{Outside, Time};

/// How long the node of a bot has to say that it has passed a question on.
const PASSED_ON_WITHIN: Time = 1_000;

/// A turn that somebody was asked to answer.
#[derive(Debug)]
pub struct Asked {
    epoch: Epoch,
    turn: Offset,
    bot: Option<BotId>,
    /// When the turn is given up, however often it was asked.
    deadline: Time,
    timer: u64,
    answering: Option<u64>,
    unheard: Option<u64>,
}

impl Actor {
    pub(super) fn perform(&mut self, effect: Effect, core: &mut Core, outside: &mut Outside) {
        let State::Folded(folded) = &self.state else { return };
        match effect {
            Effect::AskBot { epoch, turn } => {
                let timeout = outside.plan.turn_timeout;
                self.ask_bot((epoch, turn), timeout, core, outside);
            }
            Effect::RevokeTurn { turn, reason } => {
                if let Some(asked) = &self.asked
                    && let Some(bot) = asked.bot.and_then(|bot| core.bots.bot(bot))
                {
                    let epoch = folded.projection.session().epoch();
                    let session = self.session;
                    let revoked = TurnRevoked { session, turn, epoch, reason };
                    core.tell_bot(bot.id, BotTold::Revoked(revoked), outside);
                }
            }
            Effect::HandBack => {
                if let Some(bot) = core.bots.bot_for(self.session, self.bot) {
                    let (session, epoch) = (self.session, folded.projection.session().epoch());
                    let (messages, truncated) = (vec![], true);
                    let handed_back = HandedBack { session, epoch, messages, truncated };
                    core.tell_bot(bot.id, BotTold::HandedBack(handed_back), outside);
                }
            }
            Effect::Hold { operator, epoch } => {
                let name = match &folded.projection.session().control().holder {
                    Holder::Operator { name, .. } => name.clone(),
                    Holder::Bot {} => operator.to_string(),
                };
                let hold = OperatorInput::Hold { session: self.session, epoch, name };
                outside.input(core.index, Input::ToOperator(operator, hold));
            }
            Effect::LetGo { operator } => {
                let let_go = OperatorInput::LetGo(self.session);
                outside.input(core.index, Input::ToOperator(operator, let_go));
            }
        }
    }

    fn ask_bot(
        &mut self,
        (epoch, turn): (Epoch, Offset),
        timeout: Time,
        core: &mut Core,
        outside: &mut Outside,
    ) {
        self.drop_asked(core);
        let bot = core.bots.assign(self.session, self.bot).map(|bot| bot.id);
        self.bot = bot;
        let (mut answering, mut unheard) = (None, None);
        if let Some(bot) = bot {
            core.tell_bot(bot, question(self.session, epoch, turn, timeout), outside);
            if bot.0 != core.id {
                let timer = core.timer();
                unheard = Some(timer);
                self.alarm_after(PASSED_ON_WITHIN, Alarm::Unheard(timer), core, outside);
            }
        } else if core.settings.bot == BotKind::Knowledge {
            core.bots.settle(self.session);
            let timer = core.timer();
            answering = Some(timer);
            let looks_up = outside.random.between(1, 300);
            self.alarm_after(looks_up, Alarm::Knows(timer), core, outside);
        }
        let timer = core.timer();
        self.alarm_after(timeout, Alarm::Turn(timer), core, outside);
        let deadline = outside.now + timeout;
        self.asked = Some(Asked { epoch, turn, bot, deadline, timer, answering, unheard });
    }

    pub(super) fn turn_is_over(&mut self, timer: u64, core: &mut Core, outside: &mut Outside) {
        let Some(asked) = self.asked.as_ref().filter(|asked| asked.timer == timer) else { return };
        let served = asked.bot.is_some() || asked.answering.is_some();
        let reason = if served { BotFailure::Timeout } else { BotFailure::Unavailable };
        let (epoch, turn) = (asked.epoch, asked.turn);
        let command = Command::FailTurn { epoch, turn, reason, detail: None };
        self.enqueue(command, Answer::Nobody, core, outside);
    }

    pub(super) fn knowledge_answers(&mut self, timer: u64, core: &mut Core, outside: &mut Outside) {
        let Some(asked) = self.asked.as_ref().filter(|asked| asked.answering == Some(timer)) else {
            return;
        };
        let (epoch, turn) = (asked.epoch, asked.turn);
        let (name, text, choices) = ("Assistant".into(), format!("to {turn}"), vec![]);
        let command = Command::Answer { name, epoch, turn, text, choices };
        self.enqueue(command, Answer::Nobody, core, outside);
    }

    /// The question has reached the bot.
    pub(super) fn bot_has(&mut self, turn: Offset) {
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.turn == turn) {
            asked.unheard = None;
        }
    }

    /// A question to a bot at another node may have been lost on its way.
    pub(super) fn ask_again(&mut self, timer: u64, core: &mut Core, outside: &mut Outside) {
        let asked = self.asked.as_ref().filter(|asked| asked.unheard == Some(timer));
        if let Some((turn, left)) = asked.map(|asked| asked.again(outside.now)) {
            self.ask_bot(turn, left, core, outside);
        }
    }

    /// A turn that is no longer open is nobody's business any more.
    pub(super) fn settle_turn(&mut self, core: &Core) {
        let State::Folded(folded) = &self.state else { return };
        let open = folded.wants.turn;
        if self.asked.as_ref().is_some_and(|asked| open != Some((asked.epoch, asked.turn))) {
            self.drop_asked(core);
        }
    }

    /// Asks again if the bot that was asked is gone, or if there was none.
    pub(super) fn ask_another_bot(&mut self, core: &mut Core, outside: &mut Outside) {
        let Some(asked) = &self.asked else { return };
        let gone = asked.bot.is_none_or(|bot| core.bots.bot(bot).is_none());
        if gone && asked.answering.is_none() {
            let (turn, left) = asked.again(outside.now);
            self.ask_bot(turn, left, core, outside);
        }
    }

    pub(super) fn drop_asked(&mut self, core: &Core) {
        if self.asked.take().is_some() {
            core.bots.settle(self.session);
        }
    }
}

impl Asked {
    const fn again(&self, now: Time) -> ((Epoch, Offset), Time) {
        ((self.epoch, self.turn), self.deadline.saturating_sub(now))
    }

    pub const fn turn(&self) -> Offset {
        self.turn
    }
}

impl Core {
    /// Tells a bot something, over its connection or over the node that has it.
    fn tell_bot(&self, (node, connection): BotId, told: BotTold, outside: &mut Outside) {
        if node == self.id {
            tell_bot(connection, &told, outside);
        } else {
            outside.send(self.index, node, &Message::Bot { site: site(), connection, told });
        }
    }
}

fn question(session: SessionId, epoch: Epoch, turn: Offset, timeout: Time) -> BotTold {
    BotTold::Turn(Turn { session, epoch, turn, language: None, messages: vec![], timeout })
}
