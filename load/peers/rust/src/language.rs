//! What clients say to a relay that has no protocol of its own, in one binary message each:
//!
//! - `j`, then a room's name: join it. Answered with `j`.
//! - `p`, one byte of length, a room's name, then anything: that goes to all who joined, as it is.
//!
//! No answer, no order over rooms, nothing kept.

use bytes::Bytes;

/// What joining is answered with.
pub const JOINED: &[u8] = b"j";

/// One message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Whatever is published in this room goes to the client from now on.
    Join(Bytes),
    /// This goes to all who joined the room.
    Publish(Bytes, Bytes),
}

impl Command {
    /// Reads a message, without copying it; `None` if it is none.
    pub fn read(mut message: Bytes) -> Option<Self> {
        let kind = *message.first()?;
        match kind {
            b'j' => Some(Self::Join(message.split_off(1))),
            b'p' => {
                let room = 2..2 + usize::from(*message.get(1)?);
                (message.len() >= room.end).then(|| {
                    let payload = message.split_off(room.end);
                    Self::Publish(message.split_off(room.start), payload)
                })
            }
            _ => None,
        }
    }

    /// Writes a message; a room's name beyond 255 bytes is cut.
    pub fn write(&self) -> Vec<u8> {
        match self {
            Self::Join(room) => [b"j", &room[..]].concat(),
            Self::Publish(room, payload) => {
                let length = u8::try_from(room.len()).unwrap_or(u8::MAX);
                let room = &room[..length.into()];
                [&[b'p', length], room, &payload[..]].concat()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_was_written() {
        for command in [
            Command::Join("a room".into()),
            Command::Publish("a room".into(), "something".into()),
            Command::Publish(Bytes::new(), Bytes::new()),
        ] {
            assert_eq!(Command::read(command.write().into()), Some(command));
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for bytes in [&b""[..], b"x", b"p", b"p\x05room"] {
            assert_eq!(Command::read(Bytes::from_static(bytes)), None);
        }
    }
}
