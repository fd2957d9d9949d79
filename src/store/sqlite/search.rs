//! Knowledge as a full-text index: one row for each passage.
//!
//! How rare a word is, which BM25 weighs, is counted over the passages of all sites: a site of its
//! own count would need an index of its own.

use std::ops::RangeInclusive;

use rusqlite::{Connection, Row, params};

use crate::store::{Article, Passage};

/// How much more a match counts in a title or a heading than in the text.
const TITLE_WEIGHT: f64 = 6.0;
const HEADING_WEIGHT: f64 = 3.0;

/// The most words that one search looks for; the rest are left out.
const WORDS_MAX: usize = 32;

/// From this length on a word also finds the longer words that it begins: plurals, endings.
const PREFIX_LETTERS_MIN: usize = 4;

/// Puts the passages of these articles in the place of all of a site's.
pub(in crate::store) fn replace(
    connection: &Connection,
    site: u32,
    articles: &[Article],
) -> rusqlite::Result<()> {
    let rowids = rowids(site);
    connection
        .prepare_cached("DELETE FROM passages WHERE rowid BETWEEN ? AND ?")?
        .execute([rowids.start(), rowids.end()])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO passages (rowid, title, heading, text, slug, language)
         VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    let sections = articles
        .iter()
        .flat_map(|article| article.sections.iter().map(move |section| (article, section)));
    for (rowid, (article, section)) in rowids.zip(sections) {
        let Article { slug, language, title, .. } = article;
        insert.execute(params![rowid, title, section.heading, section.text, slug, language])?;
    }
    Ok(())
}

/// A site's passages that match any of the words, best first.
pub(in crate::store) fn search(
    connection: &Connection,
    site: u32,
    words: &[String],
    language: Option<&str>,
    limit: u32,
) -> rusqlite::Result<Vec<Passage>> {
    let Some(matching) = any_of(words) else { return Ok(Vec::new()) };
    let rowids = rowids(site);
    let mut query = connection.prepare_cached(
        "SELECT slug, language, title, heading, text, -bm25(passages, ?1, ?2, 1.0) AS score
         FROM passages
         WHERE passages MATCH ?3 AND rowid BETWEEN ?4 AND ?5 AND (?6 IS NULL OR language = ?6)
         ORDER BY score DESC, rowid LIMIT ?7",
    )?;
    let (first, last) = (rowids.start(), rowids.end());
    let bound = params![TITLE_WEIGHT, HEADING_WEIGHT, matching, first, last, language, limit];
    query.query_map(bound, passage)?.collect()
}

fn passage(row: &Row<'_>) -> rusqlite::Result<Passage> {
    Ok(Passage {
        slug: row.get(0)?,
        language: row.get(1)?,
        title: row.get(2)?,
        heading: row.get(3)?,
        text: row.get(4)?,
        score: row.get(5)?,
    })
}

fn rowids(site: u32) -> RangeInclusive<i64> {
    let first = i64::from(site) << 32;
    first..=first | i64::from(u32::MAX)
}

/// The words as an expression of FTS5; `None` if there is nothing to look for.
fn any_of(words: &[String]) -> Option<String> {
    let terms: Vec<_> = words.iter().filter_map(|word| term(word)).take(WORDS_MAX).collect();
    (!terms.is_empty()).then(|| terms.join(" OR "))
}

/// A word, quoted so that nothing in it is an operator.
fn term(word: &str) -> Option<String> {
    if !word.contains(char::is_alphanumeric) {
        return None;
    }
    // A NUL would end the whole expression.
    let quoted = word.replace('"', "\"\"").replace('\0', " ");
    let star = if word.chars().count() >= PREFIX_LETTERS_MIN { "*" } else { "" };
    Some(format!("\"{quoted}\"{star}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(words: &[&str]) -> Option<String> {
        any_of(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn each_word_is_quoted_and_long_ones_also_match_what_they_begin() {
        assert_eq!(expression(&["tax", "parcel"]).unwrap(), r#""tax" OR "parcel"*"#);
    }

    #[test]
    fn nothing_in_a_word_is_an_operator() {
        assert_eq!(expression(&["a\"b", "NOT", "*", "\0"]).unwrap(), r#""a""b" OR "NOT""#);
        assert_eq!(expression(&["?", "", "--"]), None);
    }
}
