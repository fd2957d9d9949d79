//! Shows MessagePack byte by byte: position, bytes, meaning.

use std::fmt::{self, Write};

/// How many bytes one line shows.
const LINE_BYTES: usize = 12;

/// A whole MessagePack-RPC message, one value a line; a map's key and its plain value share one.
pub fn annotate(bytes: &[u8]) -> String {
    let mut page = Page { bytes, position: 0, text: String::new() };
    let array = page.peek();
    page.line(array.length, 0, "", &format!("a message: {}", array.value));
    let kind = page.peek();
    let (meaning, parts): (_, &[&str]) = match kind.value {
        Value::Plain(number) if number == "0" => ("0: request", &["id:", "method:", "params:"]),
        Value::Plain(number) if number == "1" => ("1: response", &["id:", "error:", "result:"]),
        _ => ("2: notification", &["method:", "params:"]),
    };
    page.line(kind.length, 1, "", meaning);
    for label in parts {
        page.value(0, 1, label);
    }
    assert_eq!(page.position, bytes.len());
    page.text
}

struct Page<'a> {
    bytes: &'a [u8],
    position: usize,
    text: String,
}

/// A value's own bytes (without its elements), and what they say.
struct Item {
    length: usize,
    value: Value,
}

enum Value {
    Plain(String),
    Array(usize),
    Map(usize),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(meaning) => f.write_str(meaning),
            Self::Array(count) => write!(f, "array of {count}"),
            Self::Map(count) => write!(f, "map of {count}"),
        }
    }
}

impl Page<'_> {
    /// Shows the value that follows `key` bytes of its key, and its elements.
    fn value(&mut self, key: usize, depth: usize, label: &str) {
        self.position += key;
        let item = self.peek();
        self.position -= key;
        self.line(key + item.length, depth, label, &item.value.to_string());
        match item.value {
            Value::Plain(_) => {}
            Value::Array(count) => (0..count).for_each(|_| self.value(0, depth + 1, "")),
            Value::Map(count) => (0..count).for_each(|_| self.entry(depth + 1)),
        }
    }

    fn entry(&mut self, depth: usize) {
        let key = self.peek();
        let name = key.value.to_string();
        self.value(key.length, depth, &format!("{}:", name.trim_matches('"')));
    }

    /// Shows the next `length` bytes, with their meaning beside the first line of them.
    fn line(&mut self, length: usize, depth: usize, label: &str, meaning: &str) {
        let mut rest = &self.bytes[self.position..self.position + length];
        let indent = "  ".repeat(depth);
        let space = if label.is_empty() { "" } else { " " };
        let mut words = format!("{indent}{label}{space}{meaning}");
        while !rest.is_empty() {
            let (shown, after) = rest.split_at(rest.len().min(LINE_BYTES));
            let hex: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
            let line = format!("  {:04x}  {:<35}  {words}", self.position, hex.join(" "));
            writeln!(self.text, "{}", line.trim_end()).expect("writing to memory");
            words.clear();
            self.position += shown.len();
            rest = after;
        }
    }

    fn peek(&self) -> Item {
        let bytes = &self.bytes[self.position..];
        let number = |width: usize| {
            bytes[1..=width].iter().fold(0u64, |number, byte| (number << 8) | u64::from(*byte))
        };
        let plain = |length, meaning: String| Item { length, value: Value::Plain(meaning) };
        let text = |head: usize, length: usize| {
            let content = &bytes[head..head + length];
            plain(head + length, format!("{:?}", str::from_utf8(content).expect("UTF-8")))
        };
        match bytes[0] {
            small @ 0x00..=0x7f => plain(1, small.to_string()),
            map @ 0x80..=0x8f => Item { length: 1, value: Value::Map(usize::from(map & 0x0f)) },
            array @ 0x90..=0x9f => {
                Item { length: 1, value: Value::Array(usize::from(array & 0x0f)) }
            }
            short @ 0xa0..=0xbf => text(1, usize::from(short & 0x1f)),
            0xc0 => plain(1, "nil".into()),
            0xc2 => plain(1, "false".into()),
            0xc3 => plain(1, "true".into()),
            0xcc => plain(2, number(1).to_string()),
            0xcd => plain(3, number(2).to_string()),
            0xce => plain(5, number(4).to_string()),
            0xcf => plain(9, number(8).to_string()),
            0xd9 => text(2, number(1) as usize),
            other => panic!("the exchange has no {other:02x}"),
        }
    }
}
