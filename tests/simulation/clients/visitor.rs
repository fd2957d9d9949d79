//! A visitor: asks, and asks again under the same key until that is acknowledged.

use vigie::core::decide::Command;
use vigie_protocol::id::{Key, SessionId, VisitorId};

use super::{Client, Kind};
use crate::world::Outside;

pub struct Visitor {
    pub visitor: VisitorId,
    pub session: Option<SessionId>,
    said: u64,
    /// Said, and not yet acknowledged.
    pub unsent: Option<Command>,
}

impl Visitor {
    pub const fn new(visitor: VisitorId) -> Self {
        Self { visitor, session: None, said: 0, unsent: None }
    }

    pub(super) fn enter(&mut self, session: SessionId) {
        // What was said in a session that has ended stays there.
        if self.session != Some(session) {
            self.unsent = None;
        }
        self.session = Some(session);
    }

    pub(super) fn answered(&mut self, command: &Command) {
        if self.unsent.as_ref() == Some(command) {
            self.unsent = None;
        }
    }

    fn next(&mut self) -> Command {
        self.said += 1;
        Command::Ask { key: key(self.said), text: format!("question {}", self.said) }
    }
}

impl Client {
    pub(super) fn visit(&mut self, outside: &mut Outside) {
        let Kind::Visitor(visitor) = &mut self.kind else { return };
        let (Some(session), Some(link)) = (visitor.session, &self.link) else { return };
        let command = match (&visitor.unsent, outside.random.between(0, 99)) {
            _ if !link.pending.is_empty() => None,
            (Some(unsent), _) => Some(unsent.clone()),
            _ if self.settled => None,
            (None, 0..60) => {
                let command = visitor.next();
                visitor.unsent = Some(command.clone());
                Some(command)
            }
            (None, 60..67) => Some(Command::RequestHuman),
            (None, 67) => Some(Command::End),
            _ => None,
        };
        self.follow(session, outside);
        if let Some(command) = command {
            self.request(session, command, outside);
        }
    }
}

pub(super) fn key(number: u64) -> Key {
    let key = format!("key-{number}").parse();
    key.unwrap_or_else(|_| panic!("{number} makes a key"))
}
