//! A bot: answers what it was asked, in time, late, twice, or not at all.

use vigie::core::decide::Command;
use vigie_protocol::event::{BotFailure, Epoch, Offset};
use vigie_protocol::id::SessionId;

use super::{Client, Kind, Pending};
use crate::world::{Outside, Time};

/// How often an answer that was not taken is given again.
const TRIES_MAX: u32 = 4;

#[derive(Default)]
pub struct Bot {
    /// What it is about to answer.
    pub answers: Vec<Answer>,
    tries: u32,
}

pub struct Answer {
    due: Time,
    session: SessionId,
    command: Command,
}

impl Bot {
    pub(super) fn again(&mut self, pending: Pending, outside: &mut Outside) {
        self.tries += 1;
        if !self.tries.is_multiple_of(TRIES_MAX) {
            let due = outside.now + outside.random.between(100, 1_000);
            let Pending { session, command, .. } = pending;
            self.answers.push(Answer { due, session, command });
        }
    }
}

impl Client {
    pub(super) fn asked(
        &mut self,
        (session, epoch, turn): (SessionId, Epoch, Offset),
        outside: &mut Outside,
    ) {
        let Kind::Bot(bot) = &mut self.kind else { return };
        let (text, choices) = (format!("answer to {turn}"), vec![]);
        let name = "Assistant".into();
        let answer = Command::Answer { name, epoch, turn, text, choices };
        let (reason, detail) = (BotFailure::Error, None);
        let failure = Command::FailTurn { epoch, turn, reason, detail };
        let soon = outside.now + outside.random.between(5, 1_500);
        let late = outside.now + outside.random.between(2_000, 9_000);
        let answers = match outside.random.between(0, 99) {
            0..65 => vec![(soon, answer)],
            65..80 => vec![(soon, answer.clone()), (soon + outside.random.between(0, 900), answer)],
            80..87 => vec![(late, answer)],
            87..95 => vec![(soon, failure)],
            _ => vec![],
        };
        bot.answers.extend(answers.into_iter().map(|(due, command)| Answer {
            due,
            session,
            command,
        }));
    }

    pub(super) fn serve(&mut self, outside: &mut Outside) {
        let Kind::Bot(bot) = &mut self.kind else { return };
        let due: Vec<_> = bot.answers.extract_if(.., |answer| answer.due <= outside.now).collect();
        for Answer { session, command, .. } in due {
            self.request(session, command, outside);
        }
    }
}
