//! The short texts that tell a visitor, in their language, who answers now.

use vigie_protocol::event::ControlCause;

use crate::core::site::{Notices, SiteSettings};

/// The text for a change of control; `name` is the operator's who came or went.
pub fn notice(
    settings: &SiteSettings,
    language: Option<&str>,
    cause: ControlCause,
    name: &str,
) -> Option<String> {
    let tags = [language, Some(&settings.language)].into_iter().flatten();
    // The case of a language tag means nothing.
    let mut languages = tags.map(|tag| primary(tag).to_ascii_lowercase());
    let language = languages
        .find(|language| settings.notices.contains_key(language) || BUILTIN.contains(&&**language))
        .unwrap_or_default();
    let own = settings.notices.get(&language);
    let ours = builtin(&language);
    let text = match cause {
        ControlCause::TakeOver | ControlCause::Forced => {
            choose(own, |n| &n.taken).unwrap_or(ours.taken)
        }
        ControlCause::Transfer => choose(own, |n| &n.transferred).unwrap_or(ours.transferred),
        ControlCause::Release | ControlCause::Revoke => {
            choose(own, |n| &n.handed_back).unwrap_or(ours.handed_back)
        }
        ControlCause::LeaseExpired => choose(own, |n| &n.lost).unwrap_or(ours.lost),
        ControlCause::Unknown => return None,
    };
    Some(text.replace("{name}", name))
}

/// The languages that the engine has texts of its own in; whoever reads none of them and none of
/// the site's reads English.
const BUILTIN: [&str; 3] = ["en", "fr", "lv"];

struct Builtin {
    taken: &'static str,
    transferred: &'static str,
    handed_back: &'static str,
    lost: &'static str,
}

const fn builtin(language: &str) -> Builtin {
    match language.as_bytes() {
        b"fr" => Builtin {
            taken: "{name} a rejoint la conversation.",
            transferred: "{name} prend le relais.",
            handed_back: "Notre assistant vous répond de nouveau.",
            lost: "La connexion avec {name} a été perdue. Notre assistant prend le relais.",
        },
        b"lv" => Builtin {
            taken: "{name} ir pievienojies sarunai.",
            transferred: "Sarunu turpina {name}.",
            handed_back: "Jums atkal atbild mūsu asistents.",
            lost: "Savienojums ar {name} ir zudis. Sarunu turpina mūsu asistents.",
        },
        _ => Builtin {
            taken: "{name} has joined the conversation.",
            transferred: "{name} now continues the conversation.",
            handed_back: "Our assistant answers you again.",
            lost: "The connection to {name} was lost. Our assistant continues.",
        },
    }
}

fn choose(own: Option<&Notices>, which: impl Fn(&Notices) -> &Option<String>) -> Option<&str> {
    own.and_then(|notices| which(notices).as_deref())
}

/// The primary subtag of a BCP 47 tag: `fr` of `fr-CA`.
fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_read_who_answers_in_their_language() {
        let mut settings = SiteSettings::default();
        let own = Notices { taken: Some("Hier ist {name}.".into()), ..Notices::default() };
        settings.notices.insert("de".into(), own);
        let check = |language, cause, expected: &str| {
            assert_eq!(notice(&settings, language, cause, "Ann").as_deref(), Some(expected));
        };
        check(Some("en-GB"), ControlCause::TakeOver, "Ann has joined the conversation.");
        check(Some("fr"), ControlCause::Release, "Notre assistant vous répond de nouveau.");
        check(Some("lv-LV"), ControlCause::Transfer, "Sarunu turpina Ann.");
        check(Some("de"), ControlCause::TakeOver, "Hier ist Ann.");
        check(Some("de"), ControlCause::Release, "Our assistant answers you again.");
        check(None, ControlCause::Forced, "Ann has joined the conversation.");
        check(Some("ja"), ControlCause::TakeOver, "Ann has joined the conversation.");
        settings.language = "fr".into();
        let french = notice(&settings, Some("ja"), ControlCause::TakeOver, "Ann");
        assert_eq!(french.as_deref(), Some("Ann a rejoint la conversation."), "the site's own");
    }
}
