//! What the decoders promise for any bytes whatever: they neither panic nor wait for more than a
//! message may hold, and what they accept can be said again.
//!
//! The fuzz targets feed these functions with what libFuzzer thinks of; the ordinary test
//! `protocol/tests/corpus.rs` feeds them with the files in `corpus/`.

use std::io::Cursor;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use vigie_protocol::MESSAGE_BYTES_MAX;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Event, EventBody};
use vigie_protocol::method::{self, Call, Empty, Method};
use vigie_protocol::push::Push;
use vigie_protocol::rpc::{self, DecodeError, Encoding, Id, Message, Params};
use vigie_protocol::scan::{ScanError, Scanner};

/// A fuzz target: its name, which is its corpus's too, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] =
    &[("scanner", scanner), ("messagepack", messagepack), ("json", json), ("event", event)];

/// A TCP stream is cut into the same values however it arrives.
///
/// The input is a number, as many sizes of pieces, and the stream.
pub fn scanner(input: &[u8]) {
    let (pieces, stream) = match input {
        [count, rest @ ..] => rest.split_at(usize::from(*count).min(rest.len())),
        [] => (input, input),
    };
    let pieces = pieces.iter().map(|size| 1 + usize::from(*size)).cycle();
    let at_once = follow(stream, std::iter::once(stream.len()));
    assert_eq!(at_once, follow(stream, pieces.chain(std::iter::repeat(1))));

    let (lengths, error) = at_once;
    let mut rest = stream;
    for length in lengths {
        assert!(length <= MESSAGE_BYTES_MAX, "a value of {length} bytes was let through");
        assert_eq!(read_by_serde(rest), Ok(length), "the length of the first value of {rest:x?}");
        rest = &rest[length..];
    }
    assert!(error.is_some() || rest.len() < MESSAGE_BYTES_MAX, "waits for more than a message");
}

/// Binary messages of a WebSocket and what a TCP stream was cut into.
pub fn messagepack(bytes: &[u8]) {
    message(Encoding::MessagePack, bytes);
}

/// Text messages of a WebSocket.
pub fn json(bytes: &[u8]) {
    message(Encoding::Json, bytes);
}

/// Events as a log keeps them: one that was read can be kept again, and written as JSON.
pub fn event(bytes: &[u8]) {
    let Ok(event) = Event::from_stored(bytes) else { return };
    let Some(again) = kept(&event) else { return };
    // A key that came twice is kept once; that alone can make one known that was not.
    assert!(again == event || matches!(event.body, EventBody::Unknown(_)), "{again:?}\n{event:?}");
    assert_eq!(kept(&again).as_ref(), Some(&again));

    let text = serde_json::to_string(&event).expect("an event can be written as JSON");
    let again: Event = serde_json::from_str(&text).expect("an event in JSON can be read");
    // The last digit of a JSON number with a fraction is not promised.
    assert_eq!((again.offset, again.author), (event.offset, event.author));
}

/// Writes an event and reads it back, unless our writing is longer than a message may be.
fn kept(event: &Event) -> Option<Event> {
    let stored = event.to_stored();
    (stored.len() <= MESSAGE_BYTES_MAX)
        .then(|| Event::from_stored(&stored).expect("a stored event can be read"))
}

/// Scans a stream that arrives piece by piece: the lengths of its values, and how it failed.
fn follow(stream: &[u8], pieces: impl Iterator<Item = usize>) -> (Vec<usize>, Option<ScanError>) {
    let (mut scanner, mut start, mut arrived, mut lengths) = (Scanner::default(), 0, 0, vec![]);
    for piece in pieces {
        arrived = stream.len().min(arrived + piece);
        loop {
            match scanner.scan(&stream[start..arrived]) {
                Ok(Some(length)) => {
                    assert!(length > 0, "a value of nothing");
                    lengths.push(length);
                    start += length;
                }
                Ok(None) => break,
                Err(error) => return (lengths, Some(error)),
            }
        }
        if arrived == stream.len() {
            break;
        }
    }
    (lengths, None)
}

/// How many bytes an independent reader takes for the first value.
fn read_by_serde(bytes: &[u8]) -> Result<usize, String> {
    let mut reader = rmp_serde::Deserializer::new(Cursor::new(bytes));
    IgnoredAny::deserialize(&mut reader).map_err(|error| error.to_string())?;
    usize::try_from(reader.get_ref().position()).map_err(|error| error.to_string())
}

fn message(encoding: Encoding, bytes: &[u8]) {
    match rpc::decode(encoding, bytes) {
        Ok(Message::Request { id, method, params }) => {
            if let Err(refusal) = Call::decode(&method, &params) {
                can_be_refused(encoding, &id, refusal);
            }
            can_be_echoed(encoding, &id, &params);
        }
        Ok(Message::Notification { method, params }) => {
            let call = Call::decode(&method, &params).map(|call| call.name());
            assert!(call.is_err() || call == Ok(&*method));
            let _ = Push::decode(&method, &params);
        }
        Ok(Message::Response { id, outcome: Ok(result) }) => {
            read_as_any_result(&result);
            can_be_echoed(encoding, &id, &result);
        }
        Ok(Message::Response { outcome: Err(refusal), .. }) => drop(refusal.to_string()),
        Err(DecodeError::NotRpc { id: Some(id), problem }) => {
            can_be_refused(encoding, &id, RpcError::new(ErrorCode::InvalidRequest, problem));
        }
        Err(problem) => drop(problem.to_string()),
    }
}

/// Every refusal fits into a message, and the client reads what the server wrote.
fn can_be_refused(encoding: Encoding, id: &Id, refusal: RpcError) {
    let refused = Err::<Empty, _>(refusal);
    let bytes = rpc::response(encoding, id, &refused);
    match rpc::decode(encoding, &bytes).expect("a refusal can be read") {
        Message::Response { id: again, outcome: Err(refusal) } => {
            assert_eq!((&again, Err(refusal)), (id, refused));
        }
        other => panic!("a refusal was read as {other:?}"),
    }
}

/// What was read can be sent, under the id that it came with.
fn can_be_echoed(encoding: Encoding, id: &Id, params: &Params<'_>) {
    let Ok(value) = params.decode::<Value>() else { return };
    let bytes = rpc::response(encoding, id, &Ok(&value));
    if bytes.len() > MESSAGE_BYTES_MAX {
        return; // Numbers may be longer in our writing than in the peer's.
    }
    match rpc::decode(encoding, &bytes).expect("an echo can be read") {
        Message::Response { id: again, outcome: Ok(echo) } => {
            assert_eq!(again, *id);
            let echo: Value = echo.decode().expect("an echoed value can be read");
            // The last digit of a JSON number with a fraction is not promised.
            assert!(encoding == Encoding::Json || echo == value, "{echo} is not {value}");
        }
        other => panic!("an echo was read as {other:?}"),
    }
}

/// As a client does that waits for any one of the answers.
fn read_as_any_result(result: &Params<'_>) {
    fn of<M: Method>(result: &Params<'_>) {
        read::<M::Result>(result);
    }
    fn read<T: DeserializeOwned>(result: &Params<'_>) {
        let _ = result.decode::<T>();
    }
    of::<method::Connect>(result);
    of::<method::Refresh>(result);
    of::<method::Subscribe>(result);
    of::<method::History>(result);
    of::<method::Say>(result);
    of::<method::Watch>(result);
    of::<method::Operators>(result);
    of::<method::ReadPast>(result);
    of::<method::Ping>(result);
}
