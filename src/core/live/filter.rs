//! Which cards match.

use std::cell::OnceCell;
use std::fmt::Write;
use std::sync::Arc;

use vigie_protocol::card::Card;
use vigie_protocol::event::Holder;
use vigie_protocol::id::OperatorId;

/// What a window shows, whatever its order and length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) scope: Scope,
    /// Folded, sorted, each once: so that two ways to write a search are one filter.
    words: Vec<String>,
}

/// Sessions by who is in control, as one operator or all of them see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Waiting,
    Bot,
    Mine(OperatorId),
    Others(OperatorId),
}

/// A card, and its searchable text once somebody asks for it.
pub(super) struct Folded<'a> {
    pub(super) card: &'a Arc<Card>,
    text: OnceCell<String>,
}

impl Filter {
    pub(super) fn new(scope: Scope, search: &str) -> Self {
        let mut words: Vec<String> = search.split_whitespace().map(fold).collect();
        words.sort_unstable();
        words.dedup();
        Self { scope, words }
    }

    /// Whether more counts than the scope.
    pub(super) const fn searches(&self) -> bool {
        !self.words.is_empty()
    }

    pub(super) fn holds(&self, card: &Folded<'_>) -> bool {
        self.scope.holds(card.card)
            && self.words.iter().all(|word| card.text().contains(word.as_str()))
    }
}

impl Scope {
    pub(super) fn holds(&self, card: &Card) -> bool {
        match (self, &card.control.holder) {
            (Self::All, _) => true,
            (Self::Waiting, _) => card.waiting.is_some(),
            (Self::Bot, holder) => matches!(holder, Holder::Bot {}),
            (Self::Mine(me), Holder::Operator { id, .. }) => id.as_ref() == Some(me),
            (Self::Others(me), Holder::Operator { id, .. }) => id.as_ref() != Some(me),
            (Self::Mine(_) | Self::Others(_), Holder::Bot {}) => false,
        }
    }

    /// The only operator whose sessions it shows, if there is one.
    pub(super) const fn owner(&self) -> Option<&OperatorId> {
        match self {
            Self::Mine(operator) => Some(operator),
            Self::All | Self::Waiting | Self::Bot | Self::Others(_) => None,
        }
    }
}

impl<'a> Folded<'a> {
    pub(super) const fn new(card: &'a Arc<Card>) -> Self {
        Self { card, text: OnceCell::new() }
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| searchable(self.card))
    }
}

/// The operator in control; `None` for the bot.
pub(super) fn holder(card: Option<&Arc<Card>>) -> &Option<OperatorId> {
    match card.map(|card| &card.control.holder) {
        Some(Holder::Operator { id, .. }) => id,
        Some(Holder::Bot {}) | None => &None,
    }
}

/// All that a search looks through. A word has no line breaks, so none is found across two fields.
fn searchable(card: &Card) -> String {
    let page = card.page.as_ref();
    let fields = [
        card.country.as_deref(),
        page.map(|page| page.url.as_str()),
        page.and_then(|page| page.title.as_deref()),
        card.language.as_deref(),
        card.browser.as_deref(),
        card.os.as_deref(),
        card.last.as_ref().map(|last| last.text.as_str()),
    ];
    let mut text = String::new();
    for field in fields.into_iter().flatten() {
        fold_into(&mut text, field);
        text.push('\n');
    }
    // Writing to a string does not fail, and an id has no capitals.
    let _ = write!(text, "{}\n{}", card.session, card.visitor);
    text
}

fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(&mut folded, text);
    folded
}

/// Sets letter case aside. By way of capitals, so that letters with two small forms become one
/// (`ς` and `σ`) and `ß` is found as `ss`; letter by letter, so that a word is folded alike
/// wherever it stands.
fn fold_into(folded: &mut String, text: &str) {
    for letter in text.chars() {
        if letter.is_ascii() {
            folded.push(letter.to_ascii_lowercase());
        } else {
            folded.extend(letter.to_uppercase().flat_map(char::to_lowercase));
        }
    }
}
