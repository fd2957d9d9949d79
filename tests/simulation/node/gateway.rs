//! Clients' connections to a node: as `src/gateway` lets them in, passes their commands on, lets
//! them follow, and takes leave for them.

use std::collections::BTreeMap;

use vigie::bots::Bot;
use vigie::cluster::message::{Person, Who as Known};
use vigie::core::decide::Refusal;
use vigie::core::view::{Audience, visible_to};
use vigie_protocol::event::Offset;
use vigie_protocol::id::SessionId;

use super::actor::{ActorInput, Answer, Arrive, Follow};
use super::share::Stir;
use super::{Core, Followed, Input, OperatorInput, To};
use crate::clients::{Error, FromNode, Outcome, RequestId, ToNode, Who};
use crate::server::{Ask, Away, Told};
use crate::world::{Connection, Outside};

/// How often a visitor's arrival is tried.
const ARRIVALS_MAX: u32 = 5;

/// How often a follower asks an actor that is busy.
const ATTEMPTS_MAX: u32 = 5;

/// A client that is connected here.
#[derive(Debug)]
pub struct Guest {
    pub who: Who,
    arrival: Option<Arrival>,
    /// The visitor's session.
    session: Option<SessionId>,
    follows: BTreeMap<SessionId, Following>,
}

#[derive(Debug)]
struct Arrival {
    arrive: Arrive,
    tries: u32,
}

#[derive(Debug)]
struct Following {
    audience: Audience,
    last: Offset,
    prev: Offset,
    tries: u32,
    live: bool,
}

impl Core {
    pub(super) fn said(&mut self, connection: Connection, said: ToNode, outside: &mut Outside) {
        match said {
            ToNode::Hello(who) => self.open(connection, who, outside),
            ToNode::Bye => self.close(connection, outside),
            ToNode::Do { request, session, command } => {
                if self.guests.contains_key(&connection) {
                    let answer = Answer::Client(connection, request);
                    let input = ActorInput::Do { command, answer };
                    outside.input(self.index, Input::ToSession(session, input));
                }
            }
            ToNode::Follow { session, after } => {
                let Some(guest) = self.guests.get_mut(&connection) else { return };
                let audience = match guest.who {
                    Who::Visitor { .. } => Audience::Visitor,
                    Who::Operator(_) => Audience::Operator,
                    Who::Bot => Audience::Bot,
                };
                let (last, prev, tries, live) = (after, after, 0, false);
                guest.follows.insert(session, Following { audience, last, prev, tries, live });
                self.follow(connection, session, outside);
            }
        }
    }

    fn open(&mut self, connection: Connection, who: Who, outside: &mut Outside) {
        let (arrival, session, follows) = (None, None, BTreeMap::new());
        match &who {
            Who::Visitor { visitor, .. } => {
                outside.ask(self.index, To::Arrival(connection), Ask::LatestOf(*visitor));
            }
            Who::Operator(operator) => {
                let online = OperatorInput::Online(connection, operator.clone());
                outside.input(self.index, Input::ToOperator(operator.id.clone(), online));
                outside.reply(connection, FromNode::Welcome(None));
            }
            Who::Bot => {
                self.share.enter(Known::Bot(connection), Some(Person::Bot {}));
                let bot = Bot { id: (self.id, connection), outbox: None };
                self.look_for_bots(self.bots.join(bot), outside);
                outside.reply(connection, FromNode::Welcome(None));
            }
        }
        self.guests.insert(connection, Guest { who, arrival, session, follows });
    }

    fn close(&mut self, connection: Connection, outside: &mut Outside) {
        let Some(guest) = self.guests.remove(&connection) else { return };
        for session in guest.follows.into_keys() {
            self.take_leave(connection, session, false, outside);
        }
        match guest.who {
            Who::Visitor { .. } => {
                let arriving = guest.arrival.map(|arrival| arrival.session());
                if let Some(session) = guest.session.or(arriving) {
                    self.take_leave(connection, session, true, outside);
                }
            }
            Who::Operator(operator) => {
                let offline = OperatorInput::Offline(connection);
                outside.input(self.index, Input::ToOperator(operator.id, offline));
            }
            Who::Bot => {
                self.share.enter(Known::Bot(connection), None);
                self.look_for_bots(self.bots.leave((self.id, connection)), outside);
            }
        }
    }

    fn take_leave(
        &self,
        connection: Connection,
        session: SessionId,
        visitor: bool,
        outside: &mut Outside,
    ) {
        let input = ActorInput::Leave { connection, visitor };
        outside.input(self.index, Input::IfRunning(session, input));
    }

    fn look_for_bots(&self, mut sessions: Vec<SessionId>, outside: &mut Outside) {
        // The desk tells them in no order.
        sessions.sort();
        self.stir(Stir { sessions, operators: vec![] }, outside);
    }

    /// What the log has of a visitor who is at the door.
    pub(super) fn latest_of(
        &mut self,
        connection: Connection,
        told: Result<Told, Away>,
        outside: &mut Outside,
    ) {
        let Some(guest) = self.guests.get_mut(&connection) else { return };
        let Who::Visitor { visitor, request } = guest.who else { return };
        let Ok(Told::Latest(latest)) = told else {
            return outside.reply(connection, FromNode::TurnedAway(Error::Unavailable));
        };
        let (ordinal, new) = match latest {
            Some((ordinal, false)) => (ordinal, false),
            Some((ordinal, true)) => (ordinal + 1, true),
            None => (1, true),
        };
        let arrive = Arrive { connection, request, visitor, ordinal, new };
        guest.arrival = Some(Arrival { arrive, tries: 0 });
        self.arrive(connection, outside);
    }

    fn arrive(&mut self, connection: Connection, outside: &mut Outside) {
        let Some(guest) = self.guests.get_mut(&connection) else { return };
        let Some(arrival) = &mut guest.arrival else { return };
        if arrival.tries == ARRIVALS_MAX {
            guest.arrival = None;
            return outside.reply(connection, FromNode::TurnedAway(Error::Busy));
        }
        arrival.tries += 1;
        let arrive = arrival.arrive;
        outside.check.asked(arrive.request, arrival.session(), arrive.command(), outside.now);
        let input = ActorInput::Arrive(arrive);
        outside.input(self.index, Input::ToSession(arrival.session(), input));
    }

    pub(super) fn arrived(
        &mut self,
        connection: Connection,
        arrived: Result<(), Error>,
        outside: &mut Outside,
    ) {
        let Some(guest) = self.guests.get_mut(&connection) else { return };
        let Some(arrival) = &mut guest.arrival else { return };
        let session = arrival.session();
        match arrived {
            Ok(()) => {
                guest.session = Some(session);
                guest.arrival = None;
                return outside.reply(connection, FromNode::Welcome(Some(session)));
            }
            Err(Error::Refused(Refusal::Closed)) => {
                arrival.arrive.ordinal += 1;
                arrival.arrive.new = false;
            }
            Err(Error::Busy) => arrival.arrive.new = false,
            Err(error) => {
                guest.arrival = None;
                outside.reply(connection, FromNode::TurnedAway(error));
            }
        }
        self.take_leave(connection, session, true, outside);
        self.arrive(connection, outside);
    }

    fn follow(&mut self, connection: Connection, session: SessionId, outside: &mut Outside) {
        let Some(guest) = self.guests.get(&connection) else { return };
        let Some(following) = guest.follows.get(&session) else { return };
        let (audience, after) = (following.audience, following.last);
        let input = ActorInput::Follow(Follow { connection, audience, after });
        outside.input(self.index, Input::ToSession(session, input));
    }

    pub(super) fn followed(
        &mut self,
        connection: Connection,
        session: SessionId,
        followed: Result<Followed, Error>,
        outside: &mut Outside,
    ) {
        let Some(guest) = self.guests.get_mut(&connection) else { return };
        let Some(following) = guest.follows.get_mut(&session) else { return };
        match followed {
            Ok(Followed { live: true, .. }) => following.live = true,
            Ok(Followed { head, .. }) => {
                if following.last < head {
                    let ask = Ask::Read { session, after: following.last };
                    outside.ask(self.index, To::Past(connection, session), ask);
                }
            }
            Err(Error::Busy) if following.tries < ATTEMPTS_MAX => {
                following.tries += 1;
                self.follow(connection, session, outside);
            }
            Err(error) => {
                guest.follows.remove(&session);
                outside.reply(connection, FromNode::NotFollowing(session, error));
            }
        }
    }

    /// What has happened before a follower came.
    pub(super) fn past(
        &mut self,
        connection: Connection,
        session: SessionId,
        told: Result<Told, Away>,
        outside: &mut Outside,
    ) {
        let Some(guest) = self.guests.get_mut(&connection) else { return };
        let Some(following) = guest.follows.get_mut(&session) else { return };
        let Ok(Told::Events(Some(events))) = told else {
            return outside.reply(connection, FromNode::Closed);
        };
        for event in events {
            following.last = event.offset;
            let Some(seen) = visible_to(&event, following.audience) else { continue };
            let prev = std::mem::replace(&mut following.prev, event.offset);
            let event = Box::new(seen.into_owned());
            outside.reply(connection, FromNode::Event { session, prev, event });
        }
        self.follow(connection, session, outside);
    }
}

impl Arrival {
    fn session(&self) -> SessionId {
        SessionId::nth(self.arrive.visitor, self.arrive.ordinal)
    }
}

impl Outside {
    /// A node answers a client's command.
    pub fn answer_client(&mut self, connection: Connection, request: RequestId, outcome: Outcome) {
        self.judge(request, &outcome);
        self.reply(connection, FromNode::Answered(request, outcome));
    }
}
