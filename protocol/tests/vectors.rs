//! The golden frames in `vectors/` stay readable and writable for ever: each decodes, means the
//! same in both encodings, and encodes back to the same bytes.
//!
//! Frames are only ever added: `VIGIE_VECTORS=add` writes those of the samples that have none.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::event::EventBody;
use vigie_protocol::method::*;
use vigie_protocol::push::*;
use vigie_protocol::rpc::{self, Encoding, Id, Message, Params};

use self::samples::{Group, Sample, samples};

#[path = "support/samples.rs"]
mod samples;

const ADD: &str = "VIGIE_VECTORS=add cargo test -p vigie-protocol --test vectors";

/// One golden frame.
#[derive(Debug, Serialize, Deserialize)]
struct Vector {
    name: String,
    /// For results: the method that they answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answers: Option<String>,
    messagepack: String,
    json: Box<RawValue>,
}

#[test]
fn every_vector_means_the_same_in_both_encodings_and_is_written_back_as_it_was() {
    for group in Group::ALL {
        for vector in add_missing(group) {
            eprintln!("{}: {}", group.file(), vector.name);
            check(group, &vector);
        }
    }
}

#[test]
fn every_type_of_message_has_a_vector() {
    let names = |group: Group, of: fn(&Vector) -> String| -> BTreeSet<String> {
        add_missing(group).iter().map(of).collect()
    };
    let method = |vector: &Vector| field(&json(vector), &["method"]);
    let has = |found: &BTreeSet<String>, what: &str, name: &str| {
        let advice = format!("add one to tests/support/samples.rs, then run\n{ADD}");
        assert!(found.contains(name), "{what} {name:?} has no vector: {advice}");
    };
    let requests = names(Group::Requests, method);
    let results = names(Group::Results, |vector| vector.answers.clone().unwrap());
    for name in Call::NAMES {
        has(&requests, "the request", name);
        has(&results, "the result of", name);
    }
    let mut notifications = names(Group::Notifications, method);
    notifications.extend(names(Group::Events, method));
    for name in Push::NAMES {
        has(&notifications, "the notification", name);
    }
    let events = names(Group::Events, |vector| field(&json(vector), &["params", "body", "type"]));
    for name in event_types() {
        has(&events, "the event", &name);
    }
    let errors = names(Group::Errors, |vector| field(&json(vector), &["error", "code"]));
    for code in ErrorCode::ALL {
        has(&errors, "the error", &code.number().to_string());
    }
    let byes = names(Group::Notifications, |vector| field(&json(vector), &["params", "code"]));
    for code in CloseCode::ALL {
        has(&byes, "the close code", &code.number().to_string());
    }
}

#[test]
fn names_of_vectors_are_not_used_twice() {
    for group in Group::ALL {
        let vectors = add_missing(group);
        let names: BTreeSet<&str> = vectors.iter().map(|vector| vector.name.as_str()).collect();
        assert_eq!(names.len(), vectors.len(), "{}", group.file());
    }
}

#[test]
fn what_others_may_write_differently_means_the_same() {
    let text = std::fs::read_to_string(path("tolerated.json")).unwrap();
    let tolerated: Vec<Tolerated> = serde_json::from_str(&text).unwrap();
    let vectors = [Group::Requests, Group::Results].map(add_missing);
    for frame in &tolerated {
        let means = vectors
            .iter()
            .flatten()
            .find(|vector| vector.name == frame.means && vector.answers == frame.answers)
            .unwrap_or_else(|| panic!("{}: there is no vector {:?}", frame.name, frame.means));
        let golden = Read::of(Encoding::Json, means.json.get().as_bytes());
        let bytes = match (&frame.messagepack, &frame.json) {
            (Some(hex), None) => (Encoding::MessagePack, from_hex(hex)),
            (None, Some(text)) => (Encoding::Json, text.clone().into_bytes()),
            _ => panic!("{}: one encoding each", frame.name),
        };
        let read = Read::of(bytes.0, &bytes.1);
        assert_eq!(
            typed(&read, frame.answers.as_deref()),
            typed(&golden, means.answers.as_deref()),
            "{}",
            frame.name
        );
        assert_eq!((read.kind, read.method), (golden.kind, golden.method), "{}", frame.name);
    }
}

/// A frame that this crate would not write, but reads.
#[derive(Debug, Deserialize)]
struct Tolerated {
    name: String,
    /// The vector that means the same.
    means: String,
    #[serde(default)]
    answers: Option<String>,
    #[serde(default)]
    messagepack: Option<String>,
    /// As text: white space and the order of keys count here.
    #[serde(default)]
    json: Option<String>,
}

/// A group's vectors, with those of the samples that were missing if that was asked for.
fn add_missing(group: Group) -> Vec<Vector> {
    static WRITING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = WRITING.lock();
    let path = path(group.file());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| "[]".into());
    let mut vectors: Vec<Vector> = serde_json::from_str(&text).expect("a list of vectors");
    let missing: Vec<Sample> = samples()
        .into_iter()
        .filter(|sample| sample.group == group)
        .filter(|sample| vectors.iter().all(|vector| vector.name != sample.name))
        .collect();
    if missing.is_empty() {
        return vectors;
    }
    let wanted = std::env::var_os("VIGIE_VECTORS").is_some_and(|value| value == "add");
    assert!(wanted, "{:?} has no vector yet; add it with\n{ADD}", missing[0].name);
    vectors.extend(missing.into_iter().map(Vector::from));
    std::fs::write(path, written(&vectors)).unwrap();
    vectors
}

/// The file's text: a field a line, each frame on one.
fn written(vectors: &[Vector]) -> String {
    let vectors: Vec<String> = vectors
        .iter()
        .map(|vector| {
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            let answers = vector.answers.as_deref().map_or_else(String::new, |method| {
                format!("\"answers\": {},\n    ", quoted(method))
            });
            format!(
                "  {{\n    \"name\": {},\n    {answers}\"messagepack\": {},\n    \"json\": {}\n  }}",
                quoted(&vector.name),
                quoted(&vector.messagepack),
                vector.json.get()
            )
        })
        .collect();
    format!("[\n{}\n]\n", vectors.join(",\n"))
}

impl From<Sample> for Vector {
    fn from(sample: Sample) -> Self {
        let json = String::from_utf8(sample.json).expect("JSON is UTF-8");
        Self {
            name: sample.name,
            answers: sample.answers.map(str::to_owned),
            messagepack: to_hex(&sample.messagepack),
            json: RawValue::from_string(json).expect("JSON"),
        }
    }
}

fn check(group: Group, vector: &Vector) {
    let answers = vector.answers.as_deref();
    let frames = [
        (Encoding::MessagePack, from_hex(&vector.messagepack)),
        (Encoding::Json, vector.json.get().as_bytes().to_vec()),
    ];
    let read = frames.clone().map(|(encoding, frame)| Read::of(encoding, &frame));
    assert_eq!(read[0].kind, read[1].kind);
    assert_eq!(read[0].method, read[1].method);
    assert_eq!(typed(&read[0], answers), typed(&read[1], answers), "both mean the same");
    let of_group = match group {
        Group::Requests => Kind::Request,
        Group::Results => Kind::Result,
        Group::Errors => Kind::Error,
        Group::Signals | Group::Notifications | Group::Events => Kind::Notification,
    };
    assert_eq!(read[0].kind, of_group);
    for ((encoding, frame), read) in frames.iter().zip(&read) {
        let again = rewritten(*encoding, read, answers);
        assert_eq!(&again, frame, "{encoding:?}: written back");
    }
}

/// A frame, decoded as far as its encoding goes.
struct Read {
    kind: Kind,
    method: Option<String>,
    id: Option<Id>,
    error: Option<RpcError>,
    /// Parameters or result, as bytes of `encoding`.
    content: Vec<u8>,
    encoding: Encoding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Result,
    Error,
    Notification,
}

impl Read {
    fn of(encoding: Encoding, frame: &[u8]) -> Self {
        let message = rpc::decode(encoding, frame).expect("a message");
        let content = |params: &Params<'_>| match params {
            Params::MessagePack(bytes) => bytes.to_vec(),
            Params::Json(text) => text.as_bytes().to_vec(),
            Params::Absent if encoding == Encoding::MessagePack => vec![0x80],
            Params::Absent => b"{}".to_vec(),
        };
        match message {
            Message::Request { id, method, params } => Self {
                kind: Kind::Request,
                method: Some(method.into_owned()),
                id: Some(id),
                error: None,
                content: content(&params),
                encoding,
            },
            Message::Notification { method, params } => Self {
                kind: Kind::Notification,
                method: Some(method.into_owned()),
                id: None,
                error: None,
                content: content(&params),
                encoding,
            },
            Message::Response { id, outcome: Ok(result) } => Self {
                kind: Kind::Result,
                method: None,
                id: Some(id),
                error: None,
                content: content(&result),
                encoding,
            },
            Message::Response { id, outcome: Err(error) } => Self {
                kind: Kind::Error,
                method: None,
                id: Some(id),
                error: Some(error),
                content: vec![],
                encoding,
            },
        }
    }

    fn read<T: DeserializeOwned>(&self) -> T {
        let params = match self.encoding {
            Encoding::MessagePack => Params::MessagePack(&self.content),
            Encoding::Json => Params::Json(str::from_utf8(&self.content).unwrap()),
        };
        params.decode().expect("what the method or notification holds")
    }
}

/// Does `$then` with `$T` as the type of the parameters that have this name.
macro_rules! by_name {
    ($name:expr, [$($type:ident),* $(,)?], $T:ident => $then:expr) => {
        match $name {
            $(name if name == $type::NAME => { type $T = $type; $then })*
            name => panic!("{name:?} is not in the test's table"),
        }
    };
}

macro_rules! by_method {
    ($name:expr, $T:ident => $then:expr) => {
        by_name!($name, [
            Connect, Ping, Refresh, Subscribe, Unsubscribe, History, Say, Typing, ViewPage,
            RequestHuman, Watch, Unwatch, TakeOver, Release, Transfer, Revoke, AddNote, Close,
            Operators, SetIntent, Serve, Draft, Answer, Fail, SetData, Rate, ReadPast,
        ], $T => $then)
    };
}

macro_rules! by_notification {
    ($name:expr, $T:ident => $then:expr) => {
        by_name!($name, [
            EventPush, Live, TypingSignal, DraftSignal, Turn, TurnRevoked, HandedBack, Problem,
            Status, Bye,
        ], $T => $then)
    };
}

/// What a frame says, once read as its type: both encodings must say the same.
fn typed(read: &Read, answers: Option<&str>) -> Value {
    match (read.kind, answers) {
        (Kind::Request, _) => by_method!(method(read), T => value(&read.read::<T>())),
        (Kind::Result, Some(answered)) => {
            by_method!(answered, T => value(&read.read::<<T as Method>::Result>()))
        }
        (Kind::Result, None) => panic!("a result names the method that it answers"),
        (Kind::Error, _) => value(&read.error),
        (Kind::Notification, _) if is_signal(read) => {
            by_method!(method(read), T => value(&read.read::<T>()))
        }
        (Kind::Notification, _) => {
            by_notification!(method(read), T => value(&read.read::<T>()))
        }
    }
}

/// The frame that this crate writes for what was read.
fn rewritten(encoding: Encoding, read: &Read, answers: Option<&str>) -> Vec<u8> {
    let number = match read.id {
        Some(Id::Number(number)) => number as u32,
        _ => 0,
    };
    match (read.kind, answers) {
        (Kind::Request, _) => by_method!(method(read), T => {
            rpc::request(encoding, number, T::NAME, &read.read::<T>())
        }),
        (Kind::Result, Some(answered)) => by_method!(answered, T => {
            let result = Ok(read.read::<<T as Method>::Result>());
            rpc::response(encoding, read.id.as_ref().unwrap(), &result)
        }),
        (Kind::Result, None) => panic!("a result names the method that it answers"),
        (Kind::Error, _) => {
            let error: Result<Empty, _> = Err(read.error.clone().unwrap());
            rpc::response(encoding, read.id.as_ref().unwrap(), &error)
        }
        (Kind::Notification, _) if is_signal(read) => by_method!(method(read), T => {
            rpc::notification(encoding, T::NAME, &read.read::<T>())
        }),
        (Kind::Notification, _) => by_notification!(method(read), T => {
            rpc::notification(encoding, T::NAME, &read.read::<T>())
        }),
    }
}

/// Whether a notification is a client's: `typing` and `draft` go both ways, and only the server's
/// `typing` has an author; its `draft` has no epoch.
fn is_signal(read: &Read) -> bool {
    let params: Value = read.read();
    match method(read) {
        "ping" => true,
        "typing" => params.get("author").is_none(),
        "draft" => params.get("epoch").is_some(),
        _ => false,
    }
}

fn method(read: &Read) -> &str {
    read.method.as_deref().expect("requests and notifications have a method")
}

fn value<T: Serialize + Debug>(of: &T) -> Value {
    serde_json::to_value(of).unwrap()
}

/// Every type of event that this version knows, out of the schema.
fn event_types() -> Vec<String> {
    let schema = value(&schemars::schema_for!(EventBody));
    let known: Vec<String> = ["oneOf", "anyOf"]
        .iter()
        .filter_map(|list| schema.get(list)?.as_array())
        .flatten()
        .filter_map(|variant| Some(variant.pointer("/properties/type/const")?.as_str()?.to_owned()))
        .collect();
    assert!(known.len() >= 10, "the schema lists the types of events: {schema:#}");
    known
}

fn json(vector: &Vector) -> Value {
    serde_json::from_str(vector.json.get()).unwrap()
}

/// The text or number at a path, or nothing.
fn field(value: &Value, path: &[&str]) -> String {
    let found = path.iter().try_fold(value, |value, key| value.get(key));
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().map(|digit| digit.to_digit(16).expect("a hexadecimal digit") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
