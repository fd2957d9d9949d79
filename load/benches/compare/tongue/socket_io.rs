//! socket.io 5 over engine.io 4, on WebSocket alone, with packets in MessagePack.
//!
//! Engine.io's own packets are text, a digit and what belongs to it; socket.io's are binary, since
//! its MessagePack parser makes binary ones of all.

use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::Message;

use super::{Heard, Part, Tongue, followed, room_of, strange};
use crate::said::{self, Number};

const ENGINE_OPEN: &str = "0";
const ENGINE_PING: &str = "2";
const ENGINE_PONG: &str = "3";

const CONNECT: u8 = 0;
const EVENT: u8 = 2;
const ACK: u8 = 3;

/// The name space that all are in.
const SPACE: &str = "/";

pub struct SocketIo {
    room: String,
    joining: Vec<String>,
}

#[derive(Serialize)]
struct Packet<T> {
    #[serde(rename = "type")]
    kind: u8,
    nsp: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
}

/// What must be known of a packet; its data is looked through for a text alone.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: u8,
}

/// An event whose payload is bytes.
#[derive(Serialize)]
struct Say<'a>(&'static str, &'a str, #[serde(serialize_with = "bytes")] &'a [u8]);

fn bytes<S: serde::Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

fn pack<T: Serialize>(kind: u8, data: Option<T>, id: Option<u32>) -> Message {
    let packet = Packet { kind, nsp: SPACE, data, id };
    let packed = rmp_serde::to_vec_named(&packet).expect("writing to memory does not fail");
    Message::binary(packed)
}

impl SocketIo {
    pub fn new(part: &Part) -> Self {
        Self { room: room_of(part), joining: followed(part) }
    }

    fn next(&mut self) -> Heard {
        match self.joining.pop() {
            Some(room) => Heard::Reply(pack(EVENT, Some(("join", room)), Some(1))),
            None => Heard::Ready,
        }
    }
}

impl Tongue for SocketIo {
    fn path(&self) -> &'static str {
        "/socket.io/?EIO=4&transport=websocket"
    }

    fn greet(&mut self) -> Vec<Message> {
        Vec::new()
    }

    fn hear(&mut self, message: &Message, heard: &mut Vec<Heard>) -> Result<(), String> {
        match message {
            Message::Text(text) if text.starts_with(ENGINE_OPEN) => {
                heard.push(Heard::Reply(pack::<()>(CONNECT, None, None)));
            }
            Message::Text(text) if *text == ENGINE_PING => {
                heard.push(Heard::Reply(Message::text(ENGINE_PONG)));
            }
            Message::Binary(bytes) => {
                let head: Head = rmp_serde::from_slice(bytes).map_err(|_| strange(message))?;
                heard.push(match head.kind {
                    CONNECT | ACK => self.next(),
                    EVENT => Heard::Delivered(said::number(bytes).ok_or_else(|| strange(message))?),
                    _ => return Err(strange(message)),
                });
            }
            _ => return Err(strange(message)),
        }
        Ok(())
    }

    fn say(&self, number: Number) -> Message {
        pack(EVENT, Some(Say("say", &self.room, &said::pushed(number))), None)
    }

    fn room(&self) -> String {
        self.room.clone()
    }
}
