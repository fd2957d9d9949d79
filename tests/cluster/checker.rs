//! Holds a history against the log: what was promised must be there, and everybody must have seen it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use vigie_protocol::event::{Author, Epoch, Event, EventBody, Holder, Offset};
use vigie_protocol::id::SessionId;

use crate::history::{Asked, Call, History, Outcome, Shown, Sight, Stream, What};

#[cfg(test)]
mod tests;

/// How many faults of a history are shown.
const SHOWN_MAX: usize = 12;

/// How many events before and after a fault are shown.
const AROUND: u64 = 4;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Every way of reading a session's log leads to the same log.
    OneLog,
    /// Its offsets are 1, 2, 3 …
    NoGap,
    /// What was acknowledged is there.
    NothingLost,
    /// Nothing is there twice, acknowledged or not.
    NothingDoubled,
    /// It stands where the acknowledgement says, under no later epoch than it says.
    AsAcknowledged,
    /// What was acknowledged before something else was sent stands before it.
    InOrder,
    /// What was refused for good is not there.
    RefusedIsRefused,
    /// Epochs count 1, 2, 3 …, and each change begins with the holder that the one before left.
    EpochsRise,
    /// An epoch has one holder: who was granted it is who has it.
    OneHolder,
    /// A message is said under the epoch in force.
    EpochInForce,
    /// No bot speaks while a human is in control.
    NoBotUnderHuman,
    /// No operator speaks who is not in control.
    OnlyTheHolder,
    /// A turn is answered once.
    OneAnswer,
    /// What a bot is asked was said, and not under a human.
    AskedWhatWasSaid,
    /// What the live list shows as said last was said.
    ShownWhatWasSaid,
    /// What a connection was told of the event before each event is so.
    ProvenComplete,
    /// Everybody saw what is in the log, each event once, in order.
    SeenAsItIs,
    /// Who was there to the end has seen all.
    AllCaughtUp,
    /// Nobody was told that their offsets mean nothing any more.
    NoRestart,
}

/// Something that does not hold.
#[derive(Debug, Clone)]
pub struct Fault {
    pub rule: Rule,
    pub session: SessionId,
    /// Where in the log to look.
    pub at: Option<Offset>,
    pub told: String,
}

/// Panics with what does not hold.
pub fn assert_sound(history: &History) {
    let faults = check(history);
    if !faults.is_empty() {
        panic!("{}", Report { history, faults: &faults });
    }
}

/// Everything that does not hold.
pub fn check(history: &History) -> Vec<Fault> {
    let mut faults = vec![];
    for (session, readings) in &history.logs {
        let calls: Vec<_> = history.calls.iter().filter(|call| call.session == *session).collect();
        let streams: Vec<_> = history.streams.iter().filter(|s| s.session == *session).collect();
        let (_, log) = &readings[0];
        let mut session = Session { id: *session, log, faults: &mut faults };
        session.same(readings);
        session.calls(&calls);
        session.control(&calls);
        session.streams(&streams);
        session.told(history);
    }
    let unread = history.calls.iter().filter(|call| !history.logs.contains_key(&call.session));
    let unread: BTreeSet<_> = unread.map(|call| call.session).collect();
    assert!(unread.is_empty(), "the logs of {unread:?} were not read");
    faults
}

/// The judgement of one session.
struct Session<'a> {
    id: SessionId,
    log: &'a [Event],
    faults: &'a mut Vec<Fault>,
}

impl Session<'_> {
    fn fault(&mut self, rule: Rule, at: impl Into<Option<Offset>>, told: String) {
        self.faults.push(Fault { rule, session: self.id, at: at.into(), told });
    }

    fn event(&self, offset: Offset) -> Option<&Event> {
        self.log.iter().find(|event| event.offset == offset)
    }

    fn same(&mut self, readings: &[(String, Vec<Event>)]) {
        let (first, log) = &readings[0];
        for (way, other) in &readings[1..] {
            if other != log {
                let differs = log.iter().zip(other).find(|(one, other)| one != other);
                let at =
                    differs.map_or(log.len().min(other.len()) as Offset + 1, |(e, _)| e.offset);
                let told = format!(
                    "read by {first} it has {} events, by {way} {}; they differ at {at}: {:?} and {:?}",
                    log.len(),
                    other.len(),
                    log.iter().find(|event| event.offset == at),
                    other.iter().find(|event| event.offset == at),
                );
                self.fault(Rule::OneLog, at, told);
            }
        }
        for (index, event) in self.log.iter().enumerate() {
            let expected = index as Offset + 1;
            if event.offset != expected {
                let told = format!("the event after {index} others is at {}", event.offset);
                return self.fault(Rule::NoGap, expected, told);
            }
        }
    }

    fn calls(&mut self, calls: &[&Call]) {
        let said = said(self.log);
        let known: BTreeSet<_> = calls
            .iter()
            .filter_map(|call| match &call.what {
                What::Say(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        // A bot of the engine's own may well repeat itself.
        for (text, at) in said.iter().filter(|(text, _)| known.contains(**text)) {
            if let [first, .., last] = at.as_slice() {
                let told = format!("{text:?} is at {first} and again at {last}");
                self.fault(Rule::NothingDoubled, *last, told);
            }
        }
        for call in calls {
            let What::Say(text) = &call.what else { continue };
            let there = said.get(text.as_str()).and_then(|at| at.first().copied());
            match (&call.outcome, there) {
                (Outcome::Done { at, offset, .. }, None) => {
                    let told = format!(
                        "{} was told at {at:.1?} that {text:?} is at {offset}; it is nowhere",
                        call.who
                    );
                    self.fault(Rule::NothingLost, *offset, told);
                }
                (Outcome::Done { offset, epoch, .. }, Some(there)) => {
                    let under = self.event(there).and_then(epoch_of_message).unwrap_or_default();
                    if there != *offset || under > *epoch {
                        let told = format!(
                            "{} was told that {text:?} is at {offset} in epoch {epoch}; it is at \
                             {there} in epoch {under}",
                            call.who
                        );
                        self.fault(Rule::AsAcknowledged, there, told);
                    }
                }
                (Outcome::Refused { why, surely: true }, Some(there)) => {
                    let told = format!("{} was refused {text:?} ({why}); it is there", call.who);
                    self.fault(Rule::RefusedIsRefused, there, told);
                }
                _ => {}
            }
        }
        self.order(calls);
    }

    /// Whatever was acknowledged before another call began stands before it.
    fn order(&mut self, calls: &[&Call]) {
        let mut done: Vec<_> = calls
            .iter()
            .filter_map(|call| match (&call.what, &call.outcome) {
                (What::Say(text), Outcome::Done { at, offset, .. }) => {
                    Some((call.began, *at, *offset, text, &call.who))
                }
                _ => None,
            })
            .collect();
        let mut by_answer = done.clone();
        done.sort_by_key(|call| call.0);
        by_answer.sort_by_key(|call| call.1);
        let mut answered = by_answer.into_iter().peekable();
        let mut furthest: Option<(Offset, &String)> = None;
        for (began, _, offset, text, who) in done {
            while let Some((_, _, before, text, _)) = answered.next_if(|call| call.1 < began) {
                if furthest.is_none_or(|(offset, _)| offset < before) {
                    furthest = Some((before, text));
                }
            }
            if let Some((before, earlier)) = furthest.filter(|(before, _)| *before >= offset) {
                let told = format!(
                    "{who} said {text:?}, at {offset}, after {earlier:?} had been acknowledged at \
                     {before}"
                );
                self.fault(Rule::InOrder, offset, told);
            }
        }
    }

    fn control(&mut self, calls: &[&Call]) {
        let (mut epoch, mut holder): (Epoch, Holder) = (1, Holder::Bot {});
        let mut holders = BTreeMap::from([(1, (1, Holder::Bot {}))]);
        let mut answered: BTreeMap<Offset, Offset> = BTreeMap::new();
        for event in self.log {
            match &event.body {
                EventBody::ControlChanged(change) => {
                    if change.epoch != epoch + 1 || change.previous != holder {
                        let told = format!(
                            "after epoch {epoch} of {holder:?} comes epoch {} from {:?}",
                            change.epoch, change.previous
                        );
                        self.fault(Rule::EpochsRise, event.offset, told);
                    }
                    (epoch, holder) = (change.epoch, change.holder.clone());
                    holders.insert(epoch, (event.offset, holder.clone()));
                }
                EventBody::Message(message) => {
                    if message.epoch != epoch {
                        let told = format!("epoch {epoch} is in force, not {}", message.epoch);
                        self.fault(Rule::EpochInForce, event.offset, told);
                    }
                    self.speaker(event, &holder);
                    let turn = message.turn.filter(|_| matches!(event.author, Author::Bot { .. }));
                    if let Some(first) = turn.and_then(|turn| answered.insert(turn, event.offset)) {
                        let told = format!("the turn {turn:?} has its answer at {first} already");
                        self.fault(Rule::OneAnswer, event.offset, told);
                    }
                }
                _ => {}
            }
        }
        for call in calls {
            self.granted(call, &holders);
        }
    }

    fn speaker(&mut self, event: &Event, holder: &Holder) {
        match (&event.author, holder) {
            (Author::Bot { name }, Holder::Operator { name: human, .. }) => {
                let told = format!("the bot {name} speaks while {human} is in control");
                self.fault(Rule::NoBotUnderHuman, event.offset, told);
            }
            (Author::Operator { id, name }, holder) => {
                let holds = matches!(holder, Holder::Operator { id: held, .. } if held == id);
                if !holds {
                    let told = format!("{name} speaks while {holder:?} is in control");
                    self.fault(Rule::OnlyTheHolder, event.offset, told);
                }
            }
            _ => {}
        }
    }

    /// Who was told that control is theirs, or given on, finds it so in the log.
    fn granted(&mut self, call: &Call, holders: &BTreeMap<Epoch, (Offset, Holder)>) {
        let Outcome::Done { epoch, .. } = call.outcome else { return };
        let expected = match &call.what {
            What::Say(_) => return,
            What::TakeOver(operator) | What::Transfer(operator) => Some(operator.as_str()),
            What::HandBack => None,
        };
        let found = holders.get(&epoch);
        let holds = found.is_some_and(|(_, holder)| match (holder, expected) {
            (Holder::Bot {}, None) => true,
            (Holder::Operator { id: Some(id), .. }, Some(operator)) => id.as_str() == operator,
            _ => false,
        });
        if !holds {
            let told = format!(
                "{} was granted {:?} as epoch {epoch}; in the log its holder is {found:?}",
                call.who, call.what
            );
            self.fault(Rule::OneHolder, found.map(|(offset, _)| *offset), told);
        }
    }

    fn streams(&mut self, streams: &[&Stream]) {
        let mut clients: BTreeMap<&str, Vec<&Stream>> = BTreeMap::new();
        for stream in streams {
            clients.entry(&stream.who).or_default().push(stream);
            if stream.restarted {
                let told = format!("{} was told so at {}", stream.who, stream.after);
                self.fault(Rule::NoRestart, None, told);
            }
            self.chain(stream);
        }
        for connections in clients.values_mut() {
            connections.sort_by_key(|stream| stream.connection);
            self.view(connections);
        }
    }

    /// Bots and operators were told of nothing that is not so.
    fn told(&mut self, history: &History) {
        let id = self.id;
        for Asked { who, turn, epoch, .. } in history.turns.iter().filter(|t| t.session == id) {
            let said = self.event(*turn).is_some_and(|event| {
                matches!(event.author, Author::Visitor {}) && epoch_of_message(event).is_some()
            });
            let human = self.log.iter().any(|event| match &event.body {
                EventBody::ControlChanged(change) => {
                    change.epoch == *epoch && matches!(change.holder, Holder::Operator { .. })
                }
                _ => false,
            });
            if !said || human {
                let told = format!("{who} was asked for an answer to {turn} in epoch {epoch}");
                self.fault(Rule::AskedWhatWasSaid, *turn, told);
            }
        }
        for Shown { who, last, .. } in history.shown.iter().filter(|s| s.session == id) {
            let there = self.event(last.offset);
            let so = there.is_some_and(|event| match &event.body {
                EventBody::Message(message) => message.text.starts_with(&last.text),
                _ => false,
            });
            if !so {
                let told = format!("{who} was shown {:?} as said at {}", last.text, last.offset);
                self.fault(Rule::ShownWhatWasSaid, last.offset, told);
            }
        }
    }

    /// Every event names the one before it.
    fn chain(&mut self, stream: &Stream) {
        let mut last = stream.after;
        for (index, seen) in stream.seen.iter().enumerate() {
            let Some(prev) = seen.prev else { return };
            // The first may name one that was asked for no more.
            let proven = if index == 0 { prev <= last } else { prev == last };
            if !proven || seen.event.offset <= last {
                let told = format!(
                    "{}, connection {}: {} came after {last} and says that {prev} precedes it",
                    stream.who, stream.connection, seen.event.offset
                );
                self.fault(Rule::ProvenComplete, seen.event.offset, told);
            }
            last = seen.event.offset;
        }
    }

    /// What a client saw over all its connections is the log, as far as it came.
    fn view(&mut self, connections: &[&Stream]) {
        let (Some(first), Some(last)) = (connections.first(), connections.last()) else { return };
        let sight = first.sight;
        let visible = |event: &&Event| event.offset > first.after && is_visible(event, sight);
        let log: Vec<&Event> = self.log.iter().filter(visible).collect();
        let seen: Vec<&Event> =
            connections.iter().flat_map(|s| &s.seen).map(|seen| &seen.event).collect();
        for (index, event) in seen.iter().enumerate() {
            let expected = log.get(index);
            if expected.is_none_or(|expected| !is_same(expected, event, sight)) {
                let told = format!(
                    "{} saw {} as event {} of their own; in the log that is {}",
                    first.who,
                    line(event),
                    index + 1,
                    expected.map_or("nothing".to_owned(), |event| line(event)),
                );
                return self.fault(Rule::SeenAsItIs, event.offset, told);
            }
        }
        if last.stays && seen.len() < log.len() {
            let told = format!(
                "{} was there to the end and saw but {} of {} events",
                first.who,
                seen.len(),
                log.len()
            );
            self.fault(Rule::AllCaughtUp, log[seen.len()].offset, told);
        }
    }
}

/// Where every text was said.
fn said(log: &[Event]) -> BTreeMap<&str, Vec<Offset>> {
    let mut said: BTreeMap<&str, Vec<Offset>> = BTreeMap::new();
    for event in log {
        if let EventBody::Message(message) = &event.body {
            said.entry(&message.text).or_default().push(event.offset);
        }
    }
    said
}

fn epoch_of_message(event: &Event) -> Option<Epoch> {
    match &event.body {
        EventBody::Message(message) => Some(message.epoch),
        _ => None,
    }
}

/// What the protocol shows to whom.
pub fn is_visible(event: &Event, sight: Sight) -> bool {
    let hidden_from_visitors = matches!(
        event.body,
        EventBody::SessionStarted { .. }
            | EventBody::VisitorReturned { .. }
            | EventBody::VisitorLeft {}
            | EventBody::PageViewed { .. }
            | EventBody::Note { .. }
            | EventBody::DataChanged { .. }
    );
    sight == Sight::Operator || !hidden_from_visitors
}

/// Visitors see less of an event than is in the log.
fn is_same(log: &Event, seen: &Event, sight: Sight) -> bool {
    match sight {
        Sight::Operator => log == seen,
        Sight::Visitor => {
            (log.offset, log.time) == (seen.offset, seen.time) && gist(log) == gist(seen)
        }
    }
}

/// What anybody may know of an event.
fn gist(event: &Event) -> String {
    match &event.body {
        EventBody::Message(message) => message.text.clone(),
        EventBody::ControlChanged(change) => {
            let holder = match &change.holder {
                Holder::Bot {} => "the bot",
                Holder::Operator { name, .. } => name,
            };
            format!("epoch {}: {holder}", change.epoch)
        }
        other => serde_json::to_value(other).unwrap()["type"].to_string(),
    }
}

fn line(event: &Event) -> String {
    let author = match &event.author {
        Author::Visitor {} => "visitor",
        Author::Operator { name, .. } | Author::Bot { name } => name,
        Author::System {} => "system",
        Author::Unknown => "?",
    };
    let epoch = epoch_of_message(event).map_or(String::new(), |epoch| format!(" [epoch {epoch}]"));
    format!("{} {author}: {}{epoch}", event.offset, gist(event))
}

struct Report<'a> {
    history: &'a History,
    faults: &'a [Fault],
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { history, faults } = self;
        writeln!(f, "{} faults in the history:", faults.len())?;
        for fault in faults.iter().take(SHOWN_MAX) {
            writeln!(f, "\n{:?}, session {}: {}", fault.rule, fault.session, fault.told)?;
            let Some(at) = fault.at else { continue };
            let around = at.saturating_sub(AROUND)..=at.saturating_add(AROUND);
            let (_, log) = &history.logs[&fault.session][0];
            for event in log.iter().filter(|event| around.contains(&event.offset)) {
                let mark = if event.offset == at { ">" } else { " " };
                writeln!(f, "  {mark} {}", line(event))?;
            }
            for call in history.calls.iter().filter(|call| call.session == fault.session) {
                if let Outcome::Done { at, offset, epoch } = call.outcome
                    && around.contains(&offset)
                {
                    let Call { who, what, began, .. } = call;
                    writeln!(
                        f,
                        "    {began:.3?} to {at:.3?} {who} {what:?} -> {offset}, epoch {epoch}"
                    )?;
                }
            }
        }
        Ok(())
    }
}
