//! The entries of a session's log.
//!
//! Everything that must not be lost is an event. Stored, sent and exported events have this one
//! shape; what a role may see of them is decided by the engine's core (`visible_to`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{Key, OperatorId, VisitorId};
use crate::scan::Scanner;

/// A position in a session's log: 1, 2, 3 … without gap; 0 stands before the first event.
pub type Offset = u64;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = u64;

/// Counts changes of control within a session; each change has a new one, from 1.
pub type Epoch = u64;

/// One entry of a session's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// Its position.
    pub offset: Offset,
    /// When the server accepted it.
    pub time: Millis,
    /// Who did it, stamped by the server.
    pub author: Author,
    /// What happened.
    pub body: EventBody,
}

/// Why bytes are not an event as a log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a stored event: {0}")]
pub struct NotStored(String);

impl Event {
    /// The event as a log keeps it: MessagePack with field names, so that what is added later
    /// disturbs nobody.
    ///
    /// # Panics
    /// Never: an event always serializes.
    pub fn to_stored(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("writing to memory does not fail")
    }

    /// Reads an event that a log has kept. It has the bounds of a message, which it is to be sent
    /// in; what is damaged cannot exhaust the stack.
    ///
    /// # Errors
    /// The bytes are not one event and nothing else, or it is longer or deeper than a message.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, NotStored> {
        match Scanner::default().scan(bytes) {
            Ok(Some(length)) if length == bytes.len() => {}
            Ok(Some(_)) => return Err(NotStored("more follows it".into())),
            Ok(None) => return Err(NotStored("its end is missing".into())),
            Err(error) => return Err(NotStored(error.to_string())),
        }
        let event: Self =
            rmp_serde::from_slice(bytes).map_err(|error| NotStored(error.to_string()))?;
        match event.body.misread() {
            None => Ok(event),
            Some(known) => Err(NotStored(format!("its {known:?} is not as this version knows it"))),
        }
    }
}

impl EventBody {
    /// The types that this version knows.
    pub const TYPES: &'static [&'static str] = &[
        "session_started",
        "visitor_returned",
        "visitor_left",
        "page_viewed",
        "message",
        "note",
        "human_requested",
        "control_changed",
        "bot_failed",
        "session_closed",
        "data_changed",
        "session_rated",
    ];

    /// The known type of an event that was carried as unknown because its content did not fit. To
    /// a log that is damage: who passes over a change of control no longer knows who answers.
    pub fn misread(&self) -> Option<&str> {
        match self {
            Self::Unknown(fields) => {
                let name = fields.get("type")?.as_str()?;
                Self::TYPES.contains(&name).then_some(name)
            }
            _ => None,
        }
    }
}

/// Who did something, stamped by the server and never taken from a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Author {
    /// The session's visitor.
    Visitor {},
    /// A human of the site.
    Operator {
        /// Absent in what visitors are shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<OperatorId>,
        /// The display name.
        name: String,
    },
    /// The AI that answers while no human is in control.
    Bot {
        /// Its display name.
        name: String,
    },
    /// The engine itself: a lease that ran out, a visitor who left.
    System {},
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What happened. Clients ignore types that they do not know; servers carry them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum EventBody {
    /// The first event of every session. Operators and bots.
    SessionStarted {
        /// Whose session it is.
        visitor: VisitorId,
        /// Which of the visitor's sessions: 1, 2, 3 …
        ordinal: u32,
        /// From where, on what, since when.
        context: VisitorContext,
    },
    /// The visitor came back after having left. Operators only.
    VisitorReturned {
        /// As it is now.
        context: VisitorContext,
    },
    /// The visitor's last connection has been gone for the grace time. Operators only.
    VisitorLeft {},
    /// The visitor opened a page. Operators and bots.
    PageViewed {
        /// Which one.
        page: Page,
    },
    /// Something said, by the visitor, an operator or the bot.
    Message(ChatMessage),
    /// A remark among operators. Operators only.
    Note {
        /// What it says.
        text: String,
        /// The client's key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<Key>,
    },
    /// The visitor asked for a human.
    HumanRequested {},
    /// Control went from one holder to another, under a new epoch.
    ControlChanged(ControlChange),
    /// The bot did not answer a turn: visible, never a silent session.
    BotFailed {
        /// The epoch that it was asked under.
        epoch: Epoch,
        /// The turn that stays unanswered.
        turn: Offset,
        /// Why.
        reason: BotFailure,
        /// For operators: what the bot said of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// The end of a session: nothing is appended after it but the visitor's rating.
    SessionClosed {
        /// Why.
        cause: CloseCause,
    },
    /// The site's page tells something else of its visitor than before. It is what the page
    /// claims, and proven by nothing. Operators and bots.
    DataChanged {
        /// All of it, in place of what was told before.
        data: CustomData,
    },
    /// The visitor says how they were served; the latest rating counts. Visitors and operators.
    SessionRated(Rating),
    /// A type that this version does not know, carried as it came.
    #[serde(untagged)]
    Unknown(serde_json::Map<String, serde_json::Value>),
}

/// Something said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChatMessage {
    /// Plain text, at most [`TEXT_BYTES_MAX`](crate::TEXT_BYTES_MAX) bytes; never markup.
    pub text: String,
    /// The epoch of control that it was said under.
    pub epoch: Epoch,
    /// The client's key. Shown to its author's side only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// For a bot's answer: the turn that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Offset>,
    /// Follow-ups that the visitor may choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
}

/// A follow-up offered to the visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Choice {
    /// What the visitor reads, and what is sent as their message when they choose it.
    pub label: String,
    /// What choosing it does.
    #[serde(default)]
    pub action: ChoiceAction,
}

/// What choosing a [`Choice`] does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ChoiceAction {
    /// Sends the label as the visitor's message.
    #[default]
    Send,
    /// Calls `request_human`.
    RequestHuman,
}

/// Control went from one holder to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ControlChange {
    /// The new epoch.
    pub epoch: Epoch,
    /// Who is in control from here on.
    pub holder: Holder,
    /// Who was before.
    pub previous: Holder,
    /// How it changed.
    pub cause: ControlCause,
    /// For operators: why, where a reason was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For the visitor, in their language: the short text to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// Who answers a session: the bot, or exactly one operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Holder {
    /// The bot answers.
    Bot {},
    /// A human answers; the bot is silent.
    Operator {
        /// Absent in what visitors are shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<OperatorId>,
        /// The display name.
        name: String,
    },
}

/// Who is in control, under which epoch, since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Control {
    /// The current epoch.
    pub epoch: Epoch,
    /// The holder.
    pub holder: Holder,
    /// Since when.
    pub since: Millis,
}

/// How control changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ControlCause {
    /// An operator took over from the bot.
    TakeOver,
    /// A supervisor or admin took over from another operator, with a reason.
    Forced,
    /// The holder handed back to the bot.
    Release,
    /// The holder handed over to another operator.
    Transfer,
    /// A supervisor or admin handed another operator's session back to the bot.
    Revoke,
    /// The holder's connections were gone for the grace time.
    LeaseExpired,
    /// A cause that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Why a bot did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BotFailure {
    /// No answer within the time limit.
    Timeout,
    /// No bot serves the site.
    Unavailable,
    /// The bot said that it failed.
    Error,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Why a session was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CloseCause {
    /// An operator closed it.
    Operator,
    /// The visitor was away for longer than the site waits.
    Away,
    /// The visitor ended it.
    Visitor,
    /// A cause that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What a site's page tells of its visitor: at most
/// [`DATA_ENTRIES_MAX`](crate::DATA_ENTRIES_MAX) entries, with keys of 1 to
/// [`DATA_KEY_BYTES_MAX`](crate::DATA_KEY_BYTES_MAX) bytes and values of at most
/// [`DATA_VALUE_BYTES_MAX`](crate::DATA_VALUE_BYTES_MAX).
pub type CustomData = BTreeMap<String, String>;

/// How a visitor was served, in their own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rating {
    /// 1 (bad) to [`RATING_SCORE_MAX`](crate::RATING_SCORE_MAX) (good).
    pub score: u8,
    /// What they say of it, at most [`LINE_BYTES_MAX`](crate::LINE_BYTES_MAX) bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A page of the site.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Page {
    /// Its address, at most [`LINE_BYTES_MAX`](crate::LINE_BYTES_MAX) bytes.
    pub url: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// From where a visitor comes, and on what device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VisitorContext {
    /// ISO 3166-1 alpha-2, from the client's address; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// What kind of device.
    #[serde(default)]
    pub device: Device,
    /// Browser and major version: `Firefox 140`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Operating system: `Android 15`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// BCP 47 tag: `fr`, `en-GB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The page that led to the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// The page that the visitor is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Page>,
}

/// What kind of device.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Device {
    /// A phone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A computer.
    Desktop,
    /// Not to be told.
    #[default]
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(body: EventBody) -> Event {
        Event { offset: 3, time: 5, author: Author::System {}, body }
    }

    #[test]
    fn a_stored_event_is_read_as_it_was_written() {
        let unknown = serde_json::json!({ "type": "moon_landed", "height": 1.25, "crew": ["a"] });
        let unknown = unknown.as_object().cloned().unwrap();
        for body in [EventBody::HumanRequested {}, EventBody::Unknown(unknown)] {
            let event = event(body);
            assert_eq!(Event::from_stored(&event.to_stored()), Ok(event));
        }
    }

    #[test]
    fn a_stored_event_of_a_known_type_that_does_not_fit_is_damage_not_something_unknown() {
        let change = serde_json::json!({ "type": "control_changed", "epoch": "two" });
        let damaged = event(EventBody::Unknown(change.as_object().cloned().unwrap()));
        let error = Event::from_stored(&damaged.to_stored()).unwrap_err();
        assert!(error.to_string().contains("control_changed"), "{error}");
    }

    #[test]
    fn every_type_is_known_by_its_name() {
        let message =
            ChatMessage { text: "hi".into(), epoch: 1, key: None, turn: None, choices: vec![] };
        let change = ControlChange {
            epoch: 2,
            holder: Holder::Bot {},
            previous: Holder::Bot {},
            cause: ControlCause::Release,
            reason: None,
            notice: None,
        };
        let context = VisitorContext::default();
        let visitor = VisitorId::from(uuid::Uuid::nil());
        let names: Vec<_> = [
            EventBody::SessionStarted { visitor, ordinal: 1, context: context.clone() },
            EventBody::VisitorReturned { context },
            EventBody::VisitorLeft {},
            EventBody::PageViewed { page: Page::default() },
            EventBody::Message(message),
            EventBody::Note { text: "hi".into(), key: None },
            EventBody::HumanRequested {},
            EventBody::ControlChanged(change),
            EventBody::BotFailed { epoch: 1, turn: 1, reason: BotFailure::Error, detail: None },
            EventBody::SessionClosed { cause: CloseCause::Away },
            EventBody::DataChanged { data: CustomData::new() },
            EventBody::SessionRated(Rating { score: 5, comment: None }),
        ]
        .iter()
        .map(|body| serde_json::to_value(body).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
        assert_eq!(names, EventBody::TYPES);
    }

    #[test]
    fn a_stored_event_that_was_cut_or_continued_is_refused() {
        let stored = event(EventBody::VisitorLeft {}).to_stored();
        assert!(Event::from_stored(&stored[..stored.len() - 1]).is_err());
        assert!(Event::from_stored(&[&stored[..], &[0xc0]].concat()).is_err());
        assert!(Event::from_stored(&[]).is_err());
    }

    #[test]
    fn a_stored_event_that_nests_without_end_is_refused_before_it_is_read() {
        let deep = [b"\x81\xa4body\x82\xa4type\xa1x\xa2in".to_vec(), vec![0x91; 2000]].concat();
        assert!(Event::from_stored(&deep).is_err());
    }
}
