//! What holds whatever anybody does, in any order: several operators of different ranks, a visitor,
//! a bot that answers late, leases that run out, commands that come again.
//!
//! Steps are drawn at random and carried out on one conversation. What must hold is then read from
//! the log alone, by rules that share no code with the room under test.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use uuid::Uuid;
use vigie::core::decide::{Command, Decision, Operator, decide};
use vigie::core::effect::{Effect, Wants, effects};
use vigie::core::session::Session;
use vigie::core::site::{LeaseEnd, SiteSettings};
use vigie::core::view::{Audience, visible_to};
use vigie_protocol::card::BotState;
use vigie_protocol::event::{
    Author, BotFailure, Choice, ChoiceAction, CustomData, Epoch, Event, EventBody, Holder, Millis,
    Offset, Page, Rating, VisitorContext,
};
use vigie_protocol::id::{OperatorId, SessionId, VisitorId};
use vigie_protocol::method::{Done, Rank};

const STEPS_MAX: usize = 60;
const CASES: u32 = 1_000;

/// Texts from which steps draw, good and bad.
const TEXTS: [&str; 4] = ["hello", "hello?", "good bye", " "];

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_log_keeps_its_rules(story in story()) {
        check_log(&story.log);
    }

    #[test]
    fn a_key_names_one_answer_for_ever(story in story()) {
        for (command, done) in &story.acknowledged {
            let again = decide(&story.session, command.clone(), story.now);
            prop_assert_eq!(again, Ok(Decision { events: vec![], done: *done }), "{:?}", command);
        }
    }

    #[test]
    fn the_fold_is_the_same_when_it_is_replayed_from_what_is_stored(story in story()) {
        let stored = serde_json::to_string(&story.log).unwrap();
        let mut replayed = untold(story.session.settings().lease_end);
        for event in serde_json::from_str::<Vec<Event>>(&stored).unwrap() {
            replayed.apply(&event);
        }
        prop_assert_eq!(format!("{replayed:?}"), format!("{:?}", story.session));
    }

    #[test]
    fn the_engine_sees_to_the_same_things_in_whatever_batches_events_come(
        story in story(),
        cuts in vec(1..6_usize, 0..STEPS_MAX),
    ) {
        let mut session = untold(story.session.settings().lease_end);
        let mut engine = Engine::default();
        let mut rest = &story.log[..];
        let mut cuts = cuts.into_iter();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
            let before = Wants::of(&session);
            batch.iter().for_each(|event| session.apply(event));
            engine.see_to(effects(&before, &session), &session, &story.log);
            rest = later;
        }
    }

    #[test]
    fn nobody_sees_what_is_not_meant_for_them(story in story()) {
        for audience in Audience::ALL {
            let seen: Vec<_> =
                story.log.iter().filter_map(|event| visible_to(event, audience)).collect();
            let head = seen.last().map_or(0, |event| event.offset);
            prop_assert_eq!(story.session.head_for(audience), head);
            let text = serde_json::to_string(&seen).unwrap();
            let hidden: &[&str] = match audience {
                Audience::Operator => &["visitor-key"],
                Audience::Visitor => &["id-of-", "reason-", "note-", "detail-", "operator-key"],
                Audience::Bot => &["id-of-", "reason-", "note-", "detail-", "-key"],
            };
            for hidden in hidden {
                prop_assert!(!text.contains(hidden), "{:?} sees {}: {}", audience, hidden, text);
            }
        }
    }

    #[test]
    fn a_card_agrees_with_the_log(story in story()) {
        check_card(&story);
    }
}

/// Something that somebody tries, in terms of what has happened so far.
#[derive(Debug, Clone)]
enum Step {
    Arrive {
        page: Option<u8>,
        /// How many entries of data.
        data: Option<u8>,
    },
    SetData {
        data: u8,
    },
    Rate {
        score: u8,
        comment: Option<&'static str>,
    },
    End,
    Depart,
    View {
        page: u8,
    },
    Ask {
        key: u8,
        text: &'static str,
    },
    RequestHuman,
    Reply {
        by: Operator,
        key: u8,
        text: &'static str,
        unread: Option<u64>,
        confirm: bool,
    },
    Note {
        by: Operator,
        key: u8,
        text: &'static str,
    },
    /// The bot answers one of the turns that it was ever asked, under the epoch of that time.
    Answer {
        asked: Index,
        text: &'static str,
        choices: usize,
    },
    Fail {
        asked: Index,
        reason: BotFailure,
    },
    /// The bot makes up what it was asked.
    Guess {
        epoch: Epoch,
        turn: Offset,
    },
    TakeOver {
        by: Operator,
        force: bool,
        reason: Option<&'static str>,
    },
    Release {
        by: Operator,
    },
    Transfer {
        by: Operator,
        to: Operator,
    },
    Revoke {
        by: Operator,
    },
    /// One of the leases that ever were runs out.
    ExpireLease {
        held: Index,
    },
    /// A command that was sent before, accepted or not, comes again.
    Again {
        which: Index,
    },
    Close {
        by: Option<Operator>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..4_u8;
    let text = || select(&TEXTS[..]);
    let reason = || option::of(select(&["reason-1", "reason-2", " "][..]));
    let failure = select(&[BotFailure::Timeout, BotFailure::Unavailable, BotFailure::Error][..]);
    prop_oneof![
        2 => (option::of(0..3_u8), option::of(0..18_u8))
            .prop_map(|(page, data)| Step::Arrive { page, data }),
        2 => (0..18_u8).prop_map(|data| Step::SetData { data }),
        3 => (0..7_u8, option::of(text()))
            .prop_map(|(score, comment)| Step::Rate { score, comment }),
        1 => Just(Step::End),
        2 => Just(Step::Depart),
        1 => (0..3_u8).prop_map(|page| Step::View { page }),
        10 => (key(), text()).prop_map(|(key, text)| Step::Ask { key, text }),
        1 => Just(Step::RequestHuman),
        8 => (operator(), key(), text(), option::of(0..6_u64), any::<bool>()).prop_map(
            |(by, key, text, unread, confirm)| Step::Reply { by, key, text, unread, confirm }
        ),
        2 => (operator(), key(), text()).prop_map(|(by, key, text)| Step::Note { by, key, text }),
        8 => (any::<Index>(), text(), 0..12_usize)
            .prop_map(|(asked, text, choices)| Step::Answer { asked, text, choices }),
        2 => (any::<Index>(), failure).prop_map(|(asked, reason)| Step::Fail { asked, reason }),
        2 => (0..8_u64, 0..20_u64).prop_map(|(epoch, turn)| Step::Guess { epoch, turn }),
        6 => (operator(), any::<bool>(), reason())
            .prop_map(|(by, force, reason)| Step::TakeOver { by, force, reason }),
        4 => operator().prop_map(|by| Step::Release { by }),
        3 => (operator(), operator()).prop_map(|(by, to)| Step::Transfer { by, to }),
        2 => operator().prop_map(|by| Step::Revoke { by }),
        2 => any::<Index>().prop_map(|held| Step::ExpireLease { held }),
        6 => any::<Index>().prop_map(|which| Step::Again { which }),
        1 => option::of(operator()).prop_map(|by| Step::Close { by }),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    let people = [("ann", Rank::Agent), ("ben", Rank::Agent), ("sue", Rank::Supervisor)];
    select(people.to_vec()).prop_map(|(name, rank)| Operator {
        id: format!("id-of-{name}").parse().expect("an id"),
        name: name.to_uppercase(),
        rank,
    })
}

fn story() -> impl Strategy<Value = Story> {
    let lease_end = prop_oneof![Just(LeaseEnd::Bot), Just(LeaseEnd::Reoffer)];
    (lease_end, vec(step(), 0..STEPS_MAX)).prop_map(|(lease_end, steps)| {
        let mut story = Story {
            session: untold(lease_end),
            log: vec![],
            now: 0,
            sent: vec![],
            acknowledged: vec![],
            asked: vec![],
            held: vec![],
        };
        story.send(Command::Arrive {
            visitor: visitor(),
            ordinal: 1,
            context: VisitorContext::default(),
            data: None,
        });
        steps.into_iter().for_each(|step| story.take(step));
        story
    })
}

fn visitor() -> VisitorId {
    VisitorId::from(Uuid::from_u128(1))
}

fn untold(lease_end: LeaseEnd) -> Session {
    let settings = SiteSettings { lease_end, ..SiteSettings::default() };
    Session::new(SessionId::nth(visitor(), 1), Arc::new(settings))
}

/// A conversation and what its participants remember of it.
#[derive(Debug)]
struct Story {
    session: Session,
    log: Vec<Event>,
    now: Millis,
    sent: Vec<Command>,
    /// Commands under a key, and how they were answered.
    acknowledged: Vec<(Command, Done)>,
    asked: Vec<(Epoch, Offset)>,
    held: Vec<(OperatorId, Epoch)>,
}

impl Story {
    fn take(&mut self, step: Step) {
        if let Some(command) = self.command(step) {
            self.send(command);
        }
    }

    /// The command that a step stands for, if there is anything that it could refer to.
    fn command(&self, step: Step) -> Option<Command> {
        let data = |entries: u8| {
            (0..entries).map(|n| (format!("entry {n}"), format!("one of {entries}"))).collect()
        };
        let page = |page: u8| Page { url: format!("https://shop.example/{page}"), title: None };
        let operator_key = |key: u8| format!("operator-key-{key}").parse().expect("a key");
        let reason = |reason: &str| Some(reason.to_owned());
        Some(match step {
            Step::Arrive { page: on, data: told } => Command::Arrive {
                visitor: visitor(),
                ordinal: 1,
                context: VisitorContext { page: on.map(page), ..Default::default() },
                data: told.map(data),
            },
            Step::SetData { data: told } => Command::SetData(data(told)),
            Step::Rate { score, comment } => {
                Command::Rate(Rating { score, comment: comment.map(str::to_owned) })
            }
            Step::End => Command::End,
            Step::Depart => Command::Depart,
            Step::View { page: on } => Command::ViewPage(page(on)),
            Step::Ask { key, text } => Command::Ask {
                key: format!("visitor-key-{key}").parse().expect("a key"),
                text: text.into(),
            },
            Step::RequestHuman => Command::RequestHuman,
            Step::Reply { by, key, text, unread, confirm } => {
                let seen = unread.map(|unread| self.session.head().saturating_sub(unread));
                Command::Reply { by, key: operator_key(key), text: text.into(), seen, confirm }
            }
            Step::Note { by, key, text } => {
                let text = if text == " " { " ".into() } else { format!("note-{text}") };
                Command::Note { by, key: operator_key(key), text }
            }
            Step::Answer { asked, text, choices } => {
                let (epoch, turn) = *pick(&self.asked, asked)?;
                let choice = Choice { label: "yes".into(), action: ChoiceAction::Send };
                let (name, text) = ("Bot".into(), text.into());
                Command::Answer { name, epoch, turn, text, choices: vec![choice; choices] }
            }
            Step::Fail { asked, reason } => {
                let (epoch, turn) = *pick(&self.asked, asked)?;
                Command::FailTurn { epoch, turn, reason, detail: Some("detail-1".into()) }
            }
            Step::Guess { epoch, turn } => {
                let (name, text) = ("Bot".into(), "hello".into());
                Command::Answer { name, epoch, turn, text, choices: vec![] }
            }
            Step::TakeOver { by, force, reason: why } => {
                Command::TakeOver { by, force, reason: why.and_then(reason) }
            }
            Step::Release { by } => Command::Release { by },
            Step::Transfer { by, to } => Command::Transfer { by, to, reason: reason("reason-3") },
            Step::Revoke { by } => Command::Revoke { by, reason: "reason-4".into() },
            Step::ExpireLease { held } => {
                let (operator, epoch) = pick(&self.held, held)?.clone();
                Command::ExpireLease { operator, epoch }
            }
            Step::Again { which } => pick(&self.sent, which)?.clone(),
            Step::Close { by } => Command::Close { by },
        })
    }

    /// Decides a command; what it appends is checked and folded, and its answer remembered.
    fn send(&mut self, command: Command) {
        self.now += 1;
        self.sent.push(command.clone());
        let Ok(Decision { events, done }) = decide(&self.session, command.clone(), self.now) else {
            return;
        };
        for (event, offset) in events.iter().zip(self.session.head() + 1..) {
            assert_eq!((event.offset, event.time), (offset, self.now), "{command:?}");
            self.session.apply(event);
            self.log.push(event.clone());
        }
        assert!(done.offset <= self.session.head(), "nothing is acknowledged before it is there");
        if !events.is_empty() {
            let end = Done { offset: self.session.head(), epoch: self.session.epoch() };
            assert_eq!(done, end, "{command:?}");
        }
        match command {
            Command::Ask { .. } | Command::Reply { .. } | Command::Note { .. } => {
                self.acknowledged.push((command, done));
            }
            // Only the latest answer is remembered; an earlier one that comes again is stale.
            Command::Answer { .. } => {
                self.acknowledged.retain(|(earlier, _)| !matches!(earlier, Command::Answer { .. }));
                self.acknowledged.push((command, done));
            }
            Command::Rate(_) => {
                self.acknowledged.retain(|(earlier, _)| !matches!(earlier, Command::Rate(_)));
                self.acknowledged.push((command, done));
            }
            _ => {}
        }
        let wants = Wants::of(&self.session);
        self.asked.extend(wants.turn);
        self.held.extend(wants.lease);
    }
}

fn pick<T>(from: &[T], index: Index) -> Option<&T> {
    (!from.is_empty()).then(|| index.get(from))
}

/// The rules of a log, read from nothing but its events.
fn check_log(log: &[Event]) {
    let (mut epoch, mut holder, mut present) = (1, Holder::Bot {}, false);
    let mut unanswered = None;
    let mut keys = BTreeSet::new();
    let (mut closed, mut data, mut ratings) = (false, CustomData::new(), vec![]);
    for (event, offset) in log.iter().zip(1..) {
        assert_eq!(event.offset, offset, "offsets have no gap");
        let rates = matches!(event.body, EventBody::SessionRated(_));
        assert!(!closed || rates, "nothing but a rating follows the end");
        match &event.body {
            EventBody::SessionStarted { .. } => {
                assert_eq!(offset, 1, "a session starts once");
                present = true;
            }
            EventBody::SessionClosed { .. } => closed = true,
            EventBody::DataChanged { data: told } => {
                assert_ne!(*told, data, "what is told already is not told again");
                assert!(told.len() <= vigie_protocol::DATA_ENTRIES_MAX);
                data = told.clone();
            }
            EventBody::SessionRated(rating) => {
                assert_ne!(Some(rating), ratings.last(), "the latest counts already");
                assert!((1..=5).contains(&rating.score));
                ratings.push(rating.clone());
                assert!(ratings.len() <= vigie_protocol::RATINGS_MAX as usize);
            }
            EventBody::VisitorReturned { .. } => {
                assert!(!present, "only who has left returns");
                present = true;
            }
            EventBody::VisitorLeft {} => {
                assert!(present, "only who is there leaves");
                present = false;
            }
            EventBody::ControlChanged(change) => {
                assert_eq!(change.epoch, epoch + 1, "epochs grow by one");
                assert_eq!(change.previous, holder, "control goes on from whoever had it");
                assert_ne!(change.holder, holder, "one holder per epoch, another in the next");
                (epoch, holder) = (change.epoch, change.holder.clone());
            }
            EventBody::BotFailed { epoch: asked, turn, .. } => {
                assert_eq!(holder, Holder::Bot {}, "no bot event under a human's epoch");
                assert_eq!((*asked, Some(*turn)), (epoch, unanswered));
            }
            EventBody::Message(message) => {
                assert_eq!(message.epoch, epoch, "said under the epoch in force");
                assert!(!message.text.trim().is_empty());
                match &event.author {
                    Author::Visitor {} => unanswered = Some(offset),
                    Author::Operator { id, name } => {
                        let author = Holder::Operator { id: id.clone(), name: name.clone() };
                        assert_eq!(holder, author, "only the operator in control replies");
                        unanswered = None;
                    }
                    Author::Bot { .. } => {
                        assert_eq!(holder, Holder::Bot {}, "no bot event under a human's epoch");
                        assert_eq!(message.turn, unanswered, "an answer is to the open turn");
                        assert!(message.turn.is_some(), "the bot speaks when it is asked");
                        assert!(message.choices.len() <= vigie_protocol::CHOICES_MAX);
                        unanswered = None;
                    }
                    author => panic!("{author:?} says nothing"),
                }
            }
            _ => {}
        }
        if let EventBody::Message(vigie_protocol::event::ChatMessage { key: Some(key), .. })
        | EventBody::Note { key: Some(key), .. } = &event.body
        {
            let author = serde_json::to_string(&event.author).expect("JSON");
            assert!(keys.insert((author, key.clone())), "{key} is used once by its author");
        }
    }
}

/// What a card shows, counted in the log.
fn check_card(story: &Story) {
    let log = &story.log;
    let card = story.session.card(true).expect("it has begun");
    let messages = log.iter().filter(|event| matches!(event.body, EventBody::Message(_)));
    let last = messages.clone().next_back();
    let last_with = |wanted: fn(&EventBody) -> bool| {
        log.iter().rfind(|event| wanted(&event.body)).map_or(0, |event| event.offset)
    };
    let changed = last_with(|body| matches!(body, EventBody::ControlChanged(_)));
    let failed = last_with(|body| matches!(body, EventBody::BotFailed { .. }));
    let closed = last_with(|body| matches!(body, EventBody::SessionClosed { .. })) > 0;
    let helped = last_with(
        |body| matches!(body, EventBody::ControlChanged(change) if change.holder != Holder::Bot {}),
    );
    let asked = messages.clone().filter(|event| event.author == Author::Visitor {}).count();
    let spoken = last.map_or(0, |event| event.offset);
    let unanswered = last.is_some_and(|event| event.author == Author::Visitor {});
    let held = card.control.holder != Holder::Bot {};
    let gave_up = failed > spoken.max(changed);
    let waiting = log
        .iter()
        .find(|event| event.offset > helped && event.body == EventBody::HumanRequested {})
        .map(|event| event.time);

    assert_eq!(card.offset, log.len() as Offset);
    assert_eq!(card.started, log[0].time);
    assert_eq!((card.messages, card.asked), (messages.count() as u64, asked as u64));
    assert_eq!(card.ordinal, 1);
    assert_eq!(card.last.map(|last| (last.offset, last.time)), last.map(|e| (e.offset, e.time)));
    assert_eq!(card.waiting, waiting.filter(|_| !closed));
    assert_eq!(
        card.bot,
        match (unanswered && !held && !closed, gave_up) {
            (_, true) => BotState::Failed,
            (true, false) => BotState::Answering,
            (false, false) => BotState::Idle,
        }
    );
    let since = &log[changed.max(1) as usize - 1];
    assert_eq!(card.control.since, since.time);
}

/// An engine that does what it is given to see to, and nothing else.
#[derive(Debug, Default)]
struct Engine {
    lease: Option<(OperatorId, Epoch)>,
    asked: Option<(Epoch, Offset)>,
    /// The epoch of the latest hand-back that the bot was told of.
    told: Epoch,
}

impl Engine {
    fn see_to(&mut self, effects: Vec<Effect>, session: &Session, log: &[Event]) {
        for effect in effects {
            match effect {
                Effect::LetGo { operator } => {
                    let lease = self.lease.take();
                    assert_eq!(lease.map(|(holder, _)| holder), Some(operator), "it was held");
                }
                Effect::Hold { operator, epoch } => {
                    let before = self.lease.replace((operator.clone(), epoch));
                    assert!(before.is_none_or(|(holder, _)| holder == operator), "one at a time");
                }
                Effect::RevokeTurn { turn, .. } => {
                    assert_eq!(self.asked.take().map(|(_, asked)| asked), Some(turn));
                    assert_ne!(last_answered(log, session.head()), Some(turn), "it was wanted");
                }
                Effect::HandBack => {
                    assert!(!session.held() && session.epoch() > self.told, "told once");
                    self.told = session.epoch();
                }
                Effect::AskBot { epoch, turn } => self.asked = Some((epoch, turn)),
            }
        }
        let wants = Wants::of(session);
        assert_eq!(self.lease, wants.lease);
        if wants.turn.is_none()
            && let Some((_, turn)) = self.asked.take()
        {
            let done = last_answered(log, session.head()) == Some(turn);
            assert!(done || session.failure().is_some(), "the bot knows of it by itself");
        }
        assert_eq!(self.asked, wants.turn);
    }
}

fn last_answered(log: &[Event], head: Offset) -> Option<Offset> {
    log[..head as usize].iter().rev().find_map(|event| match &event.body {
        EventBody::Message(message) => message.turn,
        _ => None,
    })
}
