//! `SPEC.md` says what the code says: its tables name every method and code, its rules are numbered
//! without repeat, and its worked exchange is what the codec really writes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::event::{
    Author, ChatMessage, Choice, ChoiceAction, Control, ControlCause, ControlChange, EventBody,
    Holder, Millis,
};
use vigie_protocol::id::{SessionId, VisitorId};
use vigie_protocol::method::{
    Call, Connect, Connected, Done, Empty, Identity, Method, Ping, Say, Subscribe, Subscribed,
};
use vigie_protocol::push::{Bye, EventPush, Notification, Push, TypingSignal};
use vigie_protocol::rpc::{self, Encoding, Id, Message};

use self::annotate::annotate;

#[path = "support/annotate.rs"]
mod annotate;

const BEGIN: &str = "<!-- exchange: begin -->\n";
const END: &str = "<!-- exchange: end -->\n";

#[test]
fn the_worked_exchange_is_what_the_codec_writes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("SPEC.md");
    let spec = spec();
    let (before, rest) = spec.split_once(BEGIN).expect("SPEC.md marks where the exchange begins");
    let (written, after) = rest.split_once(END).expect("SPEC.md marks where the exchange ends");
    let made = format!("\n```text\n{}```\n\n", exchange());
    if std::env::var_os("VIGIE_SPEC").is_some_and(|value| value == "write") {
        std::fs::write(path, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
    } else if written != made {
        panic!(
            "the exchange in protocol/SPEC.md is stale; refresh it with\n\
             VIGIE_SPEC=write cargo test -p vigie-protocol --test spec"
        );
    }
}

#[test]
fn every_method_notification_and_code_stands_in_a_table() {
    let spec = spec();
    let lacks = |what: String| assert!(spec.contains(&what), "SPEC.md lacks {what:?}");
    for name in Call::NAMES {
        lacks(format!("\n**`{name}`**"));
    }
    for name in Push::NAMES {
        lacks(format!("\n| `{name}` |"));
    }
    for code in ErrorCode::ALL {
        let retry = if code.retry() { "yes" } else { "no" };
        lacks(format!("\n| {} | `{}` | {retry} |", code.number(), code.name()));
    }
    for code in CloseCode::ALL {
        let reconnect = if code.reconnect() { "yes" } else { "no" };
        lacks(format!("\n| {} | `{}` | {reconnect} |", code.number(), code.reason()));
    }
}

#[test]
fn every_limit_in_the_code_is_the_limit_in_the_table() {
    let spec = spec();
    let lacks = |row: String| assert!(spec.contains(&row), "SPEC.md lacks {row:?}");
    let grouped = |number: usize| match (number / 1_000_000, number / 1000 % 1000, number % 1000) {
        (0, 0, ones) => ones.to_string(),
        (0, thousands, ones) => format!("{thousands},{ones:03}"),
        (millions, thousands, ones) => format!("{millions},{thousands:03},{ones:03}"),
    };
    lacks(format!(
        "| a client's message | {} bytes, {} levels |",
        grouped(vigie_protocol::MESSAGE_BYTES_MAX),
        vigie_protocol::MESSAGE_DEPTH_MAX
    ));
    lacks(format!("note, draft | {} bytes |", grouped(vigie_protocol::TEXT_BYTES_MAX)));
    lacks(format!("language, reason | {} bytes |", grouped(vigie_protocol::LINE_BYTES_MAX)));
    lacks(format!("id in text | {} bytes |", vigie_protocol::KEY_BYTES_MAX));
    lacks(format!("| `search` of a window | {} bytes |", vigie_protocol::SEARCH_BYTES_MAX));
    lacks(format!(
        "| the server's message | {} bytes, {} levels |",
        grouped(vigie_protocol::ANSWER_BYTES_MAX),
        vigie_protocol::MESSAGE_DEPTH_MAX
    ));
    lacks(format!(
        "| choices of one message; a choice's label | {}; {} bytes |",
        vigie_protocol::CHOICES_MAX,
        vigie_protocol::CHOICE_BYTES_MAX
    ));
    lacks(format!("| cards in a window (`first`) | {} (", vigie_protocol::WINDOW_FIRST_MAX));
    lacks(format!(
        "| cards before a window (`skip`) | {} |",
        grouped(vigie_protocol::WINDOW_SKIP_MAX as usize)
    ));
    lacks(format!(
        "| alerts, quiet sessions of one `live` | {}, {} |",
        vigie_protocol::ALERTS_MAX,
        vigie_protocol::QUIET_MAX
    ));
    lacks(format!("| sessions in a `past` page (`limit`) | {} (", vigie_protocol::PAST_PAGE_MAX));
    lacks(format!(
        "| entries of `data`; a key, a value | {}; {} bytes, {} bytes |",
        vigie_protocol::DATA_ENTRIES_MAX,
        vigie_protocol::DATA_KEY_BYTES_MAX,
        vigie_protocol::DATA_VALUE_BYTES_MAX
    ));
    lacks(format!("| ratings of a session | {} |", vigie_protocol::RATINGS_MAX));
    lacks(format!("| `score` | 1 to {},", vigie_protocol::RATING_SCORE_MAX));
    lacks(format!("| events in a history page (`limit`) | {} (", vigie_protocol::HISTORY_PAGE_MAX));
}

#[test]
fn rules_are_numbered_in_order_and_without_repeat() {
    let mut last = std::collections::BTreeMap::new();
    let mut areas = BTreeSet::new();
    for rule in spec().lines().filter_map(|line| line.strip_prefix("- **")) {
        let Some((rule, _)) = rule.split_once("**") else { continue };
        let (area, number) = rule.split_at(2);
        let number: u32 = number.parse().unwrap_or_else(|_| panic!("{rule} is no rule's name"));
        let before = last.insert(area.to_owned(), number).unwrap_or(0);
        assert!(number > before, "{rule} comes after {area}{before}");
        areas.insert(area.to_owned());
    }
    assert!(areas.len() > 10, "SPEC.md has rules: {areas:?}");
}

#[test]
fn rules_are_cited_by_names_that_exist() {
    let spec = spec();
    let rules: BTreeSet<&str> = spec
        .lines()
        .filter_map(|line| line.strip_prefix("- **")?.split_once("**"))
        .map(|(rule, _)| rule)
        .collect();
    let areas: BTreeSet<&str> = rules.iter().map(|rule| &rule[..2]).collect();
    for word in spec.split(|c: char| !c.is_ascii_alphanumeric()) {
        let is_rule = word.len() > 2
            && word.is_char_boundary(2)
            && areas.contains(&word[..2])
            && word[2..].bytes().all(|b| b.is_ascii_digit());
        assert!(!is_rule || rules.contains(word), "SPEC.md cites {word}, which it does not have");
    }
}

fn spec() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("SPEC.md");
    std::fs::read_to_string(path).expect("SPEC.md stands beside the crate")
}

const NOON: Millis = 1_767_268_800_000;

/// The whole exchange, annotated.
fn exchange() -> String {
    let mut exchange = Exchange::default();
    greet(&mut exchange);
    ask(&mut exchange);
    take_over(&mut exchange);
    end(&mut exchange);
    exchange.text
}

fn greet(exchange: &mut Exchange) {
    let connect = Connect {
        protocol: 1,
        agent: Some("acme-cli/1.0".into()),
        site: Some("demo".into()),
        language: Some("en".into()),
        ..Connect::default()
    };
    exchange.request(1, "The first request names the site.", &connect);
    let control = Control { epoch: 1, holder: Holder::Bot {}, since: NOON };
    let connected = Connected {
        protocol: 1,
        features: vec![],
        server: "vigie/0.1.0".into(),
        time: NOON,
        heartbeat: 25_000,
        generation: None,
        identity: Identity::Visitor {
            site: "demo".parse().unwrap(),
            visitor: visitor(),
            session: session(),
            resume: "private-token".into(),
            offset: 0,
            control: control.clone(),
        },
    };
    exchange.answer(1, "A new visitor, in a new session. `resume` is kept.", Ok(connected));
    exchange.request(2, "Everything from the beginning.", &Subscribe::default());
    let subscribed = Subscribed { session: session(), offset: 0, control, card: None };
    exchange.answer(2, "Nothing to catch up with.", Ok(subscribed));
}

fn ask(exchange: &mut Exchange) {
    exchange.request(3, "The visitor asks. The key is random in real life.", &question());
    let asked = message(1, question().text, |message| message.key = "k1".parse().ok());
    exchange.event(
        2,
        0,
        Author::Visitor {},
        asked,
        "Their own message. Visitors do not see offset 1, so prev is 0.",
    );
    exchange.answer(3, "It is on disk. (May also come before the event.)", Ok(done(2, 1)));
    let answered = message(1, "Two to four days.".into(), |message| {
        message.turn = Some(2);
        message.choices =
            vec![Choice { label: "Ask a human".into(), action: ChoiceAction::RequestHuman }];
    });
    exchange.event(3, 2, Author::Bot { name: "Bo".into() }, answered, "The bot answers.");
    exchange.server_asks(1, "The server wants a sign of life. Its ids are its own.", &Ping {});
    exchange.client_answers(1, "It gets one.");
}

fn take_over(exchange: &mut Exchange) {
    let change = EventBody::ControlChanged(ControlChange {
        epoch: 2,
        holder: Holder::Operator { id: None, name: "Ann".into() },
        previous: Holder::Bot {},
        cause: ControlCause::TakeOver,
        reason: None,
        notice: Some("Ann has joined the conversation.".into()),
    });
    exchange.event(
        5,
        3,
        ann(),
        change,
        "Ann takes over. Offset 4 was her note: no gap, for prev is 3.",
    );
    let typing = TypingSignal { session: session(), author: ann(), text: None };
    exchange.notify("A signal: Ann is typing.", &typing);
    let said = message(2, "Hello, this is Ann.".into(), |_| {});
    exchange.event(6, 5, ann(), said, "Ann says something, under epoch 2.");
}

fn end(exchange: &mut Exchange) {
    exchange.request(4, "A retry of request 3: same key, same text.", &question());
    exchange.answer(
        4,
        "Nothing is appended: the same offset, and the epoch in force now.",
        Ok(done(2, 2)),
    );
    let forged = Forged { key: "k2", text: "Hi", author: "bot" };
    exchange.sent("→", "The client tries to say who speaks.", |encoding| {
        rpc::request(encoding, 5, Say::NAME, &forged)
    });
    let refusal = RpcError::new(ErrorCode::ForgedField, "\"author\" is stamped; leave it out")
        .with_data(serde_json::json!({ "field": "author" }));
    exchange.answer::<Done>(5, "It is refused; the connection stays.", Err(refusal));
    let code = CloseCode::GoingAway;
    let bye =
        Bye { code: code.number(), reason: code.reason().into(), reconnect: code.reconnect() };
    exchange.notify("The node shuts down. The stream ends after this.", &bye);
}

#[derive(Serialize)]
struct Forged {
    key: &'static str,
    text: &'static str,
    author: &'static str,
}

fn visitor() -> VisitorId {
    "6f1d3c52-9a0b-4e57-8c11-2f5a7d9e0b34".parse().unwrap()
}

fn session() -> SessionId {
    SessionId::nth(visitor(), 1)
}

fn ann() -> Author {
    Author::Operator { id: None, name: "Ann".into() }
}

fn question() -> Say {
    Say {
        session: None,
        key: "k1".parse().unwrap(),
        text: "How long is shipping?".into(),
        seen: None,
        confirm: false,
    }
}

fn message(epoch: u64, text: String, more: impl FnOnce(&mut ChatMessage)) -> EventBody {
    let mut message = ChatMessage { text, epoch, key: None, turn: None, choices: vec![] };
    more(&mut message);
    EventBody::Message(message)
}

const fn done(offset: u64, epoch: u64) -> Done {
    Done { offset, epoch }
}

/// Writes messages down as they are sent, and reads each again as its receiver would.
#[derive(Default)]
struct Exchange {
    text: String,
    count: usize,
}

impl Exchange {
    fn request<M: Method>(&mut self, id: u32, note: &str, params: &M) {
        self.sent("→", note, |encoding| rpc::request(encoding, id, M::NAME, params));
    }

    fn server_asks<M: Method>(&mut self, id: u32, note: &str, params: &M) {
        self.sent("←", note, |encoding| rpc::request(encoding, id, M::NAME, params));
    }

    fn answer<T: Serialize>(&mut self, id: u64, note: &str, outcome: Result<T, RpcError>) {
        self.sent("←", note, |encoding| rpc::response(encoding, &Id::Number(id), &outcome));
    }

    fn client_answers(&mut self, id: u64, note: &str) {
        self.sent("→", note, |encoding| rpc::response(encoding, &Id::Number(id), &Ok(Empty {})));
    }

    fn notify<N: Notification>(&mut self, note: &str, params: &N) {
        self.sent("←", note, |encoding| rpc::notification(encoding, N::NAME, params));
    }

    fn event(&mut self, offset: u64, prev: u64, author: Author, body: EventBody, note: &str) {
        let time = NOON + offset * 1000;
        let push = EventPush { session: session(), offset, prev, time, author, body };
        self.notify(note, &push);
    }

    fn sent(&mut self, arrow: &str, note: &str, encode: impl Fn(Encoding) -> Vec<u8>) {
        let bytes = encode(Encoding::MessagePack);
        match rpc::decode(Encoding::MessagePack, &bytes).expect("a message") {
            Message::Notification { method, params } => {
                let push = Push::decode(&method, &params).expect("a notification");
                assert!(!matches!(push, Push::Unknown(_)));
            }
            Message::Request { method, params, .. } => {
                let forged = params.stamped_key().is_some() && method != Connect::NAME;
                assert_eq!(Call::decode(&method, &params).is_err(), forged, "{method}");
            }
            Message::Response { .. } => {}
        }
        self.count += 1;
        if self.count > 1 {
            self.text.push('\n');
        }
        self.text.push_str(&format!("{arrow} {}. {note} {} bytes.\n", self.count, bytes.len()));
        self.text.push_str(&annotate(&bytes));
    }
}
