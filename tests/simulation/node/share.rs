//! What a node lets the others read of a site, and has from them: as `src/actors/share.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vigie::actors::noticeboard::{Entry, Roster};
use vigie::bots::{Bot, BotDesk};
use vigie::cluster::message::{Message, Person, Table, Who};
use vigie::core::cluster::{Members, NodeId};
use vigie::core::replica::{Changes, Owned, Replica, Told};
use vigie_protocol::card::Card;
use vigie_protocol::id::{OperatorId, SessionId};

use crate::check::site;
use crate::plan::Sabotage;
use crate::world::Time;

/// How long the cards of a dead node are still shown, unless another shows them.
const FADE: Time = 1_000;

/// How long until a table that did not come is asked for again.
const ASK_AGAIN: Time = 1_000;

/// How many beats another node may say nothing of its tables until they are asked for anew.
const SILENCES: Time = 3;

type Cards = Told<SessionId, Arc<Card>>;
type People = Told<Who, Person>;

/// One site's part in the cluster.
pub struct Share {
    me: NodeId,
    cards: Owned<SessionId, Arc<Card>>,
    people: Owned<Who, Person>,
    readers: BTreeSet<(Table, NodeId)>,
    others: BTreeMap<NodeId, Other>,
    shown: BTreeMap<SessionId, BTreeMap<NodeId, Arc<Card>>>,
    /// What those who look here see.
    pub board: BTreeMap<SessionId, Arc<Card>>,
    fading: Vec<(Time, NodeId, SessionId)>,
    said: Time,
    sabotage: Option<Sabotage>,
}

#[derive(Default)]
struct Other {
    cards: Replica<SessionId, Arc<Card>>,
    people: Replica<Who, Person>,
    asked: BTreeMap<Table, Time>,
    heard: BTreeMap<Table, Time>,
    /// What a reader has that looks at no revision.
    raw: BTreeMap<SessionId, Arc<Card>>,
}

/// Whom to tell that something has changed.
#[derive(Debug, Default)]
pub struct Stir {
    pub sessions: Vec<SessionId>,
    pub operators: Vec<OperatorId>,
}

impl Share {
    pub fn new(me: NodeId, sabotage: Option<Sabotage>) -> Self {
        Self {
            me,
            cards: Owned::new(),
            people: Owned::new(),
            readers: BTreeSet::new(),
            others: BTreeMap::new(),
            shown: BTreeMap::new(),
            board: BTreeMap::new(),
            fading: Vec::new(),
            said: 0,
            sabotage,
        }
    }

    /// Shows a session's card, or no longer.
    pub fn show(&mut self, session: SessionId, card: Option<Arc<Card>>) {
        match &card {
            Some(card) => self.cards.put(session, Arc::clone(card)),
            None => self.cards.remove(&session),
        }
        self.put(self.me, session, card);
    }

    /// Lets others know of somebody who is connected here, or no longer is.
    pub fn enter(&mut self, who: Who, person: Option<Person>) {
        match person {
            Some(person) => self.people.put(who, person),
            None => self.people.remove(&who),
        }
    }

    /// Tells the readers what has changed, asks for what has not come, lets go of what the dead have
    /// shown; from time to time says how far the tables are.
    pub fn tick(&mut self, members: &Members, interval: Time, now: Time) -> Vec<(NodeId, Message)> {
        let say_at = now - self.said >= interval;
        let mut news = Vec::new();
        let cards = self.cards.flush().into_iter().chain(say_at.then(|| self.cards.at()));
        for told in cards {
            self.to_readers(Table::Cards, &Message::Cards { site: site(), told }, &mut news);
        }
        let people = self.people.flush().into_iter().chain(say_at.then(|| self.people.at()));
        for told in people {
            self.to_readers(Table::People, &Message::People { site: site(), told }, &mut news);
        }
        if say_at {
            self.cards.beat();
            self.people.beat();
            self.said = now;
        }
        if say_at {
            self.mind_silence(SILENCES * interval, now);
        }
        news.extend(self.ask(members, now));
        self.fade(now);
        news
    }

    fn to_readers(&self, table: Table, message: &Message, news: &mut Vec<(NodeId, Message)>) {
        let readers = self.readers.iter().filter(|(read, _)| *read == table);
        news.extend(readers.map(|(_, reader)| (*reader, message.clone())));
    }

    /// Another node wants what it lacks of a table since a revision.
    pub fn wanted(&mut self, by: NodeId, table: Table, since: u64) -> Vec<Message> {
        self.readers.insert((table, by));
        match table {
            Table::Cards => {
                let lacking = self.cards.since(since).into_iter();
                lacking.map(|told| Message::Cards { site: site(), told }).collect()
            }
            Table::People => {
                let lacking = self.people.since(since).into_iter();
                lacking.map(|told| Message::People { site: site(), told }).collect()
            }
        }
    }

    /// Who does not know this node as a reader any more is asked anew.
    fn mind_silence(&mut self, silence: Time, now: Time) {
        for other in self.others.values_mut() {
            let silent = |heard: Option<&Time>| heard.is_some_and(|heard| now - heard > silence);
            if silent(other.heard.get(&Table::Cards)) {
                other.cards.doubt();
            }
            if silent(other.heard.get(&Table::People)) {
                other.people.doubt();
            }
        }
    }

    /// Another node has told of its cards.
    pub fn hear_cards(&mut self, from: NodeId, told: Cards, now: Time) {
        let Some(other) = self.others.get_mut(&from) else { return };
        other.heard.insert(Table::Cards, now);
        let changes = match (self.sabotage, told) {
            (Some(Sabotage::RevisionsIgnored), Told::Delta { put, gone, .. }) => {
                let puts = put.into_iter().map(|(key, card)| (key, Some(card)));
                puts.chain(gone.into_iter().map(|key| (key, None))).collect()
            }
            (Some(Sabotage::RevisionsIgnored), Told::At { .. }) => Vec::new(),
            (_, told) => other.cards.hear(told),
        };
        for (session, card) in &changes {
            match card {
                Some(card) => other.raw.insert(*session, Arc::clone(card)),
                None => other.raw.remove(session),
            };
        }
        for (session, card) in changes {
            self.put(from, session, card);
        }
    }

    /// Another node has told of its people.
    pub fn hear_people(
        &mut self,
        roster: &Roster,
        bots: &BotDesk,
        from: NodeId,
        told: People,
        now: Time,
    ) -> Stir {
        let Some(other) = self.others.get_mut(&from) else { return Stir::default() };
        other.heard.insert(Table::People, now);
        take_in(roster, bots, from, other.people.hear(told))
    }

    /// Nodes that live are asked for their part; what may have been missed is asked for anew.
    pub fn doubt(&mut self, members: &Members, now: Time) -> Vec<(NodeId, Message)> {
        for other in self.others.values_mut() {
            other.cards.doubt();
            other.people.doubt();
            other.asked.clear();
        }
        self.ask(members, now)
    }

    /// A node is dead.
    pub fn bury(&mut self, roster: &Roster, bots: &BotDesk, dead: NodeId, now: Time) -> Stir {
        self.readers.retain(|(_, reader)| *reader != dead);
        let Some(mut other) = self.others.remove(&dead) else { return Stir::default() };
        for (session, card) in &other.raw {
            let away = Card { online: false, ..Card::clone(card) };
            self.put(dead, *session, Some(Arc::new(away)));
            self.fading.push((now + FADE, dead, *session));
        }
        take_in(roster, bots, dead, other.people.clear())
    }

    /// Asks the nodes that live for what this one lacks of them.
    fn ask(&mut self, members: &Members, now: Time) -> Vec<(NodeId, Message)> {
        let mut wanted = Vec::new();
        for node in members.others() {
            let other = self.others.entry(node).or_default();
            let (people, cards) = (&other.people, &other.cards);
            let lacks = [
                (Table::People, people.lags(), people.revision()),
                (Table::Cards, cards.lags(), cards.revision()),
            ];
            for (table, lacks, since) in lacks {
                let asked = other.asked.get(&table);
                if lacks && asked.is_none_or(|asked| now - asked >= ASK_AGAIN) {
                    other.asked.insert(table, now);
                    wanted.push((node, Message::Wanted { site: site(), table, since }));
                }
            }
        }
        wanted
    }

    fn put(&mut self, by: NodeId, session: SessionId, card: Option<Arc<Card>>) {
        let shown = self.shown.entry(session).or_default();
        match card {
            Some(card) => shown.insert(by, card),
            None => shown.remove(&by),
        };
        self.count(session);
    }

    /// While one node takes a session over from another, both may show it: the further one counts.
    fn count(&mut self, session: SessionId) {
        let shown = self.shown.get(&session).into_iter().flat_map(|shown| shown.values());
        match shown.max_by_key(|card| (card.offset, card.online)).cloned() {
            Some(counts) => {
                self.board.insert(session, counts);
            }
            None => {
                self.shown.remove(&session);
                self.board.remove(&session);
            }
        }
    }

    fn fade(&mut self, now: Time) {
        let over: Vec<_> = self.fading.extract_if(.., |(until, ..)| *until <= now).collect();
        for (_, node, session) in over {
            // One that is back shows it by itself.
            if !self.others.get(&node).is_some_and(|other| other.raw.contains_key(&session)) {
                self.put(node, session, None);
            }
        }
    }

    /// Which nodes show a session.
    pub fn shown_by(&self, session: SessionId) -> Vec<NodeId> {
        self.shown.get(&session).into_iter().flatten().map(|(node, _)| *node).collect()
    }

    /// Whether this node waits for anything of the others.
    pub fn lags(&self) -> bool {
        self.others.values().any(|other| other.cards.lags() || other.people.lags())
    }
}

fn take_in(roster: &Roster, bots: &BotDesk, from: NodeId, changes: Changes<Who, Person>) -> Stir {
    let mut stir = Stir::default();
    for (who, person) in changes {
        match (who, person) {
            (Who::Operator(id), Some(Person::Operator { card, declared })) => {
                roster.put(from, Entry { card, declared });
                stir.operators.push(id);
            }
            (Who::Operator(id), _) => {
                roster.remove(from, &id);
                stir.operators.push(id);
            }
            (Who::Bot(connection), Some(_)) => {
                let bot = Bot { id: (from, connection), outbox: None };
                stir.sessions.extend(bots.join(bot));
            }
            (Who::Bot(connection), None) => {
                stir.sessions.extend(bots.leave((from, connection)));
            }
        }
    }
    // The desk tells them in no order.
    stir.sessions.sort();
    stir
}
