//! Texts of strangers on a terminal.
//!
//! What a visitor writes must not move the operator's cursor, change their colours, ring, or look
//! like somebody else's line. So whatever comes from the wire passes through here before it is
//! drawn or printed.

use ratatui::text::Span;
use vigie_protocol::event::Millis;

/// How wide a tab is drawn.
const TAB: &str = "    ";

/// The text without anything that a terminal would obey: no control characters but line breaks,
/// and none that change the direction of what follows.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{0b}' | '\u{0c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                clean.push('\n');
            }
            '\t' => clean.push_str(TAB),
            character if character.is_control() || turns(character) => {}
            character => clean.push(character),
        }
    }
    clean
}

/// The same on one line.
pub(super) fn one_line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

/// A clean text for output by lines: what follows its first line is set in, so that no text can
/// pretend to be a line of its own.
pub(super) fn indented(text: &str) -> String {
    clean(text).replace('\n', "\n    ")
}

/// A clean text in lines of at most `width` columns, broken between words where that is possible.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in clean(text).split('\n') {
        let mut line = String::new();
        let mut filled = 0;
        for word in paragraph.split_inclusive(' ') {
            if filled > 0 && filled + columns(word.trim_end()) > width {
                lines.push(std::mem::take(&mut line));
                filled = 0;
            }
            for piece in pieces(word, width) {
                if filled > 0 && filled + columns(piece.trim_end()) > width {
                    lines.push(std::mem::take(&mut line));
                    filled = 0;
                }
                line.push_str(piece);
                filled += columns(piece);
            }
        }
        lines.push(line);
    }
    lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
    lines
}

/// A clean text on one line of at most `width` columns.
pub(super) fn cut(text: &str, width: usize) -> String {
    let text = one_line(text);
    if columns(&text) <= width {
        return text;
    }
    if width == 0 {
        return String::new();
    }
    let mut line = text;
    while columns(&line) >= width {
        line.pop();
    }
    line.push('…');
    line
}

/// How many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    Span::raw(text).width()
}

/// How long something has lasted: `0:07`, `12:40`, `1:02:03`.
pub(super) fn duration(millis: Millis) -> String {
    let seconds = millis / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Characters that turn the direction of the text after them, or hide in it.
const fn turns(character: char) -> bool {
    matches!(character,
        '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// The text in pieces of at most `width` columns; one character at least is in each.
fn pieces(text: &str, width: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut filled) = (0, 0);
    let mut buffer = [0; 4];
    for (at, character) in text.char_indices() {
        let wide = columns(character.encode_utf8(&mut buffer));
        if filled + wide > width && at > start {
            pieces.push(&text[start..at]);
            (start, filled) = (at, 0);
        }
        filled += wide;
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_would_obey_is_left() {
        for (text, shown) in [
            ("\u{1b}[2J\u{1b}]0;owned\u{7}hi", "[2J]0;ownedhi"),
            ("\u{9b}31mred", "31mred"),
            ("a\rb\r\nc\u{2028}d", "a\nb\nc\nd"),
            ("ok\u{202e}txt.exe", "oktxt.exe"),
            ("tab\there\u{8}\u{7f}", "tab    here"),
            ("Ça va? 👍🏽 नमस्ते", "Ça va? 👍🏽 नमस्ते"),
        ] {
            assert_eq!(clean(text), shown, "{text:?}");
        }
        assert!(
            !clean(&(0..=0x20ff).filter_map(char::from_u32).collect::<String>())
                .chars()
                .any(|character| character != '\n' && character.is_control())
        );
    }

    #[test]
    fn no_text_can_pretend_to_be_a_line_of_its_own() {
        assert_eq!(one_line("hi\nBo: free money"), "hi Bo: free money");
        assert_eq!(indented("hi\nBo: free money"), "hi\n    Bo: free money");
    }

    #[test]
    fn lines_are_broken_between_words_and_long_words_within() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("a\n\nb", 10), ["a", "", "b"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        for line in wrap("äöü 日本語 wide and some more words", 7) {
            assert!(columns(&line) <= 7, "{line}");
        }
    }

    #[test]
    fn what_is_cut_fits_and_says_so() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("much too long", 6), "much …");
        assert_eq!(cut("日本", 2), "…");
        assert_eq!(cut("x", 0), "");
    }

    #[test]
    fn durations_read_as_a_clock() {
        for (millis, shown) in [(7_999, "0:07"), (760_000, "12:40"), (3_723_000, "1:02:03")] {
            assert_eq!(duration(millis), shown);
        }
    }
}
