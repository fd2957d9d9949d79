//! The live list: a site's online sessions, each as a card.
//!
//! An operator watches a *window* (filter, sort, first N) and is sent a snapshot, then deltas with
//! a revision. The client keeps the window's cards and sorts them by the order it asked for.

use serde::{Deserialize, Serialize};

use crate::event::{Control, Device, Millis, Offset, Page};
use crate::id::{SessionId, VisitorId};

/// A session's summary in the live list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Card {
    /// Which session.
    pub session: SessionId,
    /// Whose.
    pub visitor: VisitorId,
    /// Which of the visitor's sessions: 1, 2, 3 …; so, how often they have visited. 0 if unknown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ordinal: u32,
    /// When the session started; its duration is now less this.
    pub started: Millis,
    /// ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// What kind of device.
    pub device: Device,
    /// Browser and major version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The page that led to the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// The page that the visitor is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Page>,
    /// How many messages were said, by anyone.
    pub messages: u64,
    /// How many of them the visitor said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub asked: u64,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastMessage>,
    /// Who is in control.
    pub control: Control,
    /// Since when the visitor waits for a human; absent when they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Millis>,
    /// How the bot is doing.
    pub bot: BotState,
    /// Whether a connection of the visitor is open now (false within the grace time).
    pub online: bool,
    /// The last offset of the session's log that this card tells of.
    pub offset: Offset,
}

/// The last message of a session, cut short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LastMessage {
    /// Who said it.
    pub from: Speaker,
    /// Its first 120 characters.
    pub text: String,
    /// When.
    pub time: Millis,
    /// Where it stands in the log.
    pub offset: Offset,
}

/// The side that said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Speaker {
    /// The visitor.
    Visitor,
    /// An operator.
    Operator,
    /// The bot.
    Bot,
}

/// How the bot is doing in a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BotState {
    /// Nothing to answer.
    #[default]
    Idle,
    /// A turn is with the bot.
    Answering,
    /// The last turn was not answered.
    Failed,
}

/// What part of the live list an operator watches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Window {
    /// Which sessions, by who is in control.
    pub show: Show,
    /// Only cards in which every word of this occurs (country, page, language, browser, system,
    /// last message, ids), letter case aside; at most
    /// [`SEARCH_BYTES_MAX`](crate::SEARCH_BYTES_MAX) bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// In which order.
    pub sort: Sort,
    /// How many cards at most: 1 to [`WINDOW_FIRST_MAX`](crate::WINDOW_FIRST_MAX); 0 means 50.
    pub first: u32,
    /// How many cards of the order stand before the window: 0 to
    /// [`WINDOW_SKIP_MAX`](crate::WINDOW_SKIP_MAX).
    #[serde(skip_serializing_if = "is_zero")]
    pub skip: u32,
    /// Which alerts to send beside the window's cards, wherever in the site they are raised.
    #[serde(skip_serializing_if = "Alerts::is_none")]
    pub alerts: Alerts,
}

/// Which alerts an operator wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Alerts {
    /// None.
    #[default]
    None,
    /// New conversations, and visitors who begin to wait for a human.
    New,
    /// Also every further message of a visitor.
    All,
}

impl Alerts {
    const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// A signal that somebody may be wanted; it has no place in any log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alert {
    /// What happened.
    pub kind: AlertKind,
    /// In which session.
    pub card: Card,
}

/// What an alert tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AlertKind {
    /// The visitor began to wait for a human.
    Waiting,
    /// The visitor's first message of a session.
    New,
    /// A further message of the visitor.
    Message,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Sessions by who is in control.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Show {
    /// Every session.
    #[default]
    All,
    /// Those whose visitor waits for a human.
    Waiting,
    /// Those that the bot answers.
    Bot,
    /// Those that the watching operator controls.
    Mine,
    /// Those that other operators control.
    Others,
}

/// The order of a window. Ties are broken by session id, ascending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Sort {
    /// By `started`, latest first.
    #[default]
    Newest,
    /// By `started`, earliest first.
    Oldest,
    /// By the last message's time (or `started` before any), latest first.
    Activity,
    /// Waiting visitors first, longest waiting on top; then the others by `started`, latest first.
    Waiting,
}

/// How many sessions of the site are online, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Totals {
    /// All of them.
    pub all: u64,
    /// Those whose visitor waits for a human.
    pub waiting: u64,
    /// Those that the bot answers.
    pub bot: u64,
    /// Those that the watching operator controls.
    pub mine: u64,
    /// Those that other operators control.
    pub others: u64,
    /// Those that match the window's filter and search, inside and beyond its first N.
    pub matching: u64,
}

fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}
