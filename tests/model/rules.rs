//! What must always hold, and what must be possible for the check to mean anything.

use stateright::Property;
use vigie::core::session::Session;
use vigie_protocol::event::{Author, ChatMessage, ControlCause, Event, EventBody};

use crate::clients::{Client, SAYINGS};
use crate::log::{changed_by, control_change};
use crate::machine::{Machine, Request, State, answer};

pub fn all() -> Vec<Property<Machine>> {
    let always = Property::<Machine>::always;
    let sometimes = Property::<Machine>::sometimes;
    vec![
        always("offsets have no gap", |_, state| keeps(state, no_gap)),
        always("each epoch has one holder", |_, state| keeps(state, one_holder_per_epoch)),
        always("the bot is silent under a human's epoch", |_, state| keeps(state, bot_silent)),
        always("the bot is heard under the epoch it was asked under", |_, state| {
            keeps(state, bot_heard_as_asked)
        }),
        always("only the holder replies", |_, state| keeps(state, only_holder_replies)),
        always("nothing is said twice", |_, state| {
            SAYINGS.into_iter().all(|saying| state.log.said(saying).len() <= 1)
        }),
        always("what is acknowledged is in the log, once", |_, state| {
            state.acknowledged().all(|(step, receipt)| state.log.proves(step, receipt))
        }),
        sometimes("a take-over overtakes the bot's answer", |_, state| {
            state.overtaken().any(|(request, event)| {
                matches!(request, Request::Answer(..)) && changed_by(event, ControlCause::TakeOver)
            })
        }),
        sometimes("a take-over overtakes another", |_, state| {
            state.overtaken().any(|(request, event)| {
                let claim = Request::Move((Client::Ann, 0));
                request == claim && changed_by(event, ControlCause::TakeOver)
            })
        }),
        sometimes("a forced take-over overtakes a reply", |_, state| {
            state.overtaken().any(|(request, event)| {
                let reply = Request::Move((Client::Ann, 1));
                request == reply && changed_by(event, ControlCause::Forced)
            })
        }),
        sometimes("what a crash kept unheard is heard after all", |_, state| {
            state.acknowledged().any(|(step, _)| state.unheard == Some(step))
        }),
        sometimes("the bot answers again after a human's part", |_, state| {
            state.log.events().any(|(before, event)| before.epoch() > 2 && by_bot(event))
        }),
        sometimes("a lease runs out", |_, state| {
            state.log.events().any(|(_, event)| changed_by(event, ControlCause::LeaseExpired))
        }),
    ]
}

/// Whether every event of the log fits the session that it came upon.
fn keeps(state: &State, fits: fn(&Session, &Event) -> bool) -> bool {
    state.log.events().all(|(before, event)| fits(before, event))
}

fn no_gap(before: &Session, event: &Event) -> bool {
    event.offset == before.head() + 1
}

fn one_holder_per_epoch(before: &Session, event: &Event) -> bool {
    control_change(event).is_none_or(|change| {
        change.epoch == before.epoch() + 1 && change.previous == before.control().holder
    })
}

fn bot_silent(before: &Session, event: &Event) -> bool {
    !(before.held() && by_bot(event))
}

fn bot_heard_as_asked(before: &Session, event: &Event) -> bool {
    match &event.body {
        EventBody::Message(ChatMessage { turn: Some(turn), text, .. }) => {
            *text == answer(before.epoch(), *turn)
        }
        _ => true,
    }
}

fn only_holder_replies(before: &Session, event: &Event) -> bool {
    match (&event.author, &event.body) {
        (Author::Operator { id, .. }, EventBody::Message(said)) => {
            before.holder() == id.as_ref() && said.epoch == before.epoch()
        }
        _ => true,
    }
}

const fn by_bot(event: &Event) -> bool {
    matches!(event.author, Author::Bot { .. })
}
