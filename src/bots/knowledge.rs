//! The embedded bot: it answers from the articles of the site, and says so when it cannot.
//!
//! It never makes anything up. An answer is a passage that a human of the site wrote, or the
//! admission that there is none, with a human offered. Everything else here serves the one
//! question of which of the two it is.
//!
//! # Layout
//!
//! - [`articles`]: reads a site's Markdown
//! - [`language`]: what the bot says and understands in each language
//! - [`rank`]: which passage answers a question, and how sure that is
//! - [`mod@words`]: words as the full-text index sees them

use vigie_protocol::CHOICE_BYTES_MAX;
use vigie_protocol::event::{Choice, ChoiceAction};
use vigie_protocol::id::SiteId;

use crate::core::site::SiteSettings;
use crate::store::{Passage, Store, StoreError};

pub use articles::{ArticleError, read_articles};
use language::{Language, SmallTalk, Speech, primary};
use rank::{Question, Ranked};
use words::words;

pub mod articles;
pub mod language;
pub mod rank;
pub mod words;

#[cfg(test)]
mod tests;

/// How much of a message is read, in characters.
pub const MESSAGE_CHARS_MAX: usize = 2000;

/// The longest answer, in characters; a longer passage is cut at a sentence.
pub const ANSWER_CHARS_MAX: usize = 600;

/// How many passages one search looks at.
pub const PASSAGES_MAX: u32 = 40;

/// How many follow-ups an answer offers.
pub const FOLLOW_UPS_MAX: usize = 3;

/// How many near topics are offered where there is no answer.
pub const NEAREST_MAX: usize = 2;

/// A passage that covers less of the question is no near topic.
const NEAREST_COVERAGE_MIN: f64 = 0.15;

/// What the bot says to a visitor's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeAnswer {
    /// Plain text.
    pub text: String,
    /// What the visitor may want next.
    pub choices: Vec<Choice>,
}

/// Answers the last of a visitor's messages (newest last); the one before it helps where the last
/// says little by itself. `language` is the visitor's as a BCP 47 tag; the bot follows the visitor
/// into another one.
pub async fn answer(
    store: &dyn Store,
    site: &SiteId,
    settings: &SiteSettings,
    language: Option<&str>,
    messages: &[String],
) -> Result<KnowledgeAnswer, StoreError> {
    let mut asked = messages.iter().rev().map(|text| said(text));
    let message = asked.next().unwrap_or_default();
    let before = asked.next().unwrap_or_default();

    let tag = language.unwrap_or(&settings.language);
    let likely: Vec<_> = [tag, &settings.language].into_iter().filter_map(Language::of).collect();
    let spoken = Language::spoken(&message, &likely);
    // Articles may be in a language that the bot itself does not speak.
    let articles_in = match Language::of(tag) {
        Some(_) => spoken.tag().to_owned(),
        None => primary(tag),
    };

    let desk = Desk { store, site, speech: spoken.speech(), articles_in };
    match spoken.speech().small_talk(&message) {
        Some(small_talk) => desk.small_talk(small_talk).await,
        None => desk.answer(&Question::new(message, &before, spoken), messages).await,
    }
}

/// Where one question is answered.
struct Desk<'a> {
    store: &'a dyn Store,
    site: &'a SiteId,
    speech: &'static Speech,
    articles_in: String,
}

impl Desk<'_> {
    async fn answer(
        &self,
        question: &Question,
        messages: &[String],
    ) -> Result<KnowledgeAnswer, StoreError> {
        let mut nearest = Vec::new();
        for language in [Some(self.articles_in.as_str()), None] {
            let found = question.rank(self.search(question.search_words(), language).await?);
            if found.first().is_some_and(Ranked::is_confident) {
                return self.reply(found, messages).await;
            }
            if nearest.is_empty() {
                nearest = found;
            }
        }
        if question.is_empty() {
            return Ok(self.unknown(self.starting_topics().await?));
        }
        nearest.retain(|near| near.coverage >= NEAREST_COVERAGE_MIN);
        let topics = Topics::without(messages).add(nearest.iter().map(|near| &near.passage));
        Ok(self.unknown(topics.first(NEAREST_MAX)))
    }

    /// The best passage, and where to go from there: what answers nearly as well, then the rest of
    /// the same article.
    async fn reply(
        &self,
        found: Vec<Ranked>,
        messages: &[String],
    ) -> Result<KnowledgeAnswer, StoreError> {
        let mut found = found.into_iter();
        let Some(best) = found.next() else { return Ok(self.unknown(Vec::new())) };
        let near: Vec<_> = found.filter(Ranked::is_confident).map(|near| near.passage).collect();
        let best = best.passage;
        let article = self.search(words(&best.title), Some(&best.language)).await?;
        let topics = Topics::without(messages)
            .without_passage(&best)
            .add(near.iter().filter(|near| near.language == best.language))
            .add(article.iter().filter(|passage| passage.slug == best.slug));
        Ok(KnowledgeAnswer { text: excerpt(&best.text), choices: topics.first(FOLLOW_UPS_MAX) })
    }

    async fn small_talk(&self, small_talk: SmallTalk) -> Result<KnowledgeAnswer, StoreError> {
        let Speech { greeting, welcome, goodbye, human, .. } = self.speech;
        let (text, choices) = match small_talk {
            SmallTalk::Greeting => ((*greeting).to_owned(), self.starting_topics().await?),
            SmallTalk::Thanks => ((*welcome).to_owned(), self.starting_topics().await?),
            SmallTalk::Farewell => ((*goodbye).to_owned(), Vec::new()),
            SmallTalk::HumanWanted => ((*human).to_owned(), vec![self.call_human()]),
        };
        Ok(KnowledgeAnswer { text, choices })
    }

    /// An honest word, a human, and the topics that come nearest.
    fn unknown(&self, topics: Vec<Choice>) -> KnowledgeAnswer {
        let Speech { unknown, nearest, .. } = self.speech;
        let text =
            if topics.is_empty() { (*unknown).to_owned() } else { format!("{unknown} {nearest}") };
        KnowledgeAnswer { text, choices: [vec![self.call_human()], topics].concat() }
    }

    fn call_human(&self) -> Choice {
        Choice { label: self.speech.call_human.into(), action: ChoiceAction::RequestHuman }
    }

    /// Titles of articles on what visitors ask about first.
    async fn starting_topics(&self) -> Result<Vec<Choice>, StoreError> {
        let mut found = self.search(self.speech.starters(), Some(&self.articles_in)).await?;
        for passage in &mut found {
            passage.heading.clone_from(&passage.title);
        }
        Ok(Topics::without(&[]).add(&found).first(FOLLOW_UPS_MAX))
    }

    async fn search(
        &self,
        words: Vec<String>,
        language: Option<&str>,
    ) -> Result<Vec<Passage>, StoreError> {
        let language = language.map(str::to_owned);
        self.store.search(self.site.clone(), words, language, PASSAGES_MAX).await
    }
}

/// Headings of passages as choices, each once, and none that was asked before.
struct Topics<'a> {
    /// What is no choice (any more), as words.
    taken: Vec<Vec<String>>,
    passages: Vec<&'a Passage>,
}

impl<'a> Topics<'a> {
    fn without(messages: &[String]) -> Self {
        let taken = messages.iter().map(|text| said(text)).collect();
        Self { taken, passages: Vec::new() }
    }

    fn without_passage(mut self, passage: &Passage) -> Self {
        self.taken.push(words(&passage.heading));
        self
    }

    fn add(mut self, passages: impl IntoIterator<Item = &'a Passage>) -> Self {
        for passage in passages {
            let heading = words(&passage.heading);
            if passage.heading.len() <= CHOICE_BYTES_MAX && !self.taken.contains(&heading) {
                self.taken.push(heading);
                self.passages.push(passage);
            }
        }
        self
    }

    fn first(self, count: usize) -> Vec<Choice> {
        let label = |passage: &&Passage| passage.heading.clone();
        let choice = |label| Choice { label, action: ChoiceAction::Send };
        self.passages.iter().take(count).map(label).map(choice).collect()
    }
}

/// The words of a message.
fn said(text: &str) -> Vec<String> {
    words(&text.chars().take(MESSAGE_CHARS_MAX).collect::<String>())
}

/// The text, cut after the last sentence or line that fits into an answer.
fn excerpt(text: &str) -> String {
    const MORE: &str = " …";
    if text.chars().count() <= ANSWER_CHARS_MAX {
        return text.to_owned();
    }
    let room = ANSWER_CHARS_MAX - MORE.chars().count();
    let fits = &text[..text.char_indices().nth(room).map_or(text.len(), |(at, _)| at)];
    let end = [". ", "! ", "? ", ".\n", "!\n", "?\n"]
        .iter()
        .filter_map(|end| Some(fits.rfind(end)? + 1))
        .chain(fits.rfind('\n'))
        .max()
        .or(fits.rfind(' '));
    format!("{}{MORE}", fits[..end.unwrap_or(fits.len())].trim_end())
}
