//! An operator: looks on, takes over, replies, hands back and over.

use vigie::core::decide::{Command, Operator};
use vigie_protocol::event::Offset;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::Rank;

use super::visitor::key;
use super::{Client, Kind};
use crate::world::Outside;

/// How many sessions an operator looks at.
const FOLLOWED_MAX: usize = 2;

pub struct Desk {
    pub operator: Operator,
    others: Vec<Operator>,
    said: u64,
    /// Said, and not yet acknowledged.
    pub unsent: Option<(SessionId, Command)>,
}

impl Desk {
    pub const fn new(operator: Operator, others: Vec<Operator>) -> Self {
        Self { operator, others, said: 0, unsent: None }
    }

    /// What an operator does next in a session; `seen` is how far they have read.
    fn next(&mut self, seen: Offset, outside: &mut Outside) -> Option<Command> {
        let by = self.operator.clone();
        let supervisor = by.rank == Rank::Supervisor;
        Some(match outside.random.between(0, 99) {
            0..25 => {
                let force = supervisor && outside.random.percent(30);
                Command::TakeOver { by, force, reason: Some("must".into()) }
            }
            25..65 => {
                self.said += 1;
                let (key, text) = (key(self.said), format!("reply {}", self.said));
                let seen = outside.random.percent(30).then_some(seen);
                Command::Reply { by, key, text, seen, confirm: false }
            }
            65..69 => {
                self.said += 1;
                Command::Note { by, key: key(self.said), text: format!("note {}", self.said) }
            }
            69..80 => Command::Release { by },
            80..87 => {
                let to = self.others
                    [outside.random.between(0, self.others.len() as u64 - 1) as usize]
                    .clone();
                Command::Transfer { by, to, reason: None }
            }
            87..90 => Command::Revoke { by, reason: "must".into() },
            90 => Command::Close { by: Some(by) },
            _ => return None,
        })
    }
}

impl Client {
    pub(super) fn operate(&mut self, outside: &mut Outside) {
        let sessions: Vec<_> = outside.server.log.sessions.keys().copied().collect();
        for session in sessions.iter().take(FOLLOWED_MAX) {
            self.follow(*session, outside);
        }
        let Kind::Operator(desk) = &mut self.kind else { return };
        if self.link.as_ref().is_none_or(|link| !link.pending.is_empty()) {
            return;
        }
        if let Some((session, command)) = desk.unsent.clone() {
            return self.request(session, command, outside);
        }
        if self.settled {
            return;
        }
        let Some(session) = outside.random.pick(&sessions) else { return };
        let seen = self.views.get(&session).map_or(0, |view| view.last);
        let Some(command) = desk.next(seen, outside) else { return };
        // Only what has a key may be said again.
        if matches!(command, Command::Reply { .. } | Command::Note { .. }) {
            desk.unsent = Some((session, command.clone()));
        }
        self.request(session, command, outside);
    }
}
