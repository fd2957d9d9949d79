//! Where a log ends, so that a log that has lost its tail and grown again is told from the one that
//! was known.
//!
//! A server that takes another's place may lack the latest events. Appended to, it has other events at
//! offsets that somebody knows: the offset alone says nothing then.

use vigie_protocol::event::{Event, EventBody, Offset};

/// The end of a log, as somebody knows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogEnd {
    /// The last offset; 0 while there is no event.
    pub offset: Offset,
    /// Tells its event from any other that may stand there; 0 if it is not known which it is.
    pub mark: u64,
}

/// The 64-bit FNV-1a hash, <http://www.isthe.com/chongo/tech/comp/fnv/>: the same in every version.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

impl LogEnd {
    /// The end of a log whose last event this is. Its mark is a hash of what every version reads in
    /// an event alike: the offset, the time, the epoch of a change, and what was said.
    pub fn of(event: &Event) -> Self {
        let (number, text) = match &event.body {
            EventBody::Message(message) => (message.epoch, message.text.as_str()),
            EventBody::Note { text, .. } => (0, text.as_str()),
            EventBody::ControlChanged(change) => (change.epoch, ""),
            _ => (0, ""),
        };
        let numbers = [event.offset, event.time, number].map(u64::to_be_bytes);
        let bytes = numbers.iter().flatten().copied().chain(text.bytes());
        let hash =
            bytes.fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        Self { offset: event.offset, mark: hash.max(1) }
    }

    /// An offset of which nothing else is known.
    pub const fn at(offset: Offset) -> Self {
        Self { offset, mark: 0 }
    }

    /// Whether another log's event stands at the same offset.
    pub const fn parts_from(self, other: Self) -> bool {
        self.offset == other.offset && self.mark != other.mark && self.mark != 0 && other.mark != 0
    }
}

#[cfg(test)]
mod tests {
    use vigie_protocol::event::{Author, ChatMessage};

    use super::*;

    fn said(offset: Offset, time: u64, text: &str) -> Event {
        let (text, key) = (text.into(), None);
        let body = ChatMessage { text, epoch: 1, key, turn: None, choices: vec![] };
        Event { offset, time, author: Author::Visitor {}, body: EventBody::Message(body) }
    }

    #[test]
    fn another_event_at_the_same_offset_is_another_log_s() {
        let end = LogEnd::of(&said(3, 7, "hello"));
        assert!(end.parts_from(LogEnd::of(&said(3, 8, "hello"))));
        assert!(end.parts_from(LogEnd::of(&said(3, 7, "hullo"))), "clocks may say the same");
        assert!(!end.parts_from(LogEnd::of(&said(3, 7, "hello"))));
        assert!(!end.parts_from(LogEnd::of(&said(4, 8, "more"))), "it goes on");
    }

    #[test]
    fn nothing_follows_from_what_is_not_known() {
        let end = LogEnd::of(&said(3, 7, "hello"));
        assert!(!end.parts_from(LogEnd::at(3)) && !LogEnd::at(3).parts_from(end));
        assert_eq!(LogEnd::default(), LogEnd::at(0));
    }

    /// Nodes of different versions must agree.
    #[test]
    fn the_mark_of_an_event_never_changes() {
        assert_eq!(LogEnd::of(&said(3, 7, "hello")).mark, 0x202f_4646_bbaa_86f6);
    }
}
