//! One site as several nodes have it: each lets the others read the cards of the sessions that it
//! sees to, and the operators and bots that are connected to it.
//!
//! A node that dies takes its part with it. Cards stay for a moment longer, as of visitors who are
//! away, until the node that sees to their sessions now shows them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use vigie_protocol::card::Card;
use vigie_protocol::id::{OperatorId, SessionId, SiteId};

use crate::actors::noticeboard::{Board, Entry, Roster};
use crate::bots::{Bot, BotDesk};
use crate::cluster::message::{Message, Person, Table, Who};
use crate::cluster::{Cluster, NodeId};
use crate::core::replica::{Changes, Owned, Replica, Told};

/// How long the cards of a dead node are still shown, unless another shows them.
const FADE: Duration = Duration::from_secs(1);

/// How long until a table that did not come is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How long somebody waits for what other nodes have.
const WHOLE_WITHIN: Duration = Duration::from_millis(500);

/// How many beats another node may say nothing of its tables until they are asked for anew.
const SILENCES: u32 = 3;

/// One site's part in the cluster.
pub struct Share {
    cluster: Arc<Cluster>,
    site: SiteId,
    /// How long changes of cards are gathered.
    gather: Duration,
    /// Told when a table has come.
    come: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cards: Owned<SessionId, Arc<Card>>,
    people: Owned<Who, Person>,
    /// When others were last told of cards.
    told: Option<Instant>,
    /// Who reads them.
    readers: BTreeSet<(Table, NodeId)>,
    /// Whether somebody here looks at cards.
    watched: bool,
    others: BTreeMap<NodeId, Other>,
    /// The cards that other nodes, or this one, show of a session.
    shown: HashMap<SessionId, BTreeMap<NodeId, Arc<Card>>>,
    /// What the dead have shown, until when.
    fading: Vec<(Instant, NodeId, SessionId)>,
}

/// What another node lets this one read.
#[derive(Debug)]
struct Other {
    met: Instant,
    cards: Replica<SessionId, Arc<Card>>,
    people: Replica<Who, Person>,
    asked: BTreeMap<Table, Instant>,
    heard: BTreeMap<Table, Instant>,
}

/// Whom to tell that something has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stir {
    /// Sessions that have to look for a bot again.
    pub sessions: Vec<SessionId>,
    /// Operators of whom other nodes have told.
    pub operators: Vec<OperatorId>,
}

/// What the site's actors leave for one another: what other nodes tell goes there as well.
#[derive(Clone, Copy)]
pub struct Boards<'a> {
    /// Cards.
    pub board: &'a Board,
    /// Operators.
    pub roster: &'a Roster,
    /// Bots.
    pub bots: &'a BotDesk,
}

impl Share {
    /// Nothing is shared yet.
    pub fn new(cluster: Arc<Cluster>, site: SiteId, gather: Duration) -> Self {
        Self { cluster, site, gather, come: Notify::new(), state: Mutex::default() }
    }

    /// Shows a session's card, or no longer; puts what counts of all nodes' on the board. Others are
    /// told at once, and of what follows soon after by [`Share::tick`].
    pub fn show(&self, board: &Board, session: SessionId, card: Option<Arc<Card>>) {
        let mut state = self.state();
        match &card {
            Some(card) => state.cards.put(session, Arc::clone(card)),
            None => state.cards.remove(&session),
        }
        state.show(board, self.cluster.me(), session, card);
        if state.told.is_none_or(|told| told.elapsed() >= self.gather) {
            self.tell_cards(&mut state);
        }
    }

    fn tell_cards(&self, state: &mut State) {
        for told in state.cards.flush() {
            state.told = Some(Instant::now());
            self.cluster.send_all(state.readers_of(Table::Cards), &self.of_cards(told));
        }
    }

    /// Lets others know, at once, of somebody who is connected here, or no longer is.
    pub fn enter(&self, who: Who, person: Option<Person>) {
        let mut state = self.state();
        match person {
            Some(person) => state.people.put(who, person),
            None => state.people.remove(&who),
        }
        for told in state.people.flush() {
            self.cluster.send_all(state.readers_of(Table::People), &self.of_people(told));
        }
    }

    /// Somebody here looks at cards from now on: those of the other nodes are wanted too, and
    /// awaited, but not for long.
    pub async fn watch(&self) {
        {
            let mut state = self.state();
            if !state.watched {
                state.watched = true;
                self.ask(&mut state);
            }
        }
        self.whole().await;
    }

    /// Resolves once everything has come that was asked for, or has not come for [`WHOLE_WITHIN`].
    pub async fn whole(&self) {
        let whole = async {
            loop {
                let come = self.come.notified();
                if !self.state().lacks(&self.cluster.others()) {
                    return;
                }
                come.await;
            }
        };
        // Whoever does not answer is asked again, and shown when it does.
        let _ = tokio::time::timeout(WHOLE_WITHIN, whole).await;
    }

    /// Asks the nodes that live for what this one lacks of them.
    pub fn greet(&self) {
        self.ask(&mut self.state());
    }

    /// Tells the readers what has changed, and lets go of what the dead have shown. `say_at`: also
    /// tells how far the tables are, so that a reader finds what it has missed, and asks for what has
    /// not come.
    pub fn tick(&self, board: &Board, say_at: bool) {
        let mut state = self.state();
        self.tell_cards(&mut state);
        if say_at {
            state.cards.beat();
            state.people.beat();
            let cards = self.of_cards(state.cards.at());
            let people = self.of_people(state.people.at());
            self.cluster.send_all(state.readers_of(Table::Cards), &cards);
            self.cluster.send_all(state.readers_of(Table::People), &people);
            self.ask(&mut state);
            state.forget_strangers(&self.cluster.others(), SILENCES * self.cluster.interval());
        }
        state.fade(board);
    }

    /// Another node wants what it lacks of a table since a revision.
    pub fn wanted(&self, by: NodeId, table: Table, since: u64) {
        if !self.cluster.lives(by) {
            // It was sent before this node knew it dead; should it live, it asks again.
            return;
        }
        let mut state = self.state();
        // What it gets is as of now: it hears of nothing twice.
        self.tell_cards(&mut state);
        state.readers.insert((table, by));
        // It may be newer than this node's last look at the roll, and have heard no question before.
        state.others.entry(by).or_default().asked.clear();
        self.ask_of(&mut state, by);
        let lacking: Vec<_> = match table {
            Table::Cards => {
                state.cards.since(since).into_iter().map(|t| self.of_cards(t)).collect()
            }
            Table::People => {
                state.people.since(since).into_iter().map(|t| self.of_people(t)).collect()
            }
        };
        for told in lacking {
            self.cluster.send(by, &told);
        }
    }

    /// Another node has told of its cards.
    pub fn hear_cards(&self, board: &Board, from: NodeId, told: Told<SessionId, Arc<Card>>) {
        let mut state = self.state();
        // Who is not known yet, or is taken for dead, is asked for all once it is back.
        let Some(other) = state.others.get_mut(&from) else { return };
        other.heard.insert(Table::Cards, Instant::now());
        for (session, card) in other.cards.hear(told) {
            state.show(board, from, session, card);
        }
        self.come.notify_waiters();
    }

    /// Another node has told of its people.
    pub fn hear_people(&self, boards: Boards<'_>, from: NodeId, told: Told<Who, Person>) -> Stir {
        let mut state = self.state();
        let Some(other) = state.others.get_mut(&from) else { return Stir::default() };
        other.heard.insert(Table::People, Instant::now());
        let changes = other.people.hear(told);
        self.come.notify_waiters();
        take_in(boards, from, changes)
    }

    /// Nodes that live are asked for their part; what may have been missed is asked for anew.
    pub fn doubt(&self) {
        let mut state = self.state();
        for other in state.others.values_mut() {
            other.cards.doubt();
            other.people.doubt();
            other.asked.clear();
        }
        self.ask(&mut state);
    }

    /// A node is dead.
    pub fn bury(&self, boards: Boards<'_>, dead: NodeId) -> Stir {
        let mut state = self.state();
        state.readers.retain(|(_, reader)| *reader != dead);
        let Some(mut other) = state.others.remove(&dead) else { return Stir::default() };
        let until = Instant::now() + FADE;
        for (session, card) in other.cards.entries() {
            let away = Card { online: false, ..Card::clone(card) };
            state.show(boards.board, dead, *session, Some(Arc::new(away)));
            state.fading.push((until, dead, *session));
        }
        take_in(boards, dead, other.people.clear())
    }

    /// Asks the nodes that live for what this one lacks of them.
    fn ask(&self, state: &mut State) {
        for node in self.cluster.others() {
            self.ask_of(state, node);
        }
    }

    fn ask_of(&self, state: &mut State, node: NodeId) {
        let now = Instant::now();
        let watched = state.watched;
        let other = state.others.entry(node).or_default();
        other.mind_silence(SILENCES * self.cluster.interval());
        for (table, since) in other.lacks(watched) {
            let asked = other.asked.get(&table);
            if asked.is_none_or(|asked| now.duration_since(*asked) >= ASK_AGAIN) {
                other.asked.insert(table, now);
                self.cluster.send(node, &Message::Wanted { site: self.site.clone(), table, since });
            }
        }
    }

    fn of_cards(&self, told: Told<SessionId, Arc<Card>>) -> Message {
        Message::Cards { site: self.site.clone(), told }
    }

    fn of_people(&self, told: Told<Who, Person>) -> Message {
        Message::People { site: self.site.clone(), told }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Other {
    fn default() -> Self {
        Self {
            met: Instant::now(),
            cards: Replica::default(),
            people: Replica::default(),
            asked: BTreeMap::new(),
            heard: BTreeMap::new(),
        }
    }
}

impl Other {
    /// Who reads a table is told at each beat how far it is; who is not told is not known as a
    /// reader any more.
    fn mind_silence(&mut self, silence: Duration) {
        let silent = |heard: Option<&Instant>| heard.is_some_and(|at| at.elapsed() > silence);
        if silent(self.heard.get(&Table::Cards)) {
            self.cards.doubt();
        }
        if silent(self.heard.get(&Table::People)) {
            self.people.doubt();
        }
    }

    /// Which tables must be asked for, and since which revision.
    fn lacks(&self, watched: bool) -> impl Iterator<Item = (Table, u64)> + use<> {
        let people = self.people.lags().then(|| (Table::People, self.people.revision()));
        let cards = (watched && self.cards.lags()).then(|| (Table::Cards, self.cards.revision()));
        people.into_iter().chain(cards)
    }
}

impl State {
    /// Whether something has not come yet of a node that lives. One that is not on the roll may never
    /// answer.
    fn lacks(&self, living: &[NodeId]) -> bool {
        let others = living.iter().filter_map(|node| self.others.get(node));
        others.into_iter().any(|other| other.lacks(self.watched).next().is_some())
    }

    /// Forgets who has asked and never come to be known as living.
    fn forget_strangers(&mut self, living: &[NodeId], patience: Duration) {
        let Self { others, readers, .. } = self;
        others.retain(|node, other| living.contains(node) || other.met.elapsed() < patience);
        readers.retain(|(_, reader)| others.contains_key(reader));
    }

    fn readers_of(&self, table: Table) -> impl Iterator<Item = NodeId> {
        self.readers.iter().filter(move |(read, _)| *read == table).map(|(_, reader)| *reader)
    }

    /// A node shows another card of a session; the board gets the one that counts.
    fn show(&mut self, board: &Board, by: NodeId, session: SessionId, card: Option<Arc<Card>>) {
        let shown = self.shown.entry(session).or_default();
        match card {
            Some(card) => shown.insert(by, card),
            None => shown.remove(&by),
        };
        // While one node takes a session over from another, both may show it: the further one counts.
        let counts = shown.values().max_by_key(|card| (card.offset, card.online)).cloned();
        if counts.is_none() {
            self.shown.remove(&session);
        }
        board.put(session, counts);
    }

    fn fade(&mut self, board: &Board) {
        let now = Instant::now();
        let over: Vec<_> = self.fading.extract_if(.., |(until, ..)| *until <= now).collect();
        for (_, node, session) in over {
            // One that is back shows it by itself.
            let back = self.others.get(&node);
            if !back.is_some_and(|other| other.cards.entries().contains_key(&session)) {
                self.show(board, node, session, None);
            }
        }
    }
}

fn take_in(boards: Boards<'_>, from: NodeId, changes: Changes<Who, Person>) -> Stir {
    let mut stir = Stir::default();
    for (who, person) in changes {
        match (who, person) {
            (Who::Operator(id), Some(Person::Operator { card, declared })) => {
                boards.roster.put(from, Entry { card, declared });
                stir.operators.push(id);
            }
            (Who::Operator(id), _) => {
                boards.roster.remove(from, &id);
                stir.operators.push(id);
            }
            (Who::Bot(connection), Some(_)) => {
                let bot = Bot { id: (from, connection), outbox: None };
                stir.sessions.extend(boards.bots.join(bot));
            }
            (Who::Bot(connection), None) => {
                stir.sessions.extend(boards.bots.leave((from, connection)));
            }
        }
    }
    stir
}
