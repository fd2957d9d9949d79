//! What stands in a message on a node's channels: the first byte is its kind.

use bytes::Bytes;
use uuid::Uuid;
use vigie_protocol::event::{Event, NotStored};
use vigie_protocol::id::SessionId;

use crate::cluster::{Attendance, Heard, NodeId};
use crate::core::end::LogEnd;

const EVENTS: u8 = b'E';
const ATTENDANCE: u8 = b'A';
const MESSAGE: u8 = b'M';
const CANARY: u8 = b'C';

/// A message as it was read.
#[derive(Debug, PartialEq)]
pub(super) enum Read {
    /// For whoever listens.
    Heard(Heard),
    /// This node's own.
    Canary(Canary),
    /// Of a kind that this version does not know.
    Unknown(u8),
}

/// What a node sends itself, to know that it hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Canary {
    /// Which subscription it was sent for.
    pub subscription: u64,
    /// 1, 2, 3 …
    pub number: u64,
}

/// Why a message could not be read.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum Unreadable {
    /// It does not have the shape of its kind: nobody of ours has written it.
    #[error("it does not have the shape of a message")]
    Malformed,
    /// It tells of events of a session, and which they are stays unknown.
    #[error("it tells of events of session {0}: {1}")]
    Events(SessionId, EventsFault),
}

/// What is wrong with events.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum EventsFault {
    #[error(transparent)]
    NotStored(#[from] NotStored),
    #[error("their offsets do not follow one another")]
    Offsets,
}

impl Canary {
    pub(super) fn write(self) -> Vec<u8> {
        let mut bytes = vec![CANARY];
        bytes.extend(self.subscription.to_be_bytes());
        bytes.extend(self.number.to_be_bytes());
        bytes
    }
}

/// Bytes that one node sends another.
pub(super) fn message(from: NodeId, bytes: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(1 + 8 + bytes.len());
    message.push(MESSAGE);
    message.extend(from.0.to_be_bytes());
    message.extend_from_slice(bytes);
    message
}

/// Reads a message.
pub(super) fn read(bytes: Vec<u8>) -> Result<Read, Unreadable> {
    let (&kind, rest) = bytes.split_first().ok_or(Unreadable::Malformed)?;
    match kind {
        EVENTS => events(rest).map(Read::Heard),
        ATTENDANCE => attendance(rest).ok_or(Unreadable::Malformed),
        MESSAGE => {
            let (from, _) = number(rest).ok_or(Unreadable::Malformed)?;
            let bytes = Bytes::from(bytes).slice(1 + 8..);
            Ok(Read::Heard(Heard::Message { from: NodeId(from), bytes }))
        }
        CANARY => canary(rest).ok_or(Unreadable::Malformed),
        unknown => Ok(Read::Unknown(unknown)),
    }
}

fn events(bytes: &[u8]) -> Result<Heard, Unreadable> {
    let (session, rest) = session(bytes).ok_or(Unreadable::Malformed)?;
    let (offset, rest) = number(rest).ok_or(Unreadable::Malformed)?;
    let (mark, mut rest) = number(rest).ok_or(Unreadable::Malformed)?;
    let mut events = Vec::new();
    while !rest.is_empty() {
        let (length, more) = rest.split_first_chunk().ok_or(Unreadable::Malformed)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (stored, more) = more.split_at_checked(length).ok_or(Unreadable::Malformed)?;
        let event = Event::from_stored(stored)
            .map_err(|fault| Unreadable::Events(session, fault.into()))?;
        if offset.checked_add(1 + events.len() as u64) != Some(event.offset) {
            return Err(Unreadable::Events(session, EventsFault::Offsets));
        }
        events.push(event);
        rest = more;
    }
    if events.is_empty() {
        return Err(Unreadable::Malformed);
    }
    Ok(Heard::Events { session, after: LogEnd { offset, mark }, events })
}

fn attendance(bytes: &[u8]) -> Option<Read> {
    let (session, rest) = session(bytes)?;
    Some(Read::Heard(Heard::Attendance(Attendance::decode(session, rest)?)))
}

fn canary(bytes: &[u8]) -> Option<Read> {
    let (subscription, rest) = number(bytes)?;
    let (number, _) = number(rest)?;
    Some(Read::Canary(Canary { subscription, number }))
}

fn session(bytes: &[u8]) -> Option<(SessionId, &[u8])> {
    let (session, rest) = bytes.split_first_chunk()?;
    Some((SessionId::from(Uuid::from_bytes(*session)), rest))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests;
