//! Which passage answers a question, and how sure that is.
//!
//! BM25 orders what was found, but its numbers do not say whether the best of it is any good. So a
//! passage is measured by its *coverage*: the share of the question's words that occur in it, where
//! a word counts the more the fewer passages have it, and most if none has. "Do you sell helmets?"
//! finds much that is sold and no helmet: low coverage, and an honest "I do not know".

use std::collections::BTreeSet;

use super::language::Language;
use super::words::{search_forms, stem, words};
use crate::store::Passage;

/// How many different words of a question count; a longer one is cut.
pub const QUESTION_WORDS_MAX: usize = 16;

/// How many words, with their other forms, one search asks for.
pub const SEARCH_WORDS_MAX: usize = 32;

/// A question with so few words of its own may lean on the one before it.
pub const LEANING_WORDS_MAX: usize = 2;

/// The coverage from which a passage is taken for the answer.
pub const CONFIDENCE_MIN: f64 = 0.55;

/// How much of a passage's rank comes from words in its heading, from those in its title, from how
/// much the heading is like the message, from the question before and from BM25; its coverage
/// counts 1.
const HEADING_WEIGHT: f64 = 0.3;
const TITLE_WEIGHT: f64 = 0.1;
const LIKENESS_WEIGHT: f64 = 0.3;
const LEANING_WEIGHT: f64 = 0.25;
const SCORE_WEIGHT: f64 = 0.2;

/// What a visitor asks, in words that mean something.
pub struct Question {
    /// All words of the message, to recognise a heading by.
    message: Vec<String>,
    /// Those that mean something; if it has none, those of the message before.
    own: Vec<String>,
    /// Whether they are the message's own.
    is_own: bool,
    /// Those of the message before, if this one has few.
    leaning: Vec<String>,
    language: Language,
}

/// A passage with how well it answers.
#[derive(Debug)]
pub struct Ranked {
    /// The passage.
    pub passage: Passage,
    /// The share of the question in it, from 0 to 1.
    pub coverage: f64,
    rank: f64,
}

impl Question {
    /// Reads a message, and the one before it for what the message leans on.
    pub fn new(message: Vec<String>, before: &[String], language: Language) -> Self {
        let mut own = meaningful(&message, language);
        let mut leaning = meaningful(before, language);
        let is_own = !own.is_empty();
        if !is_own {
            own = std::mem::take(&mut leaning);
        } else if own.len() > LEANING_WORDS_MAX {
            leaning.clear();
        }
        leaning.retain(|word| !own.contains(word));
        Self { message, own, is_own, leaning, language }
    }

    /// Whether no word of it means anything.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// What to search for: every word, then every word's next form, and so on. A message of small
    /// words alone may still be a heading: *Where to find us*.
    pub fn search_words(&self) -> Vec<String> {
        let small = if self.is_own { &[][..] } else { &self.message };
        let words = self.own.iter().chain(&self.leaning).chain(small);
        let all: Vec<_> = words.map(|word| search_forms(word, Some(self.language))).collect();
        let longest = all.iter().map(Vec::len).max().unwrap_or(0);
        (0..longest)
            .flat_map(|n| all.iter().filter_map(move |forms| forms.get(n).cloned()))
            .take(SEARCH_WORDS_MAX)
            .collect()
    }

    /// The passages that were found, the best answer first.
    pub fn rank(&self, found: Vec<Passage>) -> Vec<Ranked> {
        let read: Vec<_> = found.iter().map(Stems::of).collect();
        let weights = Weights::among(&self.own, &read);
        let leaning = Weights::among(&self.leaning, &read);
        let best_score = found.iter().map(|passage| passage.score).fold(f64::EPSILON, f64::max);
        let mut ranked: Vec<_> = found
            .into_iter()
            .zip(&read)
            .map(|(passage, stems)| {
                let likeness = self.likeness(&passage.heading);
                // A choice sends the heading of a passage: then it is that one.
                let named = if likeness == 1.0 { 1.0 } else { 0.0 };
                let coverage = weights.share(|word| stems.have(word)).max(named);
                let rank = coverage
                    + named
                    + HEADING_WEIGHT * weights.share(|word| stems.heading.has(word))
                    + TITLE_WEIGHT * weights.share(|word| stems.title.has(word))
                    + LIKENESS_WEIGHT * likeness
                    + LEANING_WEIGHT * leaning.share(|word| stems.have(word))
                    + SCORE_WEIGHT * (passage.score / best_score).clamp(0.0, 1.0);
                Ranked { passage, coverage, rank }
            })
            .collect();
        let better = |a: &Ranked, b: &Ranked| b.rank.total_cmp(&a.rank);
        ranked.sort_by(|a, b| b.is_confident().cmp(&a.is_confident()).then_with(|| better(a, b)));
        ranked
    }

    /// The share of words that message and heading have in common, small words too: "where is my
    /// order" is more than "order".
    fn likeness(&self, heading: &str) -> f64 {
        let heading: BTreeSet<_> = words(heading).into_iter().collect();
        let message: BTreeSet<_> = self.message.iter().cloned().collect();
        let common = message.intersection(&heading).count();
        common as f64 / message.union(&heading).count().max(1) as f64
    }
}

impl Ranked {
    /// Whether it is good enough to be the answer.
    pub fn is_confident(&self) -> bool {
        self.coverage >= CONFIDENCE_MIN
    }
}

/// The different words that say something of the subject.
fn meaningful(words: &[String], language: Language) -> Vec<String> {
    let mut seen = BTreeSet::new();
    words
        .iter()
        .filter(|word| word.chars().count() > 1 && !language.speech().is_small(word))
        .filter(|word| seen.insert(stem(word, Some(language)).to_owned()))
        .take(QUESTION_WORDS_MAX)
        .cloned()
        .collect()
}

/// What a passage speaks of.
struct Stems {
    heading: StemSet,
    title: StemSet,
    text: StemSet,
}

impl Stems {
    fn of(passage: &Passage) -> Self {
        let language = Language::of(&passage.language);
        let of = |text| StemSet::of(text, language);
        // What stands before the first heading has the title for its own: that counts once.
        let heading = if passage.heading == passage.title { "" } else { &passage.heading };
        Self { heading: of(heading), title: of(&passage.title), text: of(&passage.text) }
    }

    fn have(&self, word: &str) -> bool {
        self.heading.has(word) || self.title.has(word) || self.text.has(word)
    }
}

/// The words of a text in one language, whatever their forms.
struct StemSet {
    language: Option<Language>,
    stems: BTreeSet<String>,
}

impl StemSet {
    fn of(text: &str, language: Option<Language>) -> Self {
        let stems = words(text).iter().map(|word| stem(word, language).to_owned()).collect();
        Self { language, stems }
    }

    fn has(&self, word: &str) -> bool {
        self.stems.contains(stem(word, self.language))
    }
}

/// How much each word of a question counts.
struct Weights<'a>(Vec<(&'a str, f64)>);

impl<'a> Weights<'a> {
    /// By how many of the passages have the word; one that none has counts as if one had it.
    fn among(words: &'a [String], passages: &[Stems]) -> Self {
        let weight = |word: &str| {
            let having = passages.iter().filter(|stems| stems.have(word)).count().max(1);
            (1.0 + passages.len() as f64 / (having as f64 + 0.5)).ln()
        };
        Self(words.iter().map(|word| (word.as_str(), weight(word))).collect())
    }

    /// The weight of the words that hold, of all; 0 if there are none.
    fn share(&self, holds: impl Fn(&str) -> bool) -> f64 {
        let all: f64 = self.0.iter().map(|(_, weight)| weight).sum();
        let held: f64 =
            self.0.iter().filter(|(word, _)| holds(word)).map(|(_, weight)| weight).sum();
        if all > 0.0 { held / all } else { 0.0 }
    }
}
