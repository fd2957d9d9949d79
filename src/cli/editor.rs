//! One line that a person writes, on a terminal in raw mode.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use vigie_protocol::TEXT_BYTES_MAX;

use super::text::{clean, columns};

/// A line and the cursor in it. Line breaks come only by pasting, and are drawn as `⏎`.
#[derive(Debug, Default)]
pub(super) struct Editor {
    text: String,
    /// In bytes, between two characters.
    cursor: usize,
}

impl Editor {
    /// What has been written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is nothing but white space.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Takes the line away.
    pub(super) fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Puts a line in its place, the cursor behind it.
    pub(super) fn set(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
    }

    /// Puts a text where the cursor is; what would be too long is left out.
    pub(super) fn insert(&mut self, text: &str) {
        let text = clean(text);
        if self.text.len() + text.len() <= TEXT_BYTES_MAX {
            self.text.insert_str(self.cursor, &text);
            self.cursor += text.len();
        }
    }

    /// Does what a key says; returns whether the text may have changed.
    pub(super) fn press(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.len(),
            KeyCode::Char('u') if control => return self.remove(0, self.cursor),
            KeyCode::Char('k') if control => return self.remove(self.cursor, self.text.len()),
            KeyCode::Char('w') if control => return self.remove(self.word_start(), self.cursor),
            KeyCode::Char(_) if control || key.modifiers.contains(KeyModifiers::ALT) => {}
            KeyCode::Char(character) => {
                self.insert(character.encode_utf8(&mut [0; 4]));
                return true;
            }
            KeyCode::Backspace => return self.remove(self.before(), self.cursor),
            KeyCode::Delete => return self.remove(self.cursor, self.after()),
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => {}
        }
        false
    }

    /// The part of the line around the cursor that fits into `width` columns, and the cursor's
    /// column in it.
    pub(super) fn view(&self, width: usize) -> (String, usize) {
        let before = self.text[..self.cursor].replace('\n', "⏎");
        let after = self.text[self.cursor..].replace('\n', "⏎");
        let mut start = 0;
        // The cursor needs a column of its own.
        while columns(&before[start..]) + 1 > width && start < before.len() {
            start += before[start..].chars().next().map_or(1, char::len_utf8);
        }
        let column = columns(&before[start..]);
        let mut view = before[start..].to_owned();
        for character in after.chars() {
            view.push(character);
            if columns(&view) > width {
                view.pop();
                break;
            }
        }
        (view, column)
    }

    fn remove(&mut self, from: usize, to: usize) -> bool {
        self.text.replace_range(from..to, "");
        self.cursor = from;
        from != to
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].char_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let next = self.text[self.cursor..].chars().next();
        self.cursor + next.map_or(0, char::len_utf8)
    }

    fn word_start(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Editor {
        let mut editor = Editor::default();
        for character in text.chars() {
            editor.press(KeyCode::Char(character).into());
        }
        editor
    }

    fn control(character: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL)
    }

    #[test]
    fn keys_write_and_mend_a_line() {
        let mut editor = typed("Ça va bien");
        editor.press(control('w'));
        assert_eq!(editor.text(), "Ça va ");
        editor.press(KeyCode::Backspace.into());
        editor.press(KeyCode::Home.into());
        editor.press(KeyCode::Delete.into());
        assert_eq!(editor.text(), "a va");
        editor.press(KeyCode::Right.into());
        editor.press(KeyCode::Char('h').into());
        assert_eq!(editor.text(), "ah va");
        editor.press(control('k'));
        assert_eq!(editor.text(), "ah");
        editor.press(control('u'));
        assert!(editor.is_blank());
        assert!(!editor.press(KeyCode::Backspace.into()));
    }

    #[test]
    fn what_is_pasted_is_clean_and_bounded() {
        let mut editor = typed("a");
        editor.insert("\u{1b}[31mb\nc");
        assert_eq!(editor.text(), "a[31mb\nc");
        editor.insert(&"x".repeat(TEXT_BYTES_MAX));
        assert_eq!(editor.text(), "a[31mb\nc");
    }

    #[test]
    fn a_long_line_is_shown_around_the_cursor() {
        let mut editor = typed("0123456789");
        assert_eq!(editor.view(5), ("6789".to_owned(), 4));
        editor.press(KeyCode::Home.into());
        assert_eq!(editor.view(5), ("01234".to_owned(), 0));
        assert_eq!(typed("日本語").view(5), ("本語".to_owned(), 4));
    }
}
