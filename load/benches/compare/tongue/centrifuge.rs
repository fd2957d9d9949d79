//! Centrifuge's protocol as of its version 0.15, in Protocol Buffers: commands and replies, each with
//! its length before it.

use tokio_tungstenite::tungstenite::Message;

use super::{Heard, Part, Tongue, followed, room_of, strange};
use crate::said::{self, Number};

const SUBSCRIBE: u64 = 1;
const PUBLISH: u64 = 3;

/// The commands of the greeting; what is said has greater ids.
const CONNECTING: u64 = 1;
const SUBSCRIBING: u64 = 2;
const SAYING_MIN: u64 = 16;

/// How a field's value is written.
const VARINT: u64 = 0;
const BYTES: u64 = 2;

pub struct Centrifuge {
    room: String,
    joining: Vec<String>,
}

impl Centrifuge {
    pub fn new(part: &Part) -> Self {
        Self { room: room_of(part), joining: followed(part) }
    }

    fn next(&mut self) -> Heard {
        match self.joining.pop() {
            Some(room) => {
                let mut params = Vec::new();
                put_bytes(&mut params, 1, room.as_bytes());
                Heard::Reply(command(SUBSCRIBING, SUBSCRIBE, &params))
            }
            None => Heard::Ready,
        }
    }

    fn take(&mut self, reply: &[u8]) -> Option<Option<Heard>> {
        let (mut id, mut result) = (0, &[][..]);
        let mut rest = reply;
        while !rest.is_empty() {
            match field(&mut rest)? {
                (1, Value::Varint(value)) => id = value,
                (3, Value::Bytes(value)) => result = value,
                // An error, or what this version does not have.
                _ => return None,
            }
        }
        Some(match id {
            // Unasked: a publication is of type 0, which is not written.
            0 => Some(Heard::Delivered(said::number(result)?)),
            CONNECTING | SUBSCRIBING => Some(self.next()),
            _ => None,
        })
    }
}

impl Tongue for Centrifuge {
    fn path(&self) -> &'static str {
        "/connection/websocket?format=protobuf"
    }

    fn greet(&mut self) -> Vec<Message> {
        vec![command(CONNECTING, 0, &[])]
    }

    fn hear(&mut self, message: &Message, heard: &mut Vec<Heard>) -> Result<(), String> {
        let Message::Binary(bytes) = message else { return Err(strange(message)) };
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let taken = take_bytes(&mut rest).and_then(|reply| self.take(reply));
            heard.extend(taken.ok_or_else(|| strange(message))?);
        }
        Ok(())
    }

    fn say(&self, number: Number) -> Message {
        let mut params = Vec::new();
        put_bytes(&mut params, 1, self.room.as_bytes());
        put_bytes(&mut params, 2, &said::pushed(number));
        command(SAYING_MIN + u64::from(number), PUBLISH, &params)
    }

    fn room(&self) -> String {
        self.room.clone()
    }
}

fn command(id: u64, method: u64, params: &[u8]) -> Message {
    let mut command = Vec::new();
    put_varint(&mut command, 1 << 3 | VARINT);
    put_varint(&mut command, id);
    put_varint(&mut command, 2 << 3 | VARINT);
    put_varint(&mut command, method);
    put_bytes(&mut command, 3, params);
    let mut framed = Vec::new();
    put_varint(&mut framed, command.len() as u64);
    framed.extend(command);
    Message::binary(framed)
}

fn put_bytes(to: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(to, field << 3 | BYTES);
    put_varint(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

fn field<'a>(from: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let tag = take_varint(from)?;
    let value = match tag & 7 {
        VARINT => Value::Varint(take_varint(from)?),
        BYTES => Value::Bytes(take_bytes(from)?),
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_varint(from)?).ok()?;
    let (taken, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(taken)
}

fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte <= 0x7f {
            return Some(value);
        }
    }
    None
}
