//! Words as the full-text index sees them, and what makes two of them the same.
//!
//! The index cuts a text into words as SQLite's FTS5 does (tokenizer `unicode61` with
//! `remove_diacritics 2`: letter case and diacritics aside), and finds a word also by its
//! beginning. So that *returned* finds *returns*, a word is searched for without its ending, and
//! two words are the same if they are equal without their endings.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::language::Language;

/// A stem has at least so many letters: what is shorter keeps its ending.
const STEM_CHARS_MIN: usize = 3;

/// From this length on, a search for a word also finds the longer words that it begins.
const PREFIX_CHARS_MIN: usize = 4;

/// The words of a text in lower case without diacritics, cut at everything that is neither letter
/// nor digit (so *l'atelier* is *l* and *atelier*).
pub fn words(text: &str) -> Vec<String> {
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What is the same for all forms of a word in a language.
pub fn stem(word: &str, language: Option<Language>) -> &str {
    single(without_ending(word, language))
}

/// What to search for to find all forms of a word in a language, the likelier first. Not all of
/// them exist.
pub fn search_forms(word: &str, language: Option<Language>) -> Vec<String> {
    let stem = stem(word, language);
    if stem.chars().count() >= PREFIX_CHARS_MIN {
        return vec![stem.to_owned()];
    }
    let base = without_ending(word, language);
    let endings = language.into_iter().flat_map(|language| language.speech().endings());
    let mut forms = vec![word.to_owned(), stem.to_owned()];
    forms.extend(endings.map(|ending| format!("{base}{ending}")));
    forms.dedup();
    forms
}

/// The word without the longest ending that leaves enough of it. Words with digits have none.
fn without_ending(word: &str, language: Option<Language>) -> &str {
    let Some(language) = language else { return word };
    if word.bytes().any(|byte| byte.is_ascii_digit()) {
        return word;
    }
    language
        .speech()
        .endings()
        .filter_map(|ending| word.strip_suffix(ending))
        .filter(|rest| rest.chars().count() >= STEM_CHARS_MIN)
        .min_by_key(|rest| rest.len())
        .unwrap_or(word)
}

/// A doubled last letter counts once: *ship* and *shipp(ing)*.
fn single(stem: &str) -> &str {
    let rest = &stem[..stem.len() - last_len(stem)];
    let doubled = rest.chars().next_back() == stem.chars().next_back();
    if doubled && rest.chars().count() >= STEM_CHARS_MIN { rest } else { stem }
}

fn last_len(text: &str) -> usize {
    text.chars().next_back().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_and_folded_as_the_index_does() {
        for (text, expected) in [
            ("How much is it?", "how much is it"),
            ("L'été, à l’atelier : ÉCHANGES !", "l ete a l atelier echanges"),
            ("Cik maksā piegāde?", "cik maksa piegade"),
            ("don't", "don t"),
            ("4.90 € × 3-D", "4 90 3 d"),
            (" \n\t", ""),
        ] {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn forms_of_one_word_have_one_stem() {
        use Language::{English, French, Latvian};
        for (language, same) in [
            (English, &["return", "returns", "returned", "returning"][..]),
            (English, &["ship", "ships", "shipped", "shipping", "shipment"]),
            (English, &["delivery", "deliveries", "deliver", "delivered"]),
            (English, &["exchange", "exchanges", "exchanged", "exchanging"]),
            (English, &["pay", "paying", "payment", "payments"]),
            (English, &["cancel", "cancelled", "canceled", "cancelling"]),
            (French, &["livrer", "livrez", "livraison", "livraisons", "livree", "livre"]),
            (French, &["commande", "commandes", "commander"]),
            (French, &["rembourser", "remboursement", "rembourse"]),
            (French, &["cadeau", "cadeaux"]),
            (French, &["garantie", "garanti", "garantir"]),
            (Latvian, &["piegade", "piegades", "piegadi"]),
        ] {
            let language = Some(language);
            for word in same {
                assert_eq!(stem(word, language), stem(same[0], language), "{word}");
                let forms = search_forms(word, language);
                let found = |other: &&str| {
                    let by_beginning = |form: &str| form.len() >= 4 && other.starts_with(form);
                    forms.iter().any(|form| form == other || by_beginning(form))
                };
                assert!(same.iter().all(found), "{word} is searched for as {forms:?}");
            }
        }
    }

    #[test]
    fn short_words_and_numbers_keep_their_endings() {
        for word in ["bag", "bus", "red", "69004", "3ds", "é"] {
            assert_eq!(stem(word, Some(Language::English)), word);
        }
        assert_eq!(stem("returns", None), "returns");
    }
}
