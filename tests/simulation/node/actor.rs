//! A session with somebody in it: as `src/actors/session.rs`, `fold.rs`, `handle.rs`, `fanout.rs`.

use std::collections::VecDeque;
use std::sync::Arc;

use vigie::bots::BotId;
use vigie::core::cluster::{Attendance, NodeId};
use vigie::core::decide::{Command, Refusal};
use vigie::core::effect::{Wants, effects};
use vigie::core::end::LogEnd;
use vigie::core::projection::{Outcome, Projection, Refolded, Step};
use vigie::core::session::Session;
use vigie::core::view::{Audience, visible_to};
use vigie_protocol::event::{Event, Offset, VisitorContext};
use vigie_protocol::id::{SessionId, VisitorId};

use super::attend::Attending;
use super::perform::Asked;
use super::{ActorId, Core, Followed, Input, Leave, Purpose, RETRY, To};
use crate::clients::{Error, FromNode, RequestId};
use crate::plan::{LATE_MAX, Sabotage};
use crate::server::{Ask, Away, Told};
use crate::world::{Connection, Outside, Time};

/// How long an actor that has retired still answers those who found it before.
const LINGER: Time = 1_000;

/// One session at one node.
pub struct Actor {
    pub id: ActorId,
    pub session: SessionId,
    pub state: State,
    /// What comes while the log is read for the first time, and what that is read for.
    reading: Option<VecDeque<ActorInput>>,
    pub(super) visitors: Vec<Connection>,
    followers: Vec<(Connection, Audience)>,
    seen: [Offset; Audience::ALL.len()],
    following: Vec<Follow>,
    pub(super) grace: Option<u64>,
    shown: bool,
    /// Something has happened since it was looked whether the visitor is taken for gone.
    unsure: bool,
    pub asked: Option<Asked>,
    pub(super) bot: Option<BotId>,
    pub attending: Attending,
    pub retired: bool,
}

/// What is known of the log.
pub enum State {
    Blank,
    Missing,
    Folded(Box<Folded>),
}

pub struct Folded {
    pub projection: Projection<Answer>,
    /// What the session wanted when this node last saw to it.
    pub wants: Wants,
}

/// Whom a command's outcome is told.
#[derive(Debug)]
pub enum Answer {
    Client(Connection, RequestId),
    Visitor(Connection, RequestId),
    Nobody,
}

/// What comes to an actor.
#[derive(Debug)]
pub enum ActorInput {
    Do { command: Command, answer: Answer },
    Arrive(Arrive),
    Follow(Follow),
    Leave { connection: Connection, visitor: bool },
    BotsChanged,
    Wake,
    Heard { after: LogEnd, events: Vec<Event> },
    Attended(Attendance),
    LivesOrNot(NodeId),
    LookAnew,
    BotHas { turn: Offset },
    Told(Purpose, Result<Told, Away>),
    Alarm(Alarm),
}

/// A timer that has run out.
#[derive(Debug)]
pub enum Alarm {
    Grace(u64),
    Turn(u64),
    Unheard(u64),
    Knows(u64),
    Cold(u64),
    Attend,
    EndTurn(Command),
    LookAgain,
}

#[derive(Debug, Clone, Copy)]
pub struct Arrive {
    pub connection: Connection,
    pub request: RequestId,
    pub visitor: VisitorId,
    pub ordinal: u32,
    pub new: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Follow {
    pub connection: Connection,
    pub audience: Audience,
    pub after: Offset,
}

impl Arrive {
    pub fn command(&self) -> Command {
        let Self { visitor, ordinal, .. } = *self;
        Command::Arrive { visitor, ordinal, context: VisitorContext::default(), data: None }
    }
}

impl Actor {
    pub fn new(id: ActorId, session: SessionId) -> Self {
        Self {
            id,
            session,
            state: State::Blank,
            reading: None,
            visitors: Vec::new(),
            followers: Vec::new(),
            seen: Default::default(),
            following: Vec::new(),
            grace: None,
            shown: false,
            unsure: false,
            asked: None,
            bot: None,
            attending: Attending::default(),
            retired: false,
        }
    }

    pub fn take(&mut self, input: ActorInput, core: &mut Core, outside: &mut Outside) {
        if let ActorInput::Told(Purpose::FirstRead, told) = input {
            return self.first_read(told, core, outside);
        }
        if let Some(waiting) = &mut self.reading {
            return waiting.push_back(input);
        }
        if matches!(&input, ActorInput::Arrive(arrive) if arrive.new)
            && matches!(self.state, State::Blank)
        {
            self.begin(core);
        }
        let needs_log = matches!(
            input,
            ActorInput::Do { .. }
                | ActorInput::Arrive(_)
                | ActorInput::Follow(_)
                | ActorInput::Wake
        );
        if needs_log && matches!(self.state, State::Blank) {
            // Attended first: what is appended while the log is read is heard.
            self.attend(core, outside);
            self.reading = Some([input].into());
            let ask = Ask::Read { session: self.session, after: 0 };
            return outside.ask(core.index, To::Actor(self.id, Purpose::FirstRead), ask);
        }
        self.handle(input, core, outside);
    }

    fn first_read(&mut self, told: Result<Told, Away>, core: &mut Core, outside: &mut Outside) {
        match told {
            Ok(Told::Events(Some(events))) => {
                self.fold_into(fold(self.session, core, &events), core);
                self.publish(&[], core, outside);
            }
            Ok(_) => self.state = State::Missing,
            Err(Away) => {
                self.send_away(outside);
                self.retire(core, outside);
            }
        }
        let mut waiting = self.reading.take().unwrap_or_default();
        // What it was read for comes first, and is not read for again.
        if let Some(first) = waiting.pop_front() {
            self.handle(first, core, outside);
        }
        while let Some(input) = waiting.pop_front() {
            self.take(input, core, outside);
        }
    }

    fn handle(&mut self, input: ActorInput, core: &mut Core, outside: &mut Outside) {
        match input {
            ActorInput::Do { command, answer } => {
                match self.must_be_active().and_then(|()| self.must_be_folded()) {
                    Ok(()) => self.enqueue(command, answer, core, outside),
                    Err(error) => {
                        refuse(answer, error, core, outside);
                        self.retire_if_idle(core, outside);
                    }
                }
            }
            ActorInput::Arrive(arrive) => self.arrive(arrive, core, outside),
            ActorInput::Follow(follow) => {
                if let Err(error) = self.must_be_active() {
                    return self.tell_follower(follow, Err(error), core, outside);
                }
                if let State::Folded(folded) = &mut self.state {
                    folded.projection.hear_of(LogEnd::at(follow.after));
                }
                self.following.push(follow);
                self.pump(core, outside);
            }
            ActorInput::Leave { connection, visitor } => {
                self.followers.retain(|(follower, _)| *follower != connection);
                self.following.retain(|follow| follow.connection != connection);
                if visitor {
                    self.lose_visitor(connection, core, outside);
                    self.await_return(core, outside);
                    self.show_card(core);
                }
                self.retire_if_idle(core, outside);
            }
            ActorInput::BotsChanged => self.ask_another_bot(core, outside),
            ActorInput::Wake => self.retire_if_idle(core, outside),
            ActorInput::Heard { after, events } => match &mut self.state {
                State::Folded(folded) => {
                    let news = folded.projection.hear(after, events);
                    if !news.is_empty() {
                        self.publish(&news, core, outside);
                    }
                    self.pump(core, outside);
                }
                State::Missing => self.state = State::Blank,
                State::Blank => {}
            },
            ActorInput::Attended(attendance) => self.hear_of_attendance(attendance, core, outside),
            ActorInput::LivesOrNot(node) => self.look_who_lives(node, core, outside),
            ActorInput::LookAnew => self.doubt_attendance(core, outside),
            ActorInput::BotHas { turn } => self.bot_has(turn),
            ActorInput::Told(purpose, told) => self.told(purpose, told, core, outside),
            ActorInput::Alarm(alarm) => self.alarm(alarm, core, outside),
        }
    }

    fn told(
        &mut self,
        purpose: Purpose,
        told: Result<Told, Away>,
        core: &mut Core,
        outside: &mut Outside,
    ) {
        match purpose {
            Purpose::FirstRead => {}
            Purpose::Attend => return self.attended(told, core, outside),
            Purpose::Append => self.append_ended(told, core, outside),
            Purpose::CatchUp => match told {
                Ok(Told::Events(events)) => {
                    let State::Folded(folded) = &mut self.state else { return };
                    let news = folded.projection.caught_up(events.unwrap_or_default());
                    if !news.is_empty() {
                        self.publish(&news, core, outside);
                    }
                }
                _ => self.wait_for_log(core, outside),
            },
            Purpose::Refold => match told {
                Ok(Told::Events(events)) => self.take_up(events, core, outside),
                _ => self.wait_for_log(core, outside),
            },
        }
        self.pump(core, outside);
    }

    fn append_ended(&mut self, told: Result<Told, Away>, core: &mut Core, outside: &mut Outside) {
        let State::Folded(folded) = &mut self.state else { return };
        match told {
            Ok(Told::Appended) => {
                let committed = folded.projection.appended();
                self.publish(&committed.events, core, outside);
                self.tell(committed.outcomes, core, outside);
            }
            Ok(Told::Conflict) => {
                outside.check.conflict();
                folded.projection.conflicted();
            }
            Ok(told) => outside.check.fail(format!("an append was answered with {told:?}")),
            Err(Away) => {
                let waiting = folded.projection.failed();
                self.turn_all_away(waiting, core, outside);
                // Should it take effect after all, nobody tells the node that it is from.
                self.alarm_after(LATE_MAX + 1, Alarm::Attend, core, outside);
            }
        }
    }

    fn take_up(&mut self, events: Option<Vec<Event>>, core: &mut Core, outside: &mut Outside) {
        let State::Folded(folded) = &mut self.state else { return };
        let known = folded.projection.committed() as usize;
        let events = events.unwrap_or_default();
        let there =
            events[..known.min(events.len())].last().map_or_else(LogEnd::default, LogEnd::of);
        let session = fold(self.session, core, &events);
        match folded.projection.refolded(session, there) {
            Refolded::Whole => {
                let news = events.get(known..).unwrap_or_default();
                self.publish(news, core, outside);
            }
            Refolded::Lost => outside.check.fail("a log that loses nothing was found shorter"),
        }
    }

    pub(super) fn enqueue(
        &mut self,
        command: Command,
        answer: Answer,
        core: &mut Core,
        outside: &mut Outside,
    ) {
        if core.sabotage == Some(Sabotage::NobodyIsFenced)
            && let Command::Answer { name, epoch, turn, text, .. } = &command
        {
            return outside.append_unasked(self.session, name, (*epoch, *turn), text);
        }
        let State::Folded(folded) = &mut self.state else {
            return refuse(answer, Error::Busy, core, outside);
        };
        match folded.projection.push(command, answer) {
            Ok(()) => self.pump(core, outside),
            Err(answer) => refuse(answer, Error::Busy, core, outside),
        }
    }

    /// Takes the projection's steps until one has to be waited for.
    pub(super) fn pump(&mut self, core: &mut Core, outside: &mut Outside) {
        while self.attending.attends
            && let State::Folded(folded) = &mut self.state
            && let Some(step) = folded.projection.step(core.date(outside.now))
        {
            let session = self.session;
            let (purpose, ask) = match step {
                Step::Append { expected: LogEnd { offset: expected, .. }, events } => {
                    (Purpose::Append, Ask::Append { session, expected, events })
                }
                Step::ReadAfter(after) => (Purpose::CatchUp, Ask::Read { session, after }),
                Step::ReadAnew => (Purpose::Refold, Ask::Read { session, after: 0 }),
                Step::Tell(outcomes) => {
                    self.tell(outcomes, core, outside);
                    continue;
                }
            };
            outside.ask(core.index, To::Actor(self.id, purpose), ask);
        }
        self.take_followers(core, outside);
        self.reassure(core, outside);
        self.retire_if_idle(core, outside);
    }

    pub(super) fn publish(&mut self, events: &[Event], core: &mut Core, outside: &mut Outside) {
        for event in events {
            self.fan_out(event, outside);
        }
        self.unsure = true;
        self.see_to_it(core, outside);
        // That the visitor is there may be news, and old.
        self.await_return(core, outside);
        self.show_card(core);
    }

    fn fan_out(&mut self, event: &Event, outside: &mut Outside) {
        for audience in Audience::ALL {
            let Some(seen) = visible_to(event, audience) else { continue };
            let prev = std::mem::replace(&mut self.seen[audience as usize], event.offset);
            for (connection, _) in self.followers.iter().filter(|(_, a)| *a == audience) {
                let event = Box::new(seen.clone().into_owned());
                let session = self.session;
                outside.reply(*connection, FromNode::Event { session, prev, event });
            }
        }
    }

    /// Sees to what has changed in what the session wants, if that is this node's business.
    pub(super) fn see_to_it(&mut self, core: &mut Core, outside: &mut Outside) {
        let steward = self.is_steward(core);
        let State::Folded(folded) = &mut self.state else { return };
        if steward {
            let to_see_to = effects(&folded.wants, folded.projection.session());
            folded.wants = Wants::of(folded.projection.session());
            for effect in to_see_to {
                self.perform(effect, core, outside);
            }
        } else if folded.wants != Wants::default() {
            self.hand_over(core, outside);
        }
        self.settle_turn(core);
    }

    fn tell(&mut self, outcomes: Vec<Outcome<Answer>>, core: &mut Core, outside: &mut Outside) {
        for (answer, outcome) in outcomes {
            let outcome = outcome.map_err(Error::Refused);
            match answer {
                Answer::Client(connection, request) => {
                    outside.answer_client(connection, request, outcome);
                }
                Answer::Visitor(connection, request) => {
                    if outcome.is_err() {
                        self.lose_visitor(connection, core, outside);
                    }
                    outside.judge(request, &outcome);
                    let arrived = Input::Arrived(connection, outcome.map(drop));
                    outside.input(core.index, arrived);
                }
                Answer::Nobody => {}
            }
        }
        self.show_card(core);
    }

    pub(super) fn turn_all_away(
        &mut self,
        waiting: Vec<(Command, Answer)>,
        core: &mut Core,
        outside: &mut Outside,
    ) {
        for (command, answer) in waiting {
            match (&command, &answer) {
                (Command::Answer { .. } | Command::FailTurn { .. }, Answer::Nobody) => {
                    self.alarm_after(RETRY, Alarm::EndTurn(command), core, outside);
                }
                // Nobody else would try it again: what it was for is looked at again.
                (_, Answer::Nobody) => self.alarm_after(RETRY, Alarm::LookAgain, core, outside),
                _ => {
                    if let Answer::Visitor(connection, _) = answer {
                        self.lose_visitor(connection, core, outside);
                    }
                    refuse(answer, Error::Unavailable, core, outside);
                }
            }
        }
    }

    pub(super) fn alarm_after(&self, time: Time, alarm: Alarm, core: &Core, outside: &mut Outside) {
        let input = Input::ToActor(self.id, ActorInput::Alarm(alarm));
        outside.input_after(core.index, time, input);
    }

    fn alarm(&mut self, alarm: Alarm, core: &mut Core, outside: &mut Outside) {
        match alarm {
            Alarm::Grace(timer) if self.grace == Some(timer) => {
                self.give_visitor_up(core, outside);
            }
            Alarm::Turn(timer) => self.turn_is_over(timer, core, outside),
            Alarm::Unheard(timer) => self.ask_again(timer, core, outside),
            Alarm::Knows(timer) => self.knowledge_answers(timer, core, outside),
            Alarm::Cold(timer) => self.grow_cold(timer, core, outside),
            Alarm::Attend => self.attend(core, outside),
            Alarm::EndTurn(command) if !self.retired => {
                self.enqueue(command, Answer::Nobody, core, outside);
            }
            Alarm::LookAgain if !self.retired => {
                if let State::Folded(folded) = &mut self.state {
                    folded.projection.retry();
                }
                // What could not be shown while the log was asked is now.
                self.publish(&[], core, outside);
                self.pump(core, outside);
            }
            Alarm::Grace(_) | Alarm::EndTurn(_) | Alarm::LookAgain => {}
        }
    }

    fn arrive(&mut self, arrive: Arrive, core: &mut Core, outside: &mut Outside) {
        let answer = Answer::Visitor(arrive.connection, arrive.request);
        if let Err(error) = self.must_be_active() {
            return refuse(answer, error, core, outside);
        }
        if matches!(self.state, State::Missing) {
            self.begin(core);
        }
        if let Err(error) = self.must_be_folded() {
            return refuse(answer, error, core, outside);
        }
        self.visitors.push(arrive.connection);
        self.await_return(core, outside);
        if self.visitors.len() == 1 {
            self.attend(core, outside);
        }
        self.enqueue(arrive.command(), answer, core, outside);
    }

    fn must_be_folded(&self) -> Result<(), Error> {
        match &self.state {
            State::Folded(_) => Ok(()),
            State::Blank => Err(Error::Busy),
            State::Missing => Err(Error::Refused(Refusal::Unknown)),
        }
    }

    fn must_be_active(&self) -> Result<(), Error> {
        if self.retired { Err(Error::Busy) } else { Ok(()) }
    }

    /// Puts the session's card on the board, or takes it off.
    pub(super) fn show_card(&mut self, core: &mut Core) {
        let steward = self.is_steward(core);
        let State::Folded(folded) = &self.state else { return };
        if !folded.projection.settled() || !(steward || self.shown) {
            return;
        }
        self.shown = steward;
        let online = self.visitor_is_here(core);
        let listed = steward && (online || self.grace.is_some());
        let session = folded.projection.session();
        let card = (listed && !session.closed()).then(|| session.card(online)).flatten();
        core.share.show(self.session, card.map(Arc::new));
    }

    /// Without a connection of the visitor: they may be back in a moment, or have left.
    pub(super) fn await_return(&mut self, core: &mut Core, outside: &mut Outside) {
        let State::Folded(folded) = &self.state else { return };
        let present = folded.projection.session().present();
        let awaited = self.is_steward(core) && !self.visitor_is_here(core) && present;
        if awaited && self.grace.is_none() {
            self.wait_for_visitor(outside.plan.visitor_grace, core, outside);
        } else if !awaited {
            self.grace = None;
        }
    }

    fn wait_for_visitor(&mut self, time: Time, core: &mut Core, outside: &mut Outside) {
        let timer = core.timer();
        self.grace = Some(timer);
        self.alarm_after(time, Alarm::Grace(timer), core, outside);
    }

    fn give_visitor_up(&mut self, core: &mut Core, outside: &mut Outside) {
        if !core.hears_others(outside.now) {
            // They may be at a node that cannot be heard.
            return self.wait_for_visitor(RETRY, core, outside);
        }
        self.grace = None;
        self.show_card(core);
        self.enqueue(Command::Depart, Answer::Nobody, core, outside);
    }

    /// Another node has taken a visitor for gone who is here.
    fn reassure(&mut self, core: &mut Core, outside: &mut Outside) {
        let State::Folded(folded) = &self.state else { return };
        let session = folded.projection.session();
        let sure = folded.projection.idle() && folded.projection.settled();
        if !sure || !std::mem::take(&mut self.unsure) {
            return;
        }
        if self.visitors.is_empty() || session.present() || session.closed() {
            return;
        }
        let Some(visitor) = session.visitor() else { return };
        let (ordinal, context) = (session.ordinal(), session.context().clone());
        let command = Command::Arrive { visitor, ordinal, context, data: None };
        self.enqueue(command, Answer::Nobody, core, outside);
    }

    fn begin(&mut self, core: &Core) {
        self.fold_into(fold(self.session, core, &[]), core);
    }

    fn fold_into(&mut self, session: Session, core: &Core) {
        let shared = core.sabotage != Some(Sabotage::RefusalsUnconfirmed);
        let projection = Projection::new(session, shared);
        self.state = State::Folded(Box::new(Folded { projection, wants: Wants::default() }));
    }

    /// The log cannot be read now: nobody is promised anything until it can be.
    fn wait_for_log(&mut self, core: &mut Core, outside: &mut Outside) {
        let State::Folded(folded) = &mut self.state else { return };
        let waiting = folded.projection.unreadable();
        self.turn_all_away(waiting, core, outside);
        for follow in std::mem::take(&mut self.following) {
            self.tell_follower(follow, Err(Error::Unavailable), core, outside);
        }
        self.alarm_after(RETRY, Alarm::LookAgain, core, outside);
    }

    fn send_away(&mut self, outside: &mut Outside) {
        let followers = self.followers.drain(..).map(|(connection, _)| connection);
        for connection in followers.chain(self.visitors.drain(..)) {
            outside.reply(connection, FromNode::Closed);
        }
    }

    /// Stops when nobody needs this projection of the log any more.
    pub(super) fn retire_if_idle(&mut self, core: &mut Core, outside: &mut Outside) {
        if self.idle() && !self.stays_warm(core, outside) {
            self.retire(core, outside);
        }
    }

    fn idle(&self) -> bool {
        let wanted = match &self.state {
            State::Folded(folded) => {
                folded.wants.turn.is_some()
                    || folded.wants.lease.is_some()
                    // Others may wait for this node, or take a visitor for here who is gone.
                    || !self.attending.agreed
                    || !folded.projection.idle()
            }
            State::Blank | State::Missing => false,
        };
        self.visitors.is_empty()
            && self.grace.is_none()
            && self.followers.is_empty()
            && self.following.is_empty()
            && !wanted
    }

    fn retire(&mut self, core: &mut Core, outside: &mut Outside) {
        if self.retired {
            return;
        }
        self.retired = true;
        if core.registry.get(&self.session) == Some(&self.id) {
            core.registry.remove(&self.session);
        }
        // Another node shows it from now on, or none.
        if std::mem::take(&mut self.shown) {
            core.share.show(self.session, None);
        }
        let wants = match &self.state {
            State::Folded(folded) => {
                let session = folded.projection.session();
                let Wants { turn, lease, .. } = Wants::of(session);
                turn.is_some() || lease.is_some() || (session.present() && !session.closed())
            }
            // While it attended, the others left the session to it.
            State::Blank => true,
            State::Missing => false,
        };
        core.leave(Leave { session: self.session, wants }, outside);
        let (index, id) = (core.index, self.id);
        outside.trace(|| format!("node {index}: actor {id} retires"));
        outside.input_after(index, LINGER, Input::Ends(id));
    }

    /// It is dropped; whoever still waits for it learns that.
    pub fn end(self, core: &Core, outside: &mut Outside) {
        for input in self.reading.iter().flatten() {
            match input {
                ActorInput::Do { answer: Answer::Client(connection, request), .. } => {
                    outside.answer_client(*connection, *request, Err(Error::Busy));
                }
                ActorInput::Arrive(Arrive { connection, .. }) => {
                    outside.input(core.index, Input::Arrived(*connection, Err(Error::Busy)));
                }
                ActorInput::Follow(follow) => {
                    self.tell_follower(*follow, Err(Error::Busy), core, outside);
                }
                _ => {}
            }
        }
    }

    /// Lets those follow who wait for it, once the fold is what is durable.
    fn take_followers(&mut self, core: &mut Core, outside: &mut Outside) {
        let settled = match &self.state {
            State::Folded(folded) => folded.projection.settled(),
            State::Blank | State::Missing => true,
        };
        if settled {
            for follow in std::mem::take(&mut self.following) {
                let followed = self.follow(follow);
                self.tell_follower(follow, followed, core, outside);
            }
        }
    }

    fn follow(&mut self, follow: Follow) -> Result<Followed, Error> {
        self.must_be_folded()?;
        let State::Folded(folded) = &self.state else { return Err(Error::Busy) };
        let head = folded.projection.committed();
        if follow.after > head {
            return Err(Error::OffsetAhead);
        }
        let live = follow.after == head;
        if live {
            let session = folded.projection.session();
            self.seen = Audience::ALL.map(|audience| session.head_for(audience));
            self.followers.retain(|(connection, _)| *connection != follow.connection);
            self.followers.push((follow.connection, follow.audience));
        }
        Ok(Followed { head, live })
    }

    fn tell_follower(
        &self,
        follow: Follow,
        followed: Result<Followed, Error>,
        core: &Core,
        outside: &mut Outside,
    ) {
        let input = Input::Followed(follow.connection, self.session, followed);
        outside.input(core.index, input);
    }
}

fn fold(session: SessionId, core: &Core, events: &[Event]) -> Session {
    let mut session = Session::new(session, Arc::clone(&core.settings));
    for event in events {
        session.apply(event);
    }
    session
}

fn refuse(answer: Answer, error: Error, core: &Core, outside: &mut Outside) {
    match answer {
        Answer::Client(connection, request) => {
            outside.answer_client(connection, request, Err(error));
        }
        Answer::Visitor(connection, _) => {
            outside.input(core.index, Input::Arrived(connection, Err(error)));
        }
        Answer::Nobody => {}
    }
}
