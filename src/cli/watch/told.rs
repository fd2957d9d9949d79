//! What happened in a session, told to an operator.

use vigie_protocol::event::{
    Author, BotFailure, CloseCause, ControlCause, ControlChange, Device, Event, EventBody, Holder,
    Page, Rating, VisitorContext,
};

use crate::cli::text::one_line;

/// How something is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Visitor,
    Bot,
    Operator,
    Note,
    /// What happened around the words.
    Aside,
    /// What somebody should look after.
    Alarm,
}

/// An event in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) tone: Tone,
    /// Who speaks; nobody in asides. One line, safe to show.
    pub(super) who: Option<String>,
    /// As it came, so not safe to show yet.
    pub(super) text: String,
}

/// Puts an event in words.
pub(super) fn tell(event: &Event) -> Told {
    let who = author(&event.author);
    let aside = |text: String| Told { tone: Tone::Aside, who: None, text };
    let alarm = |text: String| Told { tone: Tone::Alarm, who: None, text };
    match &event.body {
        EventBody::Message(message) => {
            let tone = match event.author {
                Author::Visitor {} => Tone::Visitor,
                Author::Bot { .. } => Tone::Bot,
                Author::Operator { .. } => Tone::Operator,
                Author::System {} | Author::Unknown => Tone::Aside,
            };
            let choices = message.choices.iter().map(|choice| format!(" [{}]", choice.label));
            let text = format!("{}{}", message.text, choices.collect::<String>());
            Told { tone, who: Some(who), text }
        }
        EventBody::Note { text, .. } => {
            Told { tone: Tone::Note, who: Some(format!("note by {who}")), text: text.clone() }
        }
        EventBody::SessionStarted { ordinal, context, .. } => {
            aside(format!("conversation {ordinal} begins: {}", context_words(context)))
        }
        EventBody::VisitorReturned { context } => {
            aside(format!("the visitor is back: {}", context_words(context)))
        }
        EventBody::VisitorLeft {} => aside("the visitor has left".to_owned()),
        EventBody::PageViewed { page } => aside(format!("opens {}", page_words(page))),
        EventBody::HumanRequested {} => match event.author {
            Author::Visitor {} => alarm("the visitor asks for a human".to_owned()),
            _ => alarm("a human is needed".to_owned()),
        },
        EventBody::ControlChanged(change) => aside(control_words(&who, change)),
        EventBody::BotFailed { reason, detail, .. } => {
            let why = match reason {
                BotFailure::Timeout => "it took too long",
                BotFailure::Unavailable => "none serves this site",
                BotFailure::Error => "it gave up",
                BotFailure::Unknown => "unknown reason",
            };
            let detail = detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
            alarm(format!("the bot did not answer: {why}{detail}"))
        }
        EventBody::SessionClosed { cause } => aside(match cause {
            CloseCause::Operator | CloseCause::Visitor => format!("{who} closed the conversation"),
            _ => "closed, the visitor was away for long".to_owned(),
        }),
        EventBody::DataChanged { data } => {
            let data = data.iter().map(|(key, value)| format!("{key}: {value}"));
            aside(format!("the page tells: {}", data.collect::<Vec<_>>().join(", ")))
        }
        EventBody::SessionRated(Rating { score, comment }) => {
            let comment = comment.as_ref().map(|comment| format!(": {comment}"));
            aside(format!("{who} gives {score} of 5{}", comment.unwrap_or_default()))
        }
        EventBody::Unknown(_) => {
            aside("something happened that this version does not know".to_owned())
        }
    }
}

/// Who did something.
pub(super) fn author(author: &Author) -> String {
    match author {
        Author::Visitor {} => "Visitor".to_owned(),
        Author::Operator { name, .. } => one_line(name),
        Author::Bot { name } => format!("{} (bot)", one_line(name)),
        Author::System {} | Author::Unknown => "The engine".to_owned(),
    }
}

/// From where a visitor comes and on what, in a few words.
fn context_words(context: &VisitorContext) -> String {
    let device = match context.device {
        Device::Mobile => Some("mobile"),
        Device::Tablet => Some("tablet"),
        Device::Desktop => Some("desktop"),
        Device::Unknown => None,
    };
    let texts = [&context.country, &context.browser, &context.os, &context.language];
    let mut words: Vec<String> = device.into_iter().map(str::to_owned).collect();
    words.extend(texts.into_iter().flatten().cloned());
    words.extend(context.referrer.iter().map(|referrer| format!("from {referrer}")));
    words.extend(context.page.iter().map(|page| format!("on {}", page_words(page))));
    if words.is_empty() { "nothing is known of them".to_owned() } else { words.join(", ") }
}

fn page_words(page: &Page) -> String {
    match &page.title {
        Some(title) => format!("{title} ({})", page.url),
        None => page.url.clone(),
    }
}

fn control_words(who: &str, change: &ControlChange) -> String {
    let name = |holder: &Holder| match holder {
        Holder::Bot {} => "the bot".to_owned(),
        Holder::Operator { name, .. } => one_line(name),
    };
    let (holder, previous) = (name(&change.holder), name(&change.previous));
    let what = match change.cause {
        ControlCause::TakeOver => format!("{holder} takes over"),
        ControlCause::Forced => format!("{holder} takes over from {previous}"),
        ControlCause::Release => format!("{previous} hands back to {holder}"),
        ControlCause::Transfer => format!("{previous} hands over to {holder}"),
        ControlCause::Revoke => format!("{who} takes control from {previous}: {holder} goes on"),
        ControlCause::LeaseExpired => format!("{previous} is gone: {holder} goes on"),
        ControlCause::Unknown => format!("{holder} is in control"),
    };
    match &change.reason {
        Some(reason) => format!("{what} ({reason})"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Holder {
        Holder::Operator { id: None, name: "Ann".into() }
    }

    fn change(cause: ControlCause, previous: Holder, holder: Holder) -> EventBody {
        let reason = (cause == ControlCause::Forced).then(|| "shift ends".to_owned());
        let change = ControlChange { epoch: 2, holder, previous, cause, reason, notice: None };
        EventBody::ControlChanged(change)
    }

    #[test]
    fn every_change_of_control_says_who_and_why() {
        let bob = Holder::Operator { id: None, name: "Bob".into() };
        for (body, words) in [
            (change(ControlCause::TakeOver, Holder::Bot {}, ann()), "Ann takes over"),
            (change(ControlCause::Forced, bob, ann()), "Ann takes over from Bob (shift ends)"),
            (change(ControlCause::Release, ann(), Holder::Bot {}), "Ann hands back to the bot"),
            (
                change(ControlCause::LeaseExpired, ann(), Holder::Bot {}),
                "Ann is gone: the bot goes on",
            ),
        ] {
            let event = Event { offset: 1, time: 0, author: Author::System {}, body };
            assert_eq!(tell(&event).text, words);
        }
    }

    #[test]
    fn a_visitor_is_told_by_what_is_known_of_them() {
        let context = VisitorContext {
            country: Some("CA".into()),
            device: Device::Mobile,
            page: Some(Page { url: "/cart".into(), title: Some("Cart".into()) }),
            ..VisitorContext::default()
        };
        assert_eq!(context_words(&context), "mobile, CA, on Cart (/cart)");
        assert_eq!(context_words(&VisitorContext::default()), "nothing is known of them");
    }
}
