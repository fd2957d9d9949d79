//! Reads a site's articles: Markdown files, named `NAME.LANGUAGE.md`.
//!
//! An article begins with its `# Title`; each `## Heading` opens a passage, which is what the bot
//! answers with. Chat messages are plain text, so markup is taken out here, once: lists keep their
//! marks, links become `text (address)`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::store::{Article, Section};

/// The longest file that is read.
pub const ARTICLE_BYTES_MAX: u64 = 256 * 1024;

/// The most articles of one directory.
pub const ARTICLES_MAX: usize = 1000;

/// Why articles could not be read. Each names the file, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ArticleError {
    /// The file or directory does not open.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The name does not tell the language.
    #[error("{}: name it NAME.LANGUAGE.md, as in shipping.en.md", .0.display())]
    Name(PathBuf),
    /// It does not begin with a title.
    #[error("{}: begin with a line \"# Title\"", .0.display())]
    Title(PathBuf),
    /// It has more than one title.
    #[error("{}: keep one \"# \" line, the title, and begin passages with \"## \"; {heading:?} is a second one", path.display())]
    SecondTitle {
        /// Which file.
        path: PathBuf,
        /// The heading that is one too many.
        heading: String,
    },
    /// There is no text in it.
    #[error("{}: there is a title and no text", .0.display())]
    Empty(PathBuf),
    /// It is too long.
    #[error("{}: longer than {ARTICLE_BYTES_MAX} bytes; cut it into several articles", .0.display())]
    TooLong(PathBuf),
    /// There are too many files.
    #[error("{}: more than {ARTICLES_MAX} articles", .0.display())]
    TooMany(PathBuf),
    /// There are none.
    #[error("{}: no article in it; name them NAME.LANGUAGE.md, as in shipping.en.md", .0.display())]
    None(PathBuf),
}

/// Reads every `.md` file of a directory, by name.
pub fn read_articles(dir: &Path) -> Result<Vec<Article>, ArticleError> {
    let unreadable = |source| ArticleError::Read { path: dir.into(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
        if paths.len() > ARTICLES_MAX {
            return Err(ArticleError::TooMany(dir.into()));
        }
    }
    if paths.is_empty() {
        return Err(ArticleError::None(dir.into()));
    }
    paths.sort();
    paths.iter().map(|path| read_article(path)).collect()
}

fn read_article(path: &Path) -> Result<Article, ArticleError> {
    let (slug, language) = name(path).ok_or_else(|| ArticleError::Name(path.into()))?;
    let unreadable = |source| ArticleError::Read { path: path.into(), source };
    if fs::metadata(path).map_err(unreadable)?.len() > ARTICLE_BYTES_MAX {
        return Err(ArticleError::TooLong(path.into()));
    }
    let markdown = fs::read_to_string(path).map_err(unreadable)?;
    let mut parts = parts(&markdown).into_iter();
    let title = parts
        .next()
        .filter(|first| first.level == Some(HeadingLevel::H1) && !first.section.heading.is_empty())
        .ok_or_else(|| ArticleError::Title(path.into()))?;
    let mut article = Article {
        slug: slug.into(),
        language: language.into(),
        title: title.section.heading.clone(),
        sections: Vec::new(),
    };
    for Part { level, section } in std::iter::once(title).chain(parts) {
        if level == Some(HeadingLevel::H1) && section.heading != article.title {
            return Err(ArticleError::SecondTitle { path: path.into(), heading: section.heading });
        }
        if !section.text.is_empty() {
            article.sections.push(section);
        }
    }
    if article.sections.is_empty() {
        return Err(ArticleError::Empty(path.into()));
    }
    Ok(article)
}

/// Slug and language of a file's name: `shipping.fr` and `fr`.
fn name(path: &Path) -> Option<(&str, &str)> {
    let slug = path.file_stem()?.to_str()?;
    let (name, language) = slug.rsplit_once('.')?;
    let is_language =
        (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_lowercase());
    (!name.is_empty() && is_language).then_some((slug, language))
}

/// A heading of the first or second level (none before the first) with the text below it.
struct Part {
    level: Option<HeadingLevel>,
    section: Section,
}

fn parts(markdown: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = PlainText::default();
    let mut level = None;
    let mut heading = String::new();
    let mut close = |level: Option<HeadingLevel>, heading: &mut String, text: &mut PlainText| {
        let section = Section { heading: std::mem::take(heading), text: text.take() };
        if level.is_some() || !section.text.is_empty() {
            parts.push(Part { level, section });
        }
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { level: next, .. }) if next <= HeadingLevel::H2 => {
                close(level, &mut heading, &mut text);
                level = Some(next);
            }
            Event::End(TagEnd::Heading(next)) if next <= HeadingLevel::H2 => heading = text.take(),
            event => text.push(event),
        }
    }
    close(level, &mut heading, &mut text);
    parts
}

/// Markdown without its marks.
#[derive(Default)]
struct PlainText {
    text: String,
    /// The open lists: the number of the next item, if they are numbered.
    lists: Vec<Option<u64>>,
    /// The open links: where their text begins, and their address.
    links: Vec<(usize, String)>,
}

impl PlainText {
    fn push(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(tag),
            _ => {}
        }
    }

    fn open(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::List(first) => {
                self.end_line();
                self.lists.push(first);
            }
            Tag::Item => self.open_item(),
            Tag::Link { dest_url, .. } => {
                self.links.push((self.text.len(), dest_url.into_string()))
            }
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::List(_) => {
                self.lists.pop();
                self.end_block();
            }
            TagEnd::Item | TagEnd::TableRow | TagEnd::TableHead => {
                let kept = self.text.trim_end_matches([' ', '|', '\n']).len();
                self.text.truncate(kept);
                self.text.push('\n');
            }
            TagEnd::TableCell => self.text.push_str(" | "),
            TagEnd::Link => self.close_link(),
            TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::CodeBlock
            | TagEnd::Table
            | TagEnd::BlockQuote(_) => self.end_block(),
            _ => {}
        }
    }

    fn open_item(&mut self) {
        self.end_line();
        let depth = self.lists.len().saturating_sub(1);
        self.text.push_str(&"  ".repeat(depth));
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.text.push_str(&format!("{number}. "));
                *number += 1;
            }
            _ => self.text.push_str("- "),
        }
    }

    fn close_link(&mut self) {
        let Some((begin, address)) = self.links.pop() else { return };
        let address = address.strip_prefix("mailto:").unwrap_or(&address);
        let bare = address.strip_prefix("https://").unwrap_or(address);
        let said = &self.text[begin..];
        if said.is_empty() || said == bare {
            self.text.truncate(begin);
            self.text.push_str(address);
        } else if !address.is_empty() && said != address {
            self.text.push_str(&format!(" ({address})"));
        }
    }

    fn end_line(&mut self) {
        let kept = self.text.trim_end().len();
        self.text.truncate(kept);
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A blank line, except within lists, which stay dense.
    fn end_block(&mut self) {
        self.end_line();
        if self.lists.is_empty() && !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn take(&mut self) -> String {
        let text = std::mem::take(self).text;
        text.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Vec<Article>, ArticleError> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        read_articles(dir.path())
    }

    fn text(markdown: &str) -> String {
        let articles = read(&[("a.en.md", &format!("# A\n\n{markdown}"))]).unwrap();
        articles[0].sections[0].text.clone()
    }

    #[test]
    fn an_article_is_cut_into_passages_at_its_headings() {
        let tea = "# Tea *green*\n\nIn short.\n\n## Brewing\n\nHot.\nNot boiling.\n\n### Why\n\nBitter.\n\n## Empty\n\n## Price\n\n4 €\n";
        let articles = read(&[("tea.fr.md", tea), ("notes.txt", "none")]).unwrap();
        let section =
            |heading: &str, text: &str| Section { heading: heading.into(), text: text.into() };
        let expected = Article {
            slug: "tea.fr".into(),
            language: "fr".into(),
            title: "Tea green".into(),
            sections: vec![
                section("Tea green", "In short."),
                section("Brewing", "Hot. Not boiling.\n\nWhy\n\nBitter."),
                section("Price", "4 €"),
            ],
        };
        assert_eq!(articles, [expected]);
    }

    #[test]
    fn articles_come_in_the_order_of_their_names() {
        let articles = read(&[("b.en.md", "# B\nb"), ("a.lv.md", "# A\na"), ("a.en.md", "# A\na")]);
        let slugs: Vec<_> = articles.unwrap().into_iter().map(|article| article.slug).collect();
        assert_eq!(slugs, ["a.en", "a.lv", "b.en"]);
    }

    #[test]
    fn markup_becomes_plain_text_that_reads_well() {
        for (markdown, expected) in [
            ("a **b** `c` *d*", "a b c d"),
            ("one\ntwo  \nthree\n\nfour", "one two\nthree\n\nfour"),
            (
                "Pay by:\n\n- card\n- PayPal\n\nThen wait.",
                "Pay by:\n- card\n- PayPal\n\nThen wait.",
            ),
            ("1. open\n2. close", "1. open\n2. close"),
            ("3. a\n\n   b\n\n4. c", "3. a\nb\n4. c"),
            ("- a\n  - b\n    1. c\n- d", "- a\n  - b\n    1. c\n- d"),
            ("see [our page](https://a.example/b)", "see our page (https://a.example/b)"),
            ("see [a.example/b](https://a.example/b)", "see https://a.example/b"),
            ("see <https://a.example>", "see https://a.example"),
            (
                "write to <a@b.example> or [us](mailto:a@b.example)",
                "write to a@b.example or us (a@b.example)",
            ),
            ("| a | b |\n|---|---|\n| c | d |\n\nend", "a | b\nc | d\n\nend"),
            ("> said\n\n```\nlet x;\n```", "said\n\nlet x;"),
            ("a <b>b</b> &amp; c", "a b & c"),
            ("![a bag](bag.png)", "a bag"),
        ] {
            assert_eq!(text(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn errors_name_the_file_and_say_what_to_do() {
        let long = format!("# A\n{}", "a".repeat(ARTICLE_BYTES_MAX as usize));
        for (name, text, expected) in [
            ("tea.md", "# A\na", "tea.md: name it NAME.LANGUAGE.md"),
            ("tea.English.md", "# A\na", "tea.English.md: name it NAME.LANGUAGE.md"),
            (".fr.md", "# A\na", ".fr.md: name it NAME.LANGUAGE.md"),
            ("tea.fr.md", "", "tea.fr.md: begin with a line \"# Title\""),
            ("tea.fr.md", "text\n# A", "tea.fr.md: begin with a line \"# Title\""),
            ("tea.fr.md", "## A\ntext", "tea.fr.md: begin with a line \"# Title\""),
            ("tea.fr.md", "#\ntext", "tea.fr.md: begin with a line \"# Title\""),
            ("tea.fr.md", "# A\na\n# B\nb", "keep one \"# \" line"),
            ("tea.fr.md", "# A\n\n## B\n", "tea.fr.md: there is a title and no text"),
            ("tea.fr.md", &long, "tea.fr.md: longer than 262144 bytes"),
            ("tea.txt", "", "no article in it"),
        ] {
            let error = read(&[(name, text)]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(
            read_articles("no/such/dir".as_ref())
                .unwrap_err()
                .to_string()
                .starts_with("no/such/dir: ")
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("tea.fr.md"), [b'#', b' ', 0xff]).unwrap();
        assert!(matches!(read_articles(dir.path()), Err(ArticleError::Read { .. })));
    }
}
