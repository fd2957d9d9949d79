//! NATS' text protocol in WebSocket frames. Its messages know nothing of the frames: one may hold
//! several of them, or a part of one.

use tokio_tungstenite::tungstenite::Message;

use super::{Heard, Part, Tongue, followed, room_of, strange};
use crate::said::{self, Number};

const END: &str = "\r\n";

/// The longest line that is waited for: more is no NATS.
const LINE_BYTES_MAX: usize = 64 * 1024;

const CONNECT: &str =
    r#"CONNECT {"verbose":false,"pedantic":false,"lang":"rust","version":"0","protocol":1}"#;

pub struct Nats {
    room: String,
    following: Vec<String>,
    /// What has come of a message that is not whole.
    arrived: Vec<u8>,
}

impl Nats {
    pub fn new(part: &Part) -> Self {
        Self { room: room_of(part), following: followed(part), arrived: Vec::new() }
    }

    /// Takes one message from the front of what has come; whether it was whole.
    fn take(&mut self, heard: &mut Vec<Heard>) -> Result<bool, String> {
        let end = self.arrived.windows(END.len()).position(|window| window == END.as_bytes());
        let Some(end) = end else {
            let endless = self.arrived.len() > LINE_BYTES_MAX;
            return if endless { Err("a line without end".to_owned()) } else { Ok(false) };
        };
        let line = String::from_utf8_lossy(&self.arrived[..end]).into_owned();
        let mut taken = end + END.len();
        match line.split(' ').next().unwrap_or_default() {
            "MSG" => {
                let length = line.rsplit(' ').next().and_then(|length| length.parse().ok());
                let length: usize = length.ok_or_else(|| format!("{line:?} has no length"))?;
                let Some(payload) = self.arrived.get(taken..taken + length + END.len()) else {
                    return Ok(false);
                };
                let number = said::number(payload);
                heard.push(Heard::Delivered(number.ok_or_else(|| format!("{line:?}: what?"))?));
                taken += payload.len();
            }
            "PING" => heard.push(Heard::Reply(Message::binary("PONG\r\n"))),
            // The answer to the one in the greeting: all before it is done.
            "PONG" => heard.push(Heard::Ready),
            "INFO" | "+OK" => {}
            _ => return Err(line),
        }
        self.arrived.drain(..taken);
        Ok(true)
    }
}

impl Tongue for Nats {
    fn path(&self) -> &'static str {
        "/"
    }

    fn greet(&mut self) -> Vec<Message> {
        let mut greeting = vec![CONNECT.to_owned()];
        let follow = |(id, room): (usize, &String)| format!("SUB {room} {id}");
        greeting.extend(self.following.iter().enumerate().map(follow));
        greeting.push("PING\r\n".to_owned());
        vec![Message::binary(greeting.join(END))]
    }

    fn hear(&mut self, message: &Message, heard: &mut Vec<Heard>) -> Result<(), String> {
        let Message::Binary(bytes) = message else { return Err(strange(message)) };
        self.arrived.extend_from_slice(bytes);
        while self.take(heard)? {}
        if self.arrived.is_empty() {
            self.arrived = Vec::new();
        }
        Ok(())
    }

    fn say(&self, number: Number) -> Message {
        let payload = said::pushed(number);
        let head = format!("PUB {} {}{END}", self.room, payload.len());
        Message::binary([head.as_bytes(), &payload, END.as_bytes()].concat())
    }

    fn room(&self) -> String {
        self.room.clone()
    }
}
