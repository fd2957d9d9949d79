//! How each peer is spoken to: messages in, meanings out. No tongue has a socket or a clock, so that
//! one driver does the same work with all of them.

use tokio_tungstenite::tungstenite::Message;

use crate::said::Number;

mod centrifuge;
mod nats;
mod rooms;
mod socket_io;
mod vigie;

pub use self::centrifuge::Centrifuge;
pub use self::nats::Nats;
pub use self::rooms::Rooms;
pub use self::socket_io::SocketIo;
pub use self::vigie::{Staff, Vigie};

/// What somebody is there for.
#[derive(Debug, Clone)]
pub enum Part {
    /// Follows what concerns them, and says nothing: a visitor with the page open.
    Idle(u32),
    /// Speaks in a room of their own, and follows nothing.
    Speaker(u32),
    /// Follows these rooms.
    Watcher(u32, Vec<String>),
}

/// What came.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// This is to be sent at once.
    Reply(Message),
    /// They are let in and follow what they should.
    Ready,
    /// Somebody has said this.
    Delivered(Number),
    /// What was said under this number is kept.
    Acknowledged(Number),
}

/// One connection's side of a protocol.
pub trait Tongue: Send {
    /// What is asked for in the handshake: path and query.
    fn path(&self) -> &'static str;

    /// The subprotocol that is offered.
    fn subprotocol(&self) -> Option<&'static str> {
        None
    }

    /// What is said first, if it is not the peer that begins.
    fn greet(&mut self) -> Vec<Message>;

    /// Understands a message.
    ///
    /// # Errors
    /// The peer refuses something, or says what is no message.
    fn hear(&mut self, message: &Message, heard: &mut Vec<Heard>) -> Result<(), String>;

    /// Says the text of this number in the own room.
    fn say(&self, number: Number) -> Message;

    /// The room that a speaker speaks in; known when they are ready.
    fn room(&self) -> String;
}

/// The name of a speaker's or idler's own room, where the peer has none for them.
fn room_of(part: &Part) -> String {
    match part {
        Part::Idle(number) => format!("idle-{number}"),
        Part::Speaker(number) => format!("room-{number}"),
        Part::Watcher(number, _) => format!("watcher-{number}"),
    }
}

/// The rooms that somebody follows.
fn followed(part: &Part) -> Vec<String> {
    match part {
        Part::Idle(_) => vec![room_of(part)],
        Part::Speaker(_) => Vec::new(),
        Part::Watcher(_, rooms) => rooms.clone(),
    }
}

fn strange(message: &Message) -> String {
    format!("the peer says what is not understood: {message:?}")
}
