//! What operators and the visitor set out to do, each in their own order.

use vigie::core::decide::{Command, Operator};
use vigie_protocol::event::{Author, Event, Holder};
use vigie_protocol::method::Rank;

pub const CLIENTS: [Client; 4] = [Client::Visitor, Client::Ann, Client::Ben, Client::Sue];

/// How many moves the longest script has.
pub const MOVES_MAX: usize = 3;

/// The moves that say something.
pub const SAYINGS: [Move; 3] = [(Client::Visitor, 0), (Client::Visitor, 1), (Client::Ann, 1)];

/// What clients say, by the number of the move; key and text in one. The visitor and Ann use the
/// same key once: it names a message of each.
pub const WORDS: [&str; MOVES_MAX] = ["first", "second", "third"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    Visitor,
    Ann,
    Ben,
    /// A supervisor.
    Sue,
}

/// One client's move, by its number in their script.
pub type Move = (Client, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Say,
    TakeOver,
    Force,
    Release,
}

impl Client {
    /// What a client does, each thing once the one before was acknowledged.
    pub const fn script(self) -> &'static [Act] {
        match self {
            Self::Visitor => &[Act::Say, Act::Say],
            Self::Ann => &[Act::TakeOver, Act::Say, Act::Release],
            Self::Ben => &[Act::TakeOver],
            Self::Sue => &[Act::Force],
        }
    }

    pub fn command(self, number: usize) -> Command {
        let (key, text) = (WORDS[number].parse().expect("a key"), WORDS[number].into());
        let by = self.operator();
        match self.script()[number] {
            Act::Say if self == Self::Visitor => Command::Ask { key, text },
            Act::Say => Command::Reply { by, key, text, seen: None, confirm: false },
            Act::TakeOver => Command::TakeOver { by, force: false, reason: None },
            Act::Force => Command::TakeOver { by, force: true, reason: Some("because".into()) },
            Act::Release => Command::Release { by },
        }
    }

    pub fn operator(self) -> Operator {
        let name = self.name();
        let rank = if self == Self::Sue { Rank::Supervisor } else { Rank::Agent };
        Operator { id: name.parse().expect("an id"), name: name.into(), rank }
    }

    pub fn holds(self, holder: &Holder) -> bool {
        matches!(holder, Holder::Operator { name, .. } if name == self.name())
    }

    pub fn wrote(self, event: &Event) -> bool {
        match &event.author {
            Author::Visitor {} => self == Self::Visitor,
            Author::Operator { name, .. } => name == self.name(),
            _ => false,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Ann => "ann",
            Self::Ben => "ben",
            Self::Sue => "sue",
        }
    }
}
