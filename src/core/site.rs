//! A site: its keys, its allowed origins, its settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vigie_protocol::id::SiteId;

pub use widget::{Accent, Position, Scheme, Texts, WidgetSettings};

mod widget;

/// One website, as the store keeps it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its slug.
    pub id: SiteId,
    /// Its name, for humans.
    pub name: String,
    /// Public: names the site in the widget.
    pub key: String,
    /// Signs the tokens of its operators and bots, and the resume tokens of its visitors. Never
    /// logged.
    pub secret: String,
    /// Origins whose pages may connect visitors: `https://shop.example`.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Whether clients without an Origin (apps, terminals; browsers always send one) may connect
    /// visitors.
    #[serde(default = "yes")]
    pub native_clients: bool,
    /// How conversations go.
    #[serde(default)]
    pub settings: SiteSettings,
}

/// How conversations of a site go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiteSettings {
    /// Who answers while no human is in control.
    pub bot: BotKind,
    /// The bot's display name.
    pub bot_name: String,
    /// The language of visitors whose own is unknown, BCP 47.
    pub language: String,
    /// What becomes of a session whose operator's connections have been gone for the grace time.
    pub lease_end: LeaseEnd,
    /// The site's own short texts for visitors, by language; the engine has its own in English,
    /// French and Latvian.
    pub notices: BTreeMap<String, Notices>,
    /// How the widget looks and what it says first.
    pub widget: WidgetSettings,
}

/// Who answers while no human is in control. A bot that serves over a socket comes first, whatever
/// this says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BotKind {
    /// The embedded bot that answers from the site's articles.
    #[default]
    Knowledge,
    /// Only bots that serve over a socket.
    Peer,
}

/// What becomes of a session whose operator is gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseEnd {
    /// The bot goes on.
    #[default]
    Bot,
    /// The bot goes on, and the session is offered to the available operators as waiting.
    Reoffer,
}

/// Short texts for the visitor when control changes. `{name}` stands for the operator's name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notices {
    /// A human took control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<String>,
    /// Control went to another human.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transferred: Option<String>,
    /// The human handed back to the bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handed_back: Option<String>,
    /// The human's connection was lost for too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self {
            bot: BotKind::default(),
            bot_name: "Assistant".into(),
            language: "en".into(),
            lease_end: LeaseEnd::default(),
            notices: BTreeMap::new(),
            widget: WidgetSettings::default(),
        }
    }
}

/// Shows everything but the secret.
impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

const fn yes() -> bool {
    true
}
