//! What is said, and how it is known again: every text begins with its number, and whatever a peer
//! packs it into, the number is found in the bytes that come.

use vigie_protocol::event::{Author, ChatMessage, EventBody};
use vigie_protocol::id::SessionId;
use vigie_protocol::push::{EventPush, Notification};
use vigie_protocol::rpc::{self, Encoding};

/// How long each text is, in bytes: a sentence or two.
const TEXT_BYTES: usize = 120;

/// Stands before and after the number, which is written in this many digits.
const MARK: u8 = b'@';
const DIGITS: usize = 8;

/// Some session.
const SESSION: &str = "6f1c2b1e-8d3a-8c40-9a77-5b3de0a4c912";

/// Counts what is said in one measurement.
pub type Number = u32;

/// The text of this number.
pub fn text(number: Number) -> String {
    let filler = "Could you tell me whether the walnut table can be had in two metres, and when? ";
    let mut text = format!("@{number:08}@ ");
    text.extend(filler.chars().cycle().take(TEXT_BYTES - text.len()));
    text
}

/// The same text within the very message that Vigie sends an operator: what peers without a protocol
/// of their own are to carry, so that their frames are as long.
pub fn pushed(number: Number) -> Vec<u8> {
    let body = EventBody::Message(ChatMessage {
        text: text(number),
        epoch: 1,
        key: None,
        turn: None,
        choices: Vec::new(),
    });
    let push = EventPush {
        session: SESSION.parse::<SessionId>().expect("it is a UUID"),
        offset: u64::from(number) + 2,
        prev: u64::from(number) + 1,
        time: 1_700_000_000_000,
        author: Author::Visitor {},
        body,
    };
    rpc::notification(Encoding::MessagePack, EventPush::NAME, &push)
}

/// The number of the text in these bytes, if there is one.
pub fn number(bytes: &[u8]) -> Option<Number> {
    let marked = |window: &&[u8]| {
        let (first, rest) = (window[0], &window[1..]);
        first == MARK && rest[DIGITS] == MARK && rest[..DIGITS].iter().all(u8::is_ascii_digit)
    };
    let found = bytes.windows(DIGITS + 2).find(marked)?;
    std::str::from_utf8(&found[1..=DIGITS]).ok()?.parse().ok()
}
