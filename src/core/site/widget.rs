//! How a site's widget looks and what it says first. Public: every page of the site reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The longest text in bytes.
const TEXT_BYTES_MAX: usize = 500;

/// The most languages of one text.
const LANGUAGES_MAX: usize = 64;

/// The longest name of a language (BCP 47) in bytes.
const LANGUAGE_BYTES_MAX: usize = 35;

/// How a site's widget looks and what it says first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WidgetSettings {
    /// The colour of its buttons; the widget's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accent: Option<Accent>,
    /// In which corner it is.
    pub position: Position,
    /// Light or dark.
    pub scheme: Scheme,
    /// What it says before anybody has said anything, by language.
    pub greeting: Texts,
    /// What stands above the conversation, by language; the site's name if absent.
    pub title: Texts,
}

/// A corner of the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Below on the right.
    #[default]
    Right,
    /// Below on the left.
    Left,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// As the visitor's system has it.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// A colour, `#rrggbb`: nothing else may reach a style sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accent(String);

/// A text in several languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Texts(BTreeMap<String, String>);

impl Texts {
    /// The same texts, with another in this language.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn with(self, language: String, text: String) -> Result<Self, String> {
        let mut texts = self.0;
        texts.insert(language, text);
        Self::try_from(texts)
    }
}

impl TryFrom<String> for Accent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix('#').unwrap_or_default();
        if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(format!("{text:?} is no colour; write one such as \"#2f6fb0\""))
        }
    }
}

impl From<Accent> for String {
    fn from(accent: Accent) -> Self {
        accent.0
    }
}

impl TryFrom<BTreeMap<String, String>> for Texts {
    type Error = String;

    fn try_from(texts: BTreeMap<String, String>) -> Result<Self, String> {
        if texts.len() > LANGUAGES_MAX {
            return Err(format!("a text has at most {LANGUAGES_MAX} languages"));
        }
        for (language, text) in &texts {
            let is_tag = (2..=LANGUAGE_BYTES_MAX).contains(&language.len())
                && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !is_tag {
                return Err(format!("{language:?} is no language; write one such as \"fr\""));
            }
            if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX {
                return Err(format!(
                    "the text in {language:?} must be 1 to {TEXT_BYTES_MAX} bytes"
                ));
            }
        }
        Ok(Self(texts))
    }
}

impl From<Texts> for BTreeMap<String, String> {
    fn from(texts: Texts) -> Self {
        texts.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<WidgetSettings, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn settings_are_kept_as_they_were_written() {
        let settings = json!({
            "accent": "#2f6fb0", "position": "left", "scheme": "dark",
            "greeting": { "en": "Hello", "pt-BR": "Olá" }, "title": { "fr": "Aide" },
        });
        assert_eq!(serde_json::to_value(read(settings.clone()).unwrap()).unwrap(), settings);
        let plain = json!({ "position": "right", "scheme": "auto", "greeting": {}, "title": {} });
        assert_eq!(serde_json::to_value(WidgetSettings::default()).unwrap(), plain);
        assert_eq!(read(json!({})), Ok(WidgetSettings::default()));
    }

    #[test]
    fn what_could_not_be_shown_is_refused_with_what_would_be_right() {
        for (value, expected) in [
            (json!({ "accent": "blue" }), "#2f6fb0"),
            (json!({ "accent": "#2f6fb" }), "#2f6fb0"),
            (json!({ "accent": "#2f6fbg" }), "#2f6fb0"),
            (json!({ "accent": "#123456; background: url(x)" }), "#2f6fb0"),
            (json!({ "position": "top" }), "`right` or `left`"),
            (json!({ "scheme": "blue" }), "`auto`"),
            (json!({ "greeting": { "": "Hello" } }), "no language"),
            (json!({ "greeting": { "in English": "Hello" } }), "no language"),
            (json!({ "greeting": { "en": " " } }), "1 to 500 bytes"),
            (json!({ "title": { "en": "x".repeat(501) } }), "1 to 500 bytes"),
            (json!({ "colour": "#2f6fb0" }), "unknown field"),
        ] {
            let refused = read(value.clone()).unwrap_err();
            assert!(refused.contains(expected), "{value}: {refused}");
        }
        let many: BTreeMap<_, _> = (0..65).map(|n| (format!("x{n}"), "Hello")).collect();
        assert!(read(json!({ "greeting": many })).unwrap_err().contains("at most 64"));
    }
}
