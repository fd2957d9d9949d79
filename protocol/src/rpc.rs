//! Messages of MessagePack-RPC and JSON-RPC 2.0, encoded and decoded.
//!
//! Both encodings carry the same requests, responses and notifications. In MessagePack-RPC the
//! parameters are an array of one map, in JSON-RPC the map itself.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::{ErrorCode, RpcError};
use crate::method::STAMPED_KEYS;
use crate::scan::{ScanError, Scanner};
use crate::{MESSAGE_BYTES_MAX, MESSAGE_DEPTH_MAX};

/// The longest text that a JSON-RPC id may be, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// The largest number that a JSON-RPC id may be.
pub const ID_NUMBER_MAX: u64 = (1 << 53) - 1;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// MessagePack-RPC.
    MessagePack,
    /// JSON-RPC 2.0.
    Json,
}

/// What relates a response to its request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// A number; in MessagePack-RPC of 32 bits.
    Number(u64),
    /// A text (JSON-RPC only).
    Text(Box<str>),
    /// The request's id could not be read (responses of JSON-RPC only).
    Null(()),
}

/// One message.
#[derive(Debug)]
pub enum Message<'a> {
    /// Wants a response under the same id.
    Request {
        /// Relates the response to it.
        id: Id,
        /// What to do.
        method: Cow<'a, str>,
        /// With what.
        params: Params<'a>,
    },
    /// The response to a request.
    Response {
        /// The request's id.
        id: Id,
        /// Its result or refusal.
        outcome: Result<Params<'a>, RpcError>,
    },
    /// Wants no response.
    Notification {
        /// What it tells.
        method: Cow<'a, str>,
        /// Of what.
        params: Params<'a>,
    },
}

/// A value that has not been read yet: parameters or a result.
#[derive(Debug, Clone)]
pub enum Params<'a> {
    /// One MessagePack value.
    MessagePack(&'a [u8]),
    /// One JSON value.
    Json(&'a str),
    /// Nothing was sent: as an empty map.
    Absent,
}

/// Why bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not a value of the encoding, or more than one.
    #[error("not {0}")]
    Malformed(Cow<'static, str>),
    /// Longer or deeper than allowed.
    #[error("{0}")]
    TooLarge(ScanError),
    /// A value, but not a request, response or notification.
    #[error("not a request, response or notification: {problem}")]
    NotRpc {
        /// The request's id, if it could be read: for the response.
        id: Option<Id>,
        /// What is wrong.
        problem: String,
    },
    /// A notification whose parameters are of another shape. Libraries of other MessagePack-RPC
    /// servers send such greetings unasked, so it is told to the client and the connection stays.
    #[error("the parameters of the notification {method:?} are not {expected}")]
    ForeignNotification {
        /// What it tells: for the `error` notification.
        method: String,
        /// The shape that they should have.
        expected: &'static str,
    },
}

impl Params<'_> {
    /// Reads the value.
    ///
    /// # Errors
    /// What serde says of a value that does not fit, behind the name of the field.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, String> {
        match self {
            Self::MessagePack(bytes) => rmp_serde::from_slice(bytes).ok(),
            Self::Json(text) => serde_json::from_str(text).ok(),
            Self::Absent => serde_json::from_str("{}").ok(),
        }
        .map_or_else(|| self.locate(), Ok)
    }

    /// Reads the value once more to say where it is wrong, which only a refusal is worth.
    fn locate<T: DeserializeOwned>(&self) -> Result<T, String> {
        let json = |text| {
            let mut value = serde_json::Deserializer::from_str(text);
            serde_path_to_error::deserialize(&mut value).map_err(|e| plain(&e))
        };
        match self {
            Self::MessagePack(bytes) => {
                let mut value = rmp_serde::Deserializer::from_read_ref(bytes);
                serde_path_to_error::deserialize(&mut value).map_err(|e| plain(&e))
            }
            Self::Json(text) => json(text),
            Self::Absent => json("{}"),
        }
    }

    /// The first key of the map that only the server may say.
    pub fn stamped_key(&self) -> Option<&'static str> {
        let found = match self {
            Self::MessagePack(bytes) => rmp_serde::from_slice::<StampedKey>(bytes).ok(),
            Self::Json(text) => serde_json::from_str::<StampedKey>(text).ok(),
            Self::Absent => None,
        };
        found.and_then(|StampedKey(key)| key)
    }
}

/// Decodes exactly one message of a client.
///
/// # Errors
/// See [`DecodeError`]; `SPEC.md` says which of them close the connection.
pub fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Message<'_>, DecodeError> {
    decode_within(encoding, bytes, MESSAGE_BYTES_MAX)
}

/// Decodes exactly one message of at most `bytes_max` bytes: a client reads a server's messages
/// within [`ANSWER_BYTES_MAX`](crate::ANSWER_BYTES_MAX).
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_within(
    encoding: Encoding,
    bytes: &[u8],
    bytes_max: usize,
) -> Result<Message<'_>, DecodeError> {
    if bytes.len() > bytes_max {
        return Err(DecodeError::TooLarge(ScanError::TooLarge));
    }
    match encoding {
        Encoding::MessagePack => decode_messagepack(bytes, bytes_max),
        Encoding::Json => decode_json(bytes),
    }
}

/// Encodes a request.
///
/// # Panics
/// Never: the types of this crate always serialize.
pub fn request<T: Serialize>(encoding: Encoding, id: u32, method: &str, params: &T) -> Vec<u8> {
    match encoding {
        Encoding::MessagePack => pack(&(0u8, id, method, Named(params))),
        Encoding::Json => json(&JsonOut {
            id: Some(Id::Number(id.into())),
            method: Some(method),
            params: Some(params),
            ..JsonOut::default()
        }),
    }
}

/// Encodes a notification.
pub fn notification<T: Serialize>(encoding: Encoding, method: &str, params: &T) -> Vec<u8> {
    match encoding {
        Encoding::MessagePack => pack(&(2u8, method, Named(params))),
        Encoding::Json => {
            json(&JsonOut { method: Some(method), params: Some(params), ..JsonOut::default() })
        }
    }
}

/// Encodes the response to a request.
pub fn response<T: Serialize>(
    encoding: Encoding,
    id: &Id,
    outcome: &Result<T, RpcError>,
) -> Vec<u8> {
    match (encoding, outcome) {
        (Encoding::MessagePack, Ok(result)) => pack(&(1u8, id, (), result)),
        (Encoding::MessagePack, Err(error)) => pack(&(1u8, id, error, ())),
        (Encoding::Json, Ok(result)) => {
            json(&JsonOut::<T> { id: Some(id.clone()), result: Some(result), ..JsonOut::default() })
        }
        (Encoding::Json, Err(error)) => {
            json(&JsonOut::<()> { id: Some(id.clone()), error: Some(error), ..JsonOut::default() })
        }
    }
}

/// Parameters of MessagePack-RPC: an array of one map.
struct Named<'a, T>(&'a T);

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_tuple(1)?;
        array.serialize_element(self.0)?;
        array.end()
    }
}

fn pack<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("writing to memory does not fail")
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("writing to memory does not fail")
}

#[derive(Serialize)]
struct JsonOut<'a, T> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RpcError>,
}

impl<T> Default for JsonOut<'_, T> {
    fn default() -> Self {
        Self { jsonrpc: "2.0", id: None, method: None, params: None, result: None, error: None }
    }
}

fn decode_messagepack(bytes: &[u8], bytes_max: usize) -> Result<Message<'_>, DecodeError> {
    match Scanner::within(bytes_max).scan(bytes) {
        Ok(Some(length)) if length == bytes.len() => {}
        Ok(Some(_)) => {
            return Err(DecodeError::Malformed("one MessagePack value, but more".into()));
        }
        Ok(None) => return Err(DecodeError::Malformed("a whole MessagePack value".into())),
        Err(ScanError::Reserved) => {
            return Err(DecodeError::Malformed("MessagePack: it has the byte 0xc1".into()));
        }
        Err(error) => return Err(DecodeError::TooLarge(error)),
    }
    let elements = elements(bytes)
        .ok_or_else(|| not_rpc(None, "it is not an array of three or four elements"))?;
    match *elements.as_slice() {
        [kind, id, method, params] if read::<u8>(kind) == Some(0) => {
            let id = read::<u32>(id)
                .map(|id| Id::Number(id.into()))
                .ok_or_else(|| not_rpc(None, "the request's id is not a 32-bit number"))?;
            let method = text(method)
                .ok_or_else(|| not_rpc(Some(id.clone()), "the method is not a string"))?;
            let params = one_map(params).ok_or_else(|| {
                not_rpc(Some(id.clone()), "the parameters are not an array of one map")
            })?;
            Ok(Message::Request { id, method: Cow::Borrowed(method), params })
        }
        [kind, id, error, result] if read::<u8>(kind) == Some(1) => {
            let id = read::<u32>(id)
                .map(|id| Id::Number(id.into()))
                .ok_or_else(|| not_rpc(None, "the response's id is not a 32-bit number"))?;
            let outcome = match error {
                [0xc0] => Ok(Params::MessagePack(result)),
                error => Err(Params::MessagePack(error).decode().unwrap_or_else(foreign_error)),
            };
            Ok(Message::Response { id, outcome })
        }
        [kind, method, params] if read::<u8>(kind) == Some(2) => {
            let method = text(method).ok_or_else(|| not_rpc(None, "the method is not a string"))?;
            let params = one_map(params)
                .ok_or_else(|| foreign_notification(method, "an array of one map"))?;
            Ok(Message::Notification { method: Cow::Borrowed(method), params })
        }
        _ => Err(not_rpc(None, "it does not begin with a message type of 0, 1 or 2")),
    }
}

/// The elements of an array of three or four; `bytes` is known to be one whole value.
fn elements(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (count, mut rest) = match bytes {
        [short @ (0x93 | 0x94), rest @ ..] => (usize::from(short & 0x0f), rest),
        [0xdc, 0, count @ (3 | 4), rest @ ..] => (usize::from(*count), rest),
        [0xdd, 0, 0, 0, count @ (3 | 4), rest @ ..] => (usize::from(*count), rest),
        _ => return None,
    };
    let mut elements = Vec::with_capacity(count);
    for _ in 0..count {
        let length = Scanner::within(rest.len()).scan(rest).ok().flatten()?;
        let (element, after) = rest.split_at(length);
        elements.push(element);
        rest = after;
    }
    Some(elements)
}

/// The map of `[map]`; `[]` stands for an empty one.
fn one_map(params: &[u8]) -> Option<Params<'_>> {
    let inner = match params {
        [0x90] | [0xdc, 0, 0] | [0xdd, 0, 0, 0, 0] => return Some(Params::Absent),
        [0x91, inner @ ..] | [0xdc, 0, 1, inner @ ..] | [0xdd, 0, 0, 0, 1, inner @ ..] => inner,
        _ => return None,
    };
    matches!(inner.first(), Some(0x80..=0x8f | 0xde | 0xdf)).then_some(Params::MessagePack(inner))
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    rmp_serde::from_slice(bytes).ok()
}

/// A string; MessagePack-RPC clients of the old specification send it as raw bytes of UTF-8.
fn text(bytes: &[u8]) -> Option<&str> {
    let content = match bytes {
        [0xa0..=0xbf, content @ ..]
        | [0xd9 | 0xc4, _, content @ ..]
        | [0xda | 0xc5, _, _, content @ ..]
        | [0xdb | 0xc6, _, _, _, _, content @ ..] => content,
        _ => return None,
    };
    std::str::from_utf8(content).ok()
}

fn decode_json<'a>(bytes: &'a [u8]) -> Result<Message<'a>, DecodeError> {
    if json_depth(bytes) > MESSAGE_DEPTH_MAX {
        return Err(DecodeError::TooLarge(ScanError::TooDeep));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| DecodeError::Malformed(format!("UTF-8: {e}").into()))?;
    let raw: &RawValue = serde_json::from_str(text)
        .map_err(|e| DecodeError::Malformed(format!("JSON: {}", plain(&e)).into()))?;
    if raw.get().starts_with('[') {
        return Err(not_rpc(None, "it is an array; there are no batches, send each by itself"));
    }
    let parts: JsonIn<'_> =
        serde_json::from_str(raw.get()).map_err(|e| not_rpc(None, &plain(&e)))?;
    let id = match parts.id {
        None => None,
        Some(id) => Some(json_id(id).ok_or_else(|| {
            not_rpc(None, "the id is neither a whole number up to 2^53 - 1 nor a short string")
        })?),
    };
    let string = |value: Option<&'a RawValue>| {
        value.map(|value| serde_json::from_str::<JsonText<'a>>(value.get())).transpose()
    };
    if !matches!(string(parts.jsonrpc), Ok(Some(JsonText(version))) if version == "2.0") {
        return Err(not_rpc(id, "\"jsonrpc\" is not \"2.0\""));
    }
    let method = match string(parts.method) {
        Ok(method) => method.map(|JsonText(method)| method),
        Err(_) => return Err(not_rpc(id, "the method is not a string")),
    };
    let params = match parts.params.map(RawValue::get) {
        None => Params::Absent,
        Some(text) if text.starts_with('{') => Params::Json(text),
        Some(_) => {
            return Err(match (id, &method) {
                (None, Some(method)) => foreign_notification(method, "an object"),
                (id, _) => not_rpc(id, "the parameters are not an object"),
            });
        }
    };
    match (method, id, parts.result, parts.error) {
        (Some(_), Some(Id::Null(())), ..) => Err(not_rpc(None, "the id of a request is null")),
        (Some(method), Some(id), None, None) => Ok(Message::Request { id, method, params }),
        (Some(method), None, None, None) => Ok(Message::Notification { method, params }),
        (None, Some(id), Some(result), None) => {
            Ok(Message::Response { id, outcome: Ok(Params::Json(result.get())) })
        }
        (None, Some(id), None, Some(error)) => {
            let error = Params::Json(error.get()).decode().unwrap_or_else(foreign_error);
            Ok(Message::Response { id, outcome: Err(error) })
        }
        (_, id, ..) => Err(not_rpc(id, "it has neither a method nor a result or error")),
    }
}

/// The id of a message; a float of 64 bits must hold a number exactly.
fn json_id(id: &RawValue) -> Option<Id> {
    serde_json::from_str(id.get()).ok().filter(|id| match id {
        Id::Number(number) => *number <= ID_NUMBER_MAX,
        Id::Text(text) => text.len() <= ID_BYTES_MAX,
        Id::Null(()) => true,
    })
}

/// A string, borrowed if nothing in it is escaped.
#[derive(Deserialize)]
struct JsonText<'a>(#[serde(borrow)] Cow<'a, str>);

/// Each field as it came: one that is wrong must not hide the id.
#[derive(Deserialize)]
struct JsonIn<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    // An id of null must be told apart from none.
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// How deep arrays and objects nest, brackets within strings aside.
fn json_depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0usize, false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// An error value of a peer that does not use our four fields.
fn foreign_error(problem: String) -> RpcError {
    RpcError::new(ErrorCode::Other(0), format!("the peer's error could not be read: {problem}"))
}

fn not_rpc(id: Option<Id>, problem: &str) -> DecodeError {
    DecodeError::NotRpc { id, problem: problem.to_owned() }
}

fn foreign_notification(method: &str, expected: &'static str) -> DecodeError {
    DecodeError::ForeignNotification { method: method.chars().take(64).collect(), expected }
}

/// An error's own words, cut to a length that may be sent.
fn plain(error: &dyn fmt::Display) -> String {
    let mut words = error.to_string();
    if let Some((cut, _)) = words.char_indices().nth(300) {
        words.truncate(cut);
    }
    words
}

/// Looks through a map's keys for one that only the server may say.
struct StampedKey(Option<&'static str>);

impl<'de> Deserialize<'de> for StampedKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = StampedKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StampedKey, A::Error> {
                let mut found = None;
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    map.next_value::<IgnoredAny>()?;
                    found = found.or(STAMPED_KEYS.iter().find(|stamped| **stamped == key).copied());
                }
                Ok(StampedKey(found))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<StampedKey, A::Error> {
                Ok(StampedKey(None))
            }
        }
        deserializer.deserialize_any(Keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::{Call, Empty, Say};

    const BOTH: [Encoding; 2] = [Encoding::MessagePack, Encoding::Json];

    fn say(text: &str) -> Say {
        Say {
            session: None,
            key: "k1".parse().unwrap(),
            text: text.into(),
            seen: None,
            confirm: false,
        }
    }

    #[test]
    fn a_request_comes_out_as_it_went_in() {
        for encoding in BOTH {
            let bytes = request(encoding, 7, "send", &say("Ç’est ça"));
            let Ok(Message::Request { id, method, params }) = decode(encoding, &bytes) else {
                panic!("{encoding:?}")
            };
            assert_eq!((id, &*method), (Id::Number(7), "send"));
            assert_eq!(params.decode(), Ok(say("Ç’est ça")));
        }
    }

    #[test]
    fn responses_carry_results_and_refusals() {
        for encoding in BOTH {
            let id = Id::Number(9);
            let bytes = response(encoding, &id, &Ok(Empty {}));
            assert!(matches!(
                decode(encoding, &bytes),
                Ok(Message::Response { id: Id::Number(9), outcome: Ok(_) })
            ));
            let refusal = RpcError::new(ErrorCode::Busy, "later");
            let bytes = response(encoding, &id, &Err::<Empty, _>(refusal.clone()));
            let Ok(Message::Response { outcome: Err(error), .. }) = decode(encoding, &bytes) else {
                panic!("{encoding:?}")
            };
            assert_eq!(error, refusal);
        }
    }

    #[test]
    fn a_forged_author_is_refused_by_name() {
        #[derive(Serialize)]
        struct Forged {
            key: &'static str,
            text: &'static str,
            author: &'static str,
        }
        for encoding in BOTH {
            let bytes =
                request(encoding, 1, "send", &Forged { key: "k", text: "t", author: "operator" });
            let Ok(Message::Request { method, params, .. }) = decode(encoding, &bytes) else {
                panic!("{encoding:?}")
            };
            let error = Call::decode(&method, &params).unwrap_err();
            assert_eq!(error.code, ErrorCode::ForgedField);
        }
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let text = br#"{"jsonrpc":"2.0","id":"a","method":"send","params":{"key":"k","text":"t","later":[1,2]}}"#;
        let Ok(Message::Request { method, params, .. }) = decode(Encoding::Json, text) else {
            panic!()
        };
        assert!(matches!(Call::decode(&method, &params), Ok(Call::Say(_))));
    }

    #[test]
    fn what_is_no_message_is_told_apart_from_what_is_no_value() {
        let not_rpc = |encoding, bytes: &[u8]| {
            matches!(decode(encoding, bytes), Err(DecodeError::NotRpc { .. }))
        };
        let malformed = |encoding, bytes: &[u8]| {
            matches!(decode(encoding, bytes), Err(DecodeError::Malformed(_)))
        };
        assert!(not_rpc(Encoding::MessagePack, &[0x01]));
        assert!(not_rpc(Encoding::MessagePack, &[0x93, 0x05, 0xa1, b'x', 0x90]));
        assert!(malformed(Encoding::MessagePack, &[0x94, 0x00]));
        assert!(malformed(Encoding::MessagePack, &[0x01, 0x01]));
        assert!(not_rpc(Encoding::Json, b"[]"));
        assert!(not_rpc(Encoding::Json, br#"{"jsonrpc":"2.0"}"#));
        assert!(malformed(Encoding::Json, b"{"));
        assert!(malformed(Encoding::Json, b"\xff"));
    }

    #[test]
    fn the_id_of_a_request_that_is_wrong_otherwise_is_still_told() {
        let Err(DecodeError::NotRpc { id, .. }) =
            decode(Encoding::MessagePack, &[0x94, 0, 5, 0x01, 0x90])
        else {
            panic!()
        };
        assert_eq!(id, Some(Id::Number(5)));
        let text = br#"{"jsonrpc":"2.0","id":"x","method":"send","params":[1]}"#;
        let Err(DecodeError::NotRpc { id, .. }) = decode(Encoding::Json, text) else { panic!() };
        assert_eq!(id, Some(Id::Text("x".into())));
    }

    #[test]
    fn the_method_of_a_notification_with_foreign_parameters_is_still_told() {
        let greeting = pack(&(2u8, "hello", ("client", 7, Empty {})));
        let text = br#"{"jsonrpc":"2.0","method":"hello","params":["client",7,{}]}"#;
        for (encoding, bytes) in BOTH.into_iter().zip([&greeting[..], text]) {
            assert!(matches!(
                decode(encoding, bytes),
                Err(DecodeError::ForeignNotification { method, .. }) if method == "hello"
            ));
        }
    }

    #[test]
    fn deep_json_is_refused_before_it_is_parsed() {
        let deep = format!("{}1{}", "[".repeat(17), "]".repeat(17));
        assert_eq!(
            decode(Encoding::Json, deep.as_bytes()).unwrap_err(),
            DecodeError::TooLarge(ScanError::TooDeep)
        );
        let text =
            br#"{"jsonrpc":"2.0","method":"typing","params":{"text":"[[[[[[[[[[[[[[[[[[\"[["}}"#;
        assert!(decode(Encoding::Json, text).is_ok());
    }

    #[test]
    fn unknown_events_are_carried_as_they_came() {
        use crate::event::{Event, EventBody};
        let text = r#"{"offset":3,"time":5,"author":{"kind":"system"},"body":{"type":"moon_landed","crew":["a","b"],"n":{"x":1}}}"#;
        let event: Event = serde_json::from_str(text).unwrap();
        assert!(matches!(event.body, EventBody::Unknown(_)));
        let packed = rmp_serde::to_vec_named(&event).unwrap();
        let again: Event = rmp_serde::from_slice(&packed).unwrap();
        assert_eq!(
            serde_json::to_value(&again).unwrap(),
            serde_json::from_str::<serde_json::Value>(text).unwrap()
        );
    }
}
