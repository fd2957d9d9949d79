//! The language of peers without a protocol of their own: see `load/peers/rust/src/language.rs`.

use tokio_tungstenite::tungstenite::Message;

use super::{Heard, Part, Tongue, followed, room_of, strange};
use crate::said::{self, Number};

const JOIN: u8 = b'j';
const PUBLISH: u8 = b'p';

pub struct Rooms {
    room: String,
    joining: Vec<String>,
}

impl Rooms {
    pub fn new(part: &Part) -> Self {
        Self { room: room_of(part), joining: followed(part) }
    }

    fn join(&mut self) -> Option<Message> {
        let room = self.joining.pop()?;
        Some(Message::binary([&[JOIN], room.as_bytes()].concat()))
    }
}

impl Tongue for Rooms {
    fn path(&self) -> &'static str {
        "/ws"
    }

    fn greet(&mut self) -> Vec<Message> {
        // Who follows nothing is let in by the handshake; a room of their own proves that they are.
        let join = self.join();
        let lone = || Message::binary([&[JOIN], self.room.as_bytes(), b"-alone"].concat());
        vec![join.unwrap_or_else(lone)]
    }

    fn hear(&mut self, message: &Message, heard: &mut Vec<Heard>) -> Result<(), String> {
        let Message::Binary(bytes) = message else { return Err(strange(message)) };
        if bytes[..] == [JOIN] {
            heard.push(self.join().map_or(Heard::Ready, Heard::Reply));
        } else {
            let number = said::number(bytes).ok_or_else(|| strange(message))?;
            heard.push(Heard::Delivered(number));
        }
        Ok(())
    }

    fn say(&self, number: Number) -> Message {
        let room = self.room.as_bytes();
        let length = u8::try_from(room.len()).expect("rooms have short names");
        Message::binary([&[PUBLISH, length], room, &said::pushed(number)].concat())
    }

    fn room(&self) -> String {
        self.room.clone()
    }
}
