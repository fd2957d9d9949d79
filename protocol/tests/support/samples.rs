//! One message of every type, and more where a type has several shapes. `vectors.rs` makes golden
//! frames of those that have none yet.

use serde_json::json;
use vigie_protocol::card::{
    Alert, AlertKind, Alerts, BotState, Card, LastMessage, Show, Sort, Speaker, Totals, Window,
};
use vigie_protocol::error::{CloseCode as Closing, ErrorCode, RpcError};
use vigie_protocol::event::{
    Author, BotFailure, ChatMessage, Choice, ChoiceAction, CloseCause, Control, ControlCause,
    ControlChange, CustomData, Device, Event, EventBody, Holder, Millis, Offset, Page, Rating,
    VisitorContext,
};
use vigie_protocol::id::{Key, SessionId, VisitorId};
use vigie_protocol::method::*;
use vigie_protocol::push::*;
use vigie_protocol::rpc::{self, Encoding, Id};

/// A message, encoded both ways.
pub struct Sample {
    /// The file that it stands in.
    pub group: Group,
    /// Names it within its group.
    pub name: String,
    /// For results: the method that they answer.
    pub answers: Option<&'static str>,
    pub messagepack: Vec<u8>,
    pub json: Vec<u8>,
}

/// What the messages of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Requests,
    Results,
    Errors,
    Signals,
    Notifications,
    Events,
}

impl Group {
    pub const ALL: [Self; 6] = [
        Self::Requests,
        Self::Results,
        Self::Errors,
        Self::Signals,
        Self::Notifications,
        Self::Events,
    ];

    pub const fn file(self) -> &'static str {
        match self {
            Self::Requests => "requests.json",
            Self::Results => "results.json",
            Self::Errors => "errors.json",
            Self::Signals => "signals.json",
            Self::Notifications => "notifications.json",
            Self::Events => "events.json",
        }
    }
}

/// Every sample.
pub fn samples() -> Vec<Sample> {
    let mut samples = vec![];
    samples.extend(connecting());
    samples.extend(conversing());
    samples.extend(controlling());
    samples.extend(operating());
    samples.extend(answering());
    samples.extend(results());
    samples.extend(more_results());
    samples.extend(errors());
    samples.extend(signals());
    samples.extend(notifications());
    samples.extend(turns());
    samples.extend(events());
    samples.extend(changes_of_control());
    samples
}

fn connecting() -> Vec<Sample> {
    vec![
        request(
            "connect: a visitor with all they can say",
            &Connect {
                protocol: 1,
                features: vec!["moonlight".into()],
                agent: Some("acme-widget/2.1".into()),
                token: None,
                site: Some("pk-demo".into()),
                resume: Some("private-token".into()),
                page: Some(page()),
                referrer: Some("https://search.example/?q=shoes".into()),
                language: Some("fr-CA".into()),
                device: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0".into()),
                data: None,
            },
        ),
        request(
            "connect: a visitor, in short",
            &Connect { protocol: 1, site: Some("pk-demo".into()), ..Connect::default() },
        ),
        request(
            "connect: a visitor of whom the page tells something",
            &Connect {
                protocol: 1,
                site: Some("pk-demo".into()),
                data: Some(data()),
                ..Connect::default()
            },
        ),
        request(
            "connect: an operator or bot",
            &Connect {
                protocol: 1,
                token: Some("header.claims.signature".into()),
                ..Connect::default()
            },
        ),
        request("ping", &Ping {}),
        request("refresh", &Refresh { token: "header.claims.signature".into() }),
    ]
}

fn conversing() -> Vec<Sample> {
    vec![
        request("subscribe: a visitor, from the beginning", &Subscribe::default()),
        request(
            "subscribe: a session, from an offset",
            &Subscribe { session: Some(session()), offset: 300 },
        ),
        request("unsubscribe", &Unsubscribe { session: session() }),
        request("history: a visitor, the first page", &History::default()),
        request(
            "history: a session, a further page",
            &History { session: Some(session()), after: 70_000, limit: 500 },
        ),
        request(
            "send: a visitor",
            &Say {
                session: None,
                key: key(),
                text: "Où est ma commande ? 📦".into(),
                seen: None,
                confirm: false,
            },
        ),
        request(
            "send: an operator who confirms",
            &Say {
                session: Some(session()),
                key: key(),
                text: "It leaves today.".into(),
                seen: Some(12),
                confirm: true,
            },
        ),
        request("page", &ViewPage { url: page().url, title: page().title }),
        request("page: without a title", &ViewPage { url: page().url, title: None }),
        request("request_human", &RequestHuman {}),
        request("set_data", &SetData { data: data() }),
        request("set_data: nothing any more", &SetData::default()),
        request("rate", &Rate { score: 5, comment: Some("Vite et bien fait, merci !".into()) }),
        request("rate: without a comment", &Rate { score: 1, comment: None }),
        request("close: a visitor", &Close { session: None }),
    ]
}

fn controlling() -> Vec<Sample> {
    vec![
        request("take_over", &TakeOver { session: session(), force: false, reason: None }),
        request(
            "take_over: by force",
            &TakeOver { session: session(), force: true, reason: Some("Ann is at lunch".into()) },
        ),
        request("release", &Release { session: session() }),
        request(
            "transfer",
            &Transfer {
                session: session(),
                to: "bob@shop".parse().unwrap(),
                reason: Some("speaks French".into()),
            },
        ),
        request("revoke", &Revoke { session: session(), reason: "closing time".into() }),
        request(
            "note",
            &AddNote { session: session(), key: key(), text: "A good customer.".into() },
        ),
        request("close", &Close { session: Some(session()) }),
    ]
}

fn operating() -> Vec<Sample> {
    let window =
        |show, sort| Watch { window: Window { show, sort, first: 50, ..Window::default() } };
    let ringing = |skip, alerts| Watch { window: Window { skip, alerts, ..Window::default() } };
    vec![
        request("watch: the default window", &Watch::default()),
        request(
            "watch: a search",
            &Watch {
                window: Window {
                    show: Show::Waiting,
                    search: Some("paris firefox".into()),
                    sort: Sort::Waiting,
                    first: 500,
                    ..Window::default()
                },
            },
        ),
        request("watch: the bot's, the oldest first", &window(Show::Bot, Sort::Oldest)),
        request("watch: mine, by activity", &window(Show::Mine, Sort::Activity)),
        request("watch: others', the newest first", &window(Show::Others, Sort::Newest)),
        request("watch: further down, with new conversations rung", &ringing(9_950, Alerts::New)),
        request("watch: with every message of a visitor rung", &ringing(0, Alerts::All)),
        request("unwatch", &Unwatch {}),
        request(
            "past: the latest three",
            &ReadPast { session: session(), before: None, limit: None },
        ),
        request(
            "past: further back",
            &ReadPast { session: session(), before: Some(300), limit: Some(20) },
        ),
        request("operators", &Operators {}),
        request("set_intent: away", &SetIntent { intent: Intent::Away }),
        request("set_intent: available", &SetIntent { intent: Intent::Available }),
    ]
}

fn answering() -> Vec<Sample> {
    vec![
        request("serve", &Serve {}),
        request("draft", &draft()),
        request("typing", &Typing { session: Some(session()), text: None }),
        request(
            "answer: with choices",
            &Answer {
                session: session(),
                epoch: 1,
                turn: 2,
                text: "Two to four days.".into(),
                choices: choices(),
            },
        ),
        request(
            "answer: without",
            &Answer {
                session: session(),
                epoch: 3,
                turn: 130,
                text: "Yes.".into(),
                choices: vec![],
            },
        ),
        request(
            "fail",
            &Fail { session: session(), epoch: 1, turn: 2, reason: Some("no model".into()) },
        ),
        request(
            "fail: without a reason",
            &Fail { session: session(), epoch: 1, turn: 2, reason: None },
        ),
    ]
}

fn results() -> Vec<Sample> {
    let connected = |identity| Connected {
        protocol: 1,
        features: vec![],
        server: "vigie/0.1.0".into(),
        time: NOON,
        heartbeat: 25_000,
        generation: None,
        identity,
    };
    let site = || "demo".parse().unwrap();
    vec![
        result::<Connect>(
            "connect: a visitor",
            &connected(Identity::Visitor {
                site: site(),
                visitor: visitor(),
                session: session(),
                resume: "private-token".into(),
                offset: 7,
                control: held(None),
            }),
        ),
        result::<Connect>(
            "connect: an operator",
            &connected(Identity::Operator {
                site: site(),
                id: "ann".parse().unwrap(),
                name: "Ann".into(),
                rank: Rank::Supervisor,
                expires: NOON + 3_600_000,
            }),
        ),
        result::<Connect>(
            "connect: a bot",
            &connected(Identity::Bot {
                site: site(),
                id: "bo".into(),
                name: "Bo".into(),
                expires: NOON + 3_600_000,
            }),
        ),
        result::<Connect>(
            "connect: an operator, in a cluster",
            &Connected {
                generation: Some(3),
                ..connected(Identity::Operator {
                    site: site(),
                    id: "ann".parse().unwrap(),
                    name: "Ann".into(),
                    rank: Rank::Agent,
                    expires: NOON + 3_600_000,
                })
            },
        ),
        result::<Ping>("ping", &Empty {}),
        result::<Refresh>("refresh", &Refreshed { expires: NOON + 7_200_000 }),
        result::<Subscribe>(
            "subscribe: a visitor",
            &Subscribed { session: session(), offset: 0, control: by_bot(), card: None },
        ),
        result::<Subscribe>(
            "subscribe: an operator",
            &Subscribed {
                session: session(),
                offset: 7,
                control: held(Some("ann")),
                card: Some(card()),
            },
        ),
        result::<Unsubscribe>("unsubscribe", &Empty {}),
        result::<History>(
            "history: more follows",
            &HistoryPage { events: vec![said_by_visitor(2), said_by_bot(3)], next: Some(3) },
        ),
        result::<History>("history: the end", &HistoryPage { events: vec![], next: None }),
    ]
}

fn more_results() -> Vec<Sample> {
    let operator = |id: &str, name: &str, rank, intent, sessions| OperatorCard {
        id: id.parse().unwrap(),
        name: name.into(),
        rank,
        intent,
        connected: true,
        sessions,
    };
    vec![
        result::<Say>("send", &done(2, 1)),
        result::<Typing>("typing", &Empty {}),
        result::<ViewPage>("page", &done(300, 1)),
        result::<RequestHuman>("request_human", &done(4, 1)),
        result::<Watch>(
            "watch",
            &Watching { revision: 41, cards: vec![card(), small_card()], totals: totals() },
        ),
        result::<Watch>(
            "watch: nobody there",
            &Watching { revision: 0, cards: vec![], totals: Totals::default() },
        ),
        result::<Unwatch>("unwatch", &Empty {}),
        result::<TakeOver>("take_over", &done(5, 2)),
        result::<Release>("release", &done(9, 3)),
        result::<Transfer>("transfer", &done(10, 4)),
        result::<Revoke>("revoke", &done(11, 5)),
        result::<AddNote>("note", &done(12, 5)),
        result::<Close>("close", &done(100_000, 70_000)),
        result::<SetData>("set_data", &done(2, 1)),
        result::<Rate>("rate", &done(130, 4)),
        result::<ReadPast>("past: more follow", &past()),
        result::<ReadPast>("past: nothing further back", &Past { sessions: vec![], next: None }),
        result::<Watch>(
            "watch: a visitor who has been here before and asks",
            &Watching { revision: 1, cards: vec![asking_card()], totals: totals() },
        ),
        result::<Operators>(
            "operators",
            &OperatorList {
                operators: vec![
                    operator("ann", "Ann", Rank::Agent, Intent::Available, 2),
                    operator("bob@shop", "Bob", Rank::Supervisor, Intent::Away, 0),
                    operator("c3", "Céline", Rank::Admin, Intent::Available, 0),
                ],
            },
        ),
        result::<SetIntent>("set_intent", &Empty {}),
        result::<Serve>("serve", &Empty {}),
        result::<Draft>("draft", &Empty {}),
        result::<Answer>("answer", &done(3, 1)),
        result::<Fail>("fail", &done(3, 1)),
    ]
}

/// Every code, with the details that the table in SPEC.md names.
fn errors() -> Vec<Sample> {
    let control = json!(held(Some("ann")));
    ErrorCode::ALL
        .iter()
        .map(|code| {
            let error = RpcError::new(*code, format!("what a human reads of {}", code.name()));
            let error = match code {
                ErrorCode::UnsupportedVersion => error.with_data(json!({ "supported": [1] })),
                ErrorCode::ForgedField => error.with_data(json!({ "field": "author" })),
                ErrorCode::OffsetAhead => error.with_data(json!({ "head": 7 })),
                ErrorCode::Held | ErrorCode::NotInControl => error.with_data(control.clone()),
                ErrorCode::StaleEpoch => error.with_data(json!({ "epoch": 2 })),
                ErrorCode::StaleTurn => error.with_data(json!({ "turn": null })),
                ErrorCode::Unseen => error.with_data(json!({ "head": 7, "unseen": 1 })),
                ErrorCode::KeyReused => error.with_data(json!({ "offset": 2 })),
                _ => error,
            };
            let outcome: Result<Empty, _> = Err(error);
            sample(Group::Errors, code.name(), None, |encoding| {
                rpc::response(encoding, &Id::Number(7), &outcome)
            })
        })
        .collect()
}

fn signals() -> Vec<Sample> {
    vec![
        signal("typing: an operator", &Typing { session: Some(session()), text: None }),
        signal("typing: a visitor", &Typing { session: None, text: Some("Where is my o".into()) }),
        signal(
            "typing: a visitor who stopped",
            &Typing { session: None, text: Some(String::new()) },
        ),
        signal("draft", &draft()),
        signal("ping", &Ping {}),
    ]
}

fn notifications() -> Vec<Sample> {
    let typing = |author, text: Option<&str>| TypingSignal {
        session: session(),
        author,
        text: text.map(str::to_owned),
    };
    let mut samples = vec![
        notification(
            "live: one changed, one gone",
            &Live { upsert: vec![card()], remove: vec![session()], ..live(42) },
        ),
        notification("live: only the totals", &live(43)),
        notification(
            "live: it rings",
            &Live {
                upsert: vec![asking_card()],
                alerts: [AlertKind::Waiting, AlertKind::New, AlertKind::Message]
                    .map(|kind| Alert { kind, card: asking_card() })
                    .into(),
                ..live(44)
            },
        ),
        notification("live: it rings no more", &Live { quiet: vec![session()], ..live(45) }),
        notification("typing: the visitor", &typing(Author::Visitor {}, Some("Where is my o"))),
        notification("typing: an operator, to the visitor", &typing(operator(None), None)),
        notification("draft", &DraftSignal { session: session(), turn: 2, text: "Two to".into() }),
        notification(
            "error",
            &Problem {
                method: "send".into(),
                error: RpcError::new(ErrorCode::InvalidRequest, "send it as a request"),
            },
        ),
        notification("status: degraded", &Status { degraded: true }),
        notification("status: well again", &Status { degraded: false }),
    ];
    samples.extend(Closing::ALL.iter().map(|code| {
        let bye =
            Bye { code: code.number(), reason: code.reason().into(), reconnect: code.reconnect() };
        notification(&format!("bye: {}", code.reason()), &bye)
    }));
    samples
}

fn turns() -> Vec<Sample> {
    let revoked = |name: &str, reason| {
        notification(name, &TurnRevoked { session: session(), turn: 2, epoch: 2, reason })
    };
    vec![
        notification(
            "turn",
            &Turn {
                session: session(),
                epoch: 1,
                turn: 4,
                language: Some("en-GB".into()),
                messages: vec![
                    without_key(said_by_visitor(2)),
                    said_by_bot(3),
                    without_key(said_by_visitor(4)),
                ],
                timeout: 30_000,
            },
        ),
        notification(
            "turn: in an unknown language",
            &Turn {
                session: session(),
                epoch: 1,
                turn: 2,
                language: None,
                messages: vec![without_key(said_by_visitor(2))],
                timeout: 30_000,
            },
        ),
        revoked("turn_revoked: taken over", RevokeReason::TakenOver),
        revoked("turn_revoked: superseded", RevokeReason::Superseded),
        revoked("turn_revoked: timeout", RevokeReason::Timeout),
        revoked("turn_revoked: closed", RevokeReason::Closed),
        notification(
            "handed_back",
            &HandedBack {
                session: session(),
                epoch: 3,
                messages: vec![
                    at(
                        5,
                        operator(None),
                        change(2, ann(None), Holder::Bot {}, ControlCause::TakeOver),
                    ),
                    at(6, operator(None), message("Hello, this is Ann.", 2)),
                    at(
                        7,
                        operator(None),
                        change(3, Holder::Bot {}, ann(None), ControlCause::Release),
                    ),
                ],
                truncated: false,
            },
        ),
        notification(
            "handed_back: without its beginning",
            &HandedBack { session: session(), epoch: 3, messages: vec![], truncated: true },
        ),
    ]
}

fn events() -> Vec<Sample> {
    let failed = |reason, detail: Option<&str>| EventBody::BotFailed {
        epoch: 1,
        turn: 2,
        reason,
        detail: detail.map(str::to_owned),
    };
    let later = json!({ "crew": ["a", "b"], "type": "moon_landed" });
    let serde_json::Value::Object(later) = later else { unreachable!("it is an object") };
    vec![
        event(
            "session_started",
            1,
            Author::System {},
            EventBody::SessionStarted { visitor: visitor(), ordinal: 2, context: context() },
        ),
        event(
            "session_started: little is known",
            1,
            Author::System {},
            EventBody::SessionStarted {
                visitor: visitor(),
                ordinal: 1,
                context: VisitorContext::default(),
            },
        ),
        event(
            "visitor_returned",
            8,
            Author::System {},
            EventBody::VisitorReturned { context: context() },
        ),
        event("visitor_left", 7, Author::System {}, EventBody::VisitorLeft {}),
        event("page_viewed", 3, Author::Visitor {}, EventBody::PageViewed { page: page() }),
        pushed("message: a visitor's, to the visitor", said_by_visitor(2)),
        pushed("message: the bot's, with choices", said_by_bot(3)),
        event("message: an operator's, to the visitor", 6, operator(None), message("Hello!", 2)),
        event(
            "message: an operator's, to operators",
            6,
            operator(Some("ann")),
            with_key("Hello!", 2),
        ),
        event(
            "note",
            4,
            operator(Some("ann")),
            EventBody::Note { text: "A good customer.".into(), key: Some(key()) },
        ),
        event("human_requested", 5, Author::Visitor {}, EventBody::HumanRequested {}),
        event("bot_failed: timeout", 3, Author::System {}, failed(BotFailure::Timeout, None)),
        event(
            "bot_failed: unavailable",
            3,
            Author::System {},
            failed(BotFailure::Unavailable, None),
        ),
        event(
            "bot_failed: error",
            3,
            Author::System {},
            failed(BotFailure::Error, Some("no model")),
        ),
        event(
            "session_closed: by an operator",
            9,
            operator(Some("ann")),
            EventBody::SessionClosed { cause: CloseCause::Operator },
        ),
        event(
            "session_closed: the visitor stayed away",
            9,
            Author::System {},
            EventBody::SessionClosed { cause: CloseCause::Away },
        ),
        event(
            "session_closed: by the visitor",
            9,
            Author::Visitor {},
            EventBody::SessionClosed { cause: CloseCause::Visitor },
        ),
        event("data_changed", 2, Author::Visitor {}, EventBody::DataChanged { data: data() }),
        event(
            "data_changed: nothing any more",
            8,
            Author::Visitor {},
            EventBody::DataChanged { data: CustomData::new() },
        ),
        event("session_rated", 10, Author::Visitor {}, EventBody::SessionRated(rating())),
        event(
            "session_rated: without a comment",
            10,
            Author::Visitor {},
            EventBody::SessionRated(Rating { score: 2, comment: None }),
        ),
        event("a type of a later version", 9, Author::System {}, EventBody::Unknown(later)),
    ]
}

fn changes_of_control() -> Vec<Sample> {
    let bob = || Holder::Operator { id: "bob@shop".parse().ok(), name: "Bob".into() };
    let of = |name: &str, author, change| event(name, 1000, author, change);
    let bot = || Holder::Bot {};
    vec![
        of(
            "control_changed: take_over, to the visitor",
            operator(None),
            change(2, ann(None), bot(), ControlCause::TakeOver),
        ),
        of(
            "control_changed: forced, to operators",
            Author::Operator { id: "bob@shop".parse().ok(), name: "Bob".into() },
            because(change(3, bob(), ann(Some("ann")), ControlCause::Forced)),
        ),
        of(
            "control_changed: release",
            operator(Some("ann")),
            change(3, bot(), ann(Some("ann")), ControlCause::Release),
        ),
        of(
            "control_changed: transfer",
            operator(Some("ann")),
            change(3, bob(), ann(Some("ann")), ControlCause::Transfer),
        ),
        of(
            "control_changed: revoke",
            operator(Some("ann")),
            because(change(4, bot(), bob(), ControlCause::Revoke)),
        ),
        of(
            "control_changed: lease_expired",
            Author::System {},
            change(5, bot(), ann(Some("ann")), ControlCause::LeaseExpired),
        ),
    ]
}

fn request<M: Method>(name: &str, params: &M) -> Sample {
    sample(Group::Requests, name, None, |encoding| rpc::request(encoding, 7, M::NAME, params))
}

fn result<M: Method>(name: &str, result: &M::Result) -> Sample {
    let outcome = Ok(result);
    sample(Group::Results, name, Some(M::NAME), |encoding| {
        rpc::response(encoding, &Id::Number(7), &outcome)
    })
}

fn signal<M: Method>(name: &str, params: &M) -> Sample {
    sample(Group::Signals, name, None, |encoding| rpc::notification(encoding, M::NAME, params))
}

fn notification<N: Notification>(name: &str, params: &N) -> Sample {
    sample(Group::Notifications, name, None, |encoding| {
        rpc::notification(encoding, N::NAME, params)
    })
}

fn event(name: &str, offset: Offset, author: Author, body: EventBody) -> Sample {
    pushed(name, at(offset, author, body))
}

fn pushed(name: &str, event: Event) -> Sample {
    let Event { offset, time, author, body } = event;
    let push = EventPush { session: session(), offset, prev: offset - 1, time, author, body };
    sample(Group::Events, name, None, |encoding| {
        rpc::notification(encoding, EventPush::NAME, &push)
    })
}

fn sample(
    group: Group,
    name: &str,
    answers: Option<&'static str>,
    encode: impl Fn(Encoding) -> Vec<u8>,
) -> Sample {
    let name = name.to_owned();
    let [messagepack, json] = [Encoding::MessagePack, Encoding::Json].map(encode);
    Sample { group, name, answers, messagepack, json }
}

const NOON: Millis = 1_767_268_800_000;

fn visitor() -> VisitorId {
    "6f1d3c52-9a0b-4e57-8c11-2f5a7d9e0b34".parse().unwrap()
}

fn session() -> SessionId {
    "f845098c-869c-8899-911a-3bbea69f84d9".parse().unwrap()
}

fn key() -> Key {
    "b1946ac9-2d1f-4c35-a7f0-5d0c3c1f3a11".parse().unwrap()
}

fn page() -> Page {
    Page { url: "https://shop.example/shoes?size=42".into(), title: Some("Shoes – Shop".into()) }
}

fn context() -> VisitorContext {
    VisitorContext {
        country: Some("FR".into()),
        device: Device::Mobile,
        browser: Some("Firefox 140".into()),
        os: Some("Android 15".into()),
        language: Some("fr".into()),
        referrer: Some("https://search.example/".into()),
        page: Some(page()),
    }
}

fn operator(id: Option<&str>) -> Author {
    Author::Operator { id: id.map(|id| id.parse().unwrap()), name: "Ann".into() }
}

fn ann(id: Option<&str>) -> Holder {
    Holder::Operator { id: id.map(|id| id.parse().unwrap()), name: "Ann".into() }
}

fn held(id: Option<&str>) -> Control {
    Control { epoch: 2, holder: ann(id), since: NOON + 5000 }
}

fn by_bot() -> Control {
    Control { epoch: 1, holder: Holder::Bot {}, since: NOON }
}

fn card() -> Card {
    let context = context();
    Card {
        session: session(),
        visitor: visitor(),
        ordinal: 0,
        started: NOON,
        country: context.country,
        device: context.device,
        browser: context.browser,
        os: context.os,
        language: context.language,
        referrer: context.referrer,
        page: context.page,
        messages: 3,
        asked: 0,
        last: Some(LastMessage {
            from: Speaker::Visitor,
            text: "How long is shipping?".into(),
            time: NOON + 2000,
            offset: 2,
        }),
        control: held(Some("ann")),
        waiting: Some(NOON + 4000),
        bot: BotState::Failed,
        online: true,
        offset: 7,
    }
}

fn small_card() -> Card {
    Card {
        session: SessionId::nth(visitor(), 2),
        visitor: visitor(),
        ordinal: 0,
        started: NOON,
        country: None,
        device: Device::Unknown,
        browser: None,
        os: None,
        language: None,
        referrer: None,
        page: None,
        messages: 0,
        asked: 0,
        last: None,
        control: by_bot(),
        waiting: None,
        bot: BotState::Idle,
        online: false,
        offset: 1,
    }
}

fn asking_card() -> Card {
    Card { ordinal: 2, asked: 1, ..card() }
}

fn live(revision: u64) -> Live {
    let (upsert, remove, alerts, quiet) = Default::default();
    Live { revision, upsert, remove, totals: totals(), alerts, quiet }
}

fn data() -> CustomData {
    [("customer", "C-1042"), ("panier", "3 articles, 120 €"), ("plan", "")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn rating() -> Rating {
    Rating { score: 4, comment: Some("Quick. 👍".into()) }
}

fn past() -> Past {
    let open = PastSession {
        session: SessionId::nth(visitor(), 300),
        ordinal: 300,
        started: NOON,
        closed: None,
        messages: 0,
        last: None,
        rating: None,
    };
    let closed = PastSession {
        session: session(),
        ordinal: 299,
        closed: Some(NOON + 70_000),
        messages: 130,
        last: card().last,
        rating: Some(rating()),
        ..open.clone()
    };
    Past { sessions: vec![open, closed], next: Some(299) }
}

fn totals() -> Totals {
    Totals { all: 1200, waiting: 3, bot: 1100, mine: 1, others: 99, matching: 2 }
}

fn draft() -> Draft {
    Draft { session: session(), epoch: 1, turn: 2, text: "Two to".into() }
}

fn choices() -> Vec<Choice> {
    vec![
        Choice { label: "And to Canada?".into(), action: ChoiceAction::Send },
        Choice { label: "Ask a human".into(), action: ChoiceAction::RequestHuman },
    ]
}

fn at(offset: Offset, author: Author, body: EventBody) -> Event {
    Event { offset, time: NOON + offset * 1000, author, body }
}

fn chat(text: &str, epoch: u64) -> ChatMessage {
    ChatMessage { text: text.into(), epoch, key: None, turn: None, choices: vec![] }
}

fn message(text: &str, epoch: u64) -> EventBody {
    EventBody::Message(chat(text, epoch))
}

fn with_key(text: &str, epoch: u64) -> EventBody {
    EventBody::Message(ChatMessage { key: Some(key()), ..chat(text, epoch) })
}

fn said_by_visitor(offset: Offset) -> Event {
    at(offset, Author::Visitor {}, with_key("How long is shipping?", 1))
}

fn without_key(event: Event) -> Event {
    let body = match event.body {
        EventBody::Message(said) => EventBody::Message(ChatMessage { key: None, ..said }),
        other => other,
    };
    Event { body, ..event }
}

fn said_by_bot(offset: Offset) -> Event {
    let said =
        ChatMessage { turn: Some(offset - 1), choices: choices(), ..chat("Two to four days.", 1) };
    at(offset, Author::Bot { name: "Bo".into() }, EventBody::Message(said))
}

fn change(epoch: u64, holder: Holder, previous: Holder, cause: ControlCause) -> EventBody {
    let notice = Some("Who answers has changed.".into());
    EventBody::ControlChanged(ControlChange {
        epoch,
        holder,
        previous,
        cause,
        reason: None,
        notice,
    })
}

fn because(body: EventBody) -> EventBody {
    match body {
        EventBody::ControlChanged(change) => EventBody::ControlChanged(ControlChange {
            reason: Some("Ann is at lunch".into()),
            ..change
        }),
        other => other,
    }
}

const fn done(offset: u64, epoch: u64) -> Done {
    Done { offset, epoch }
}
