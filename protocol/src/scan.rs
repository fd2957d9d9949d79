//! Finds the end of one MessagePack value in a stream, within bounds.
//!
//! MessagePack delimits itself, so a plain TCP stream needs no length prefix; but a reader must
//! neither wait for a gigabyte that a header announces nor recurse as deep as a peer likes. The
//! scanner remembers where it stopped, so every byte is looked at once however it arrives.

use crate::{MESSAGE_BYTES_MAX, MESSAGE_DEPTH_MAX};

/// Why bytes are not an acceptable MessagePack value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The value is, or announces to be, longer than allowed.
    #[error("a message is longer than allowed ({MESSAGE_BYTES_MAX} bytes from a client)")]
    TooLarge,
    /// Arrays and maps nest deeper than allowed.
    #[error("a message nests deeper than {MESSAGE_DEPTH_MAX} arrays or maps")]
    TooDeep,
    /// The byte 0xc1, which MessagePack never uses.
    #[error("the byte 0xc1 is not MessagePack")]
    Reserved,
}

/// An incremental scanner for one value at a time.
#[derive(Debug, Clone)]
pub struct Scanner {
    /// How long a value may be.
    bytes_max: usize,
    /// How far the current value has been scanned; may lie beyond what has arrived.
    position: usize,
    /// How many values each open array or map still lacks.
    open: [u32; MESSAGE_DEPTH_MAX],
    depth: usize,
}

/// What a value's first byte says of the rest of it.
struct Head {
    /// Bytes of the head and of the value's own payload.
    bytes: usize,
    /// Values that follow as its elements.
    elements: u64,
}

impl Default for Scanner {
    /// Within the bound of what a client sends.
    fn default() -> Self {
        Self::within(MESSAGE_BYTES_MAX)
    }
}

impl Scanner {
    /// A scanner of values of at most `bytes_max` bytes: a client reads a server's answers within
    /// [`ANSWER_BYTES_MAX`](crate::ANSWER_BYTES_MAX).
    pub const fn within(bytes_max: usize) -> Self {
        Self { bytes_max, position: 0, open: [0; MESSAGE_DEPTH_MAX], depth: 0 }
    }

    /// Looks at `buffer`, which starts where the current value starts and holds what has arrived
    /// of it. Returns the value's length once it is whole; then the next value may be scanned.
    ///
    /// # Errors
    /// The stream cannot be followed any further: there is no way to find where the next value
    /// starts.
    pub fn scan(&mut self, buffer: &[u8]) -> Result<Option<usize>, ScanError> {
        loop {
            if self.depth == 0 && self.position > 0 {
                let end = self.position;
                if end > buffer.len() {
                    return Ok(None);
                }
                *self = Self::within(self.bytes_max);
                return Ok(Some(end));
            }
            let Some(rest) = buffer.get(self.position..).filter(|rest| !rest.is_empty()) else {
                return Ok(None);
            };
            let Some(head) = head(rest)? else { return Ok(None) };
            self.position = self.position.saturating_add(head.bytes);
            // Every element takes a byte at least, so an announced count is a lower bound.
            if self.position as u64 + head.elements > self.bytes_max as u64 {
                return Err(ScanError::TooLarge);
            }
            if head.elements > 0 {
                let slot = self.open.get_mut(self.depth).ok_or(ScanError::TooDeep)?;
                *slot = head.elements as u32;
                self.depth += 1;
            } else {
                self.close();
            }
        }
    }

    /// A value has ended; so have the arrays and maps whose last element it was.
    fn close(&mut self) {
        while self.depth > 0 {
            let slot = &mut self.open[self.depth - 1];
            *slot -= 1;
            if *slot > 0 {
                return;
            }
            self.depth -= 1;
        }
    }
}

/// Reads the head of a value, or `None` if its length bytes have not arrived.
fn head(bytes: &[u8]) -> Result<Option<Head>, ScanError> {
    let leaf = |bytes| Ok(Some(Head { bytes, elements: 0 }));
    let nest = |bytes, elements| Ok(Some(Head { bytes, elements }));
    // The big-endian number of `width` bytes after the first byte.
    let number = |width: usize| {
        bytes.get(1..=width).map(|b| b.iter().fold(0u64, |n, byte| (n << 8) | u64::from(*byte)))
    };
    let sized = |width: usize, extra: usize| {
        Ok(number(width).map(|length| Head {
            bytes: usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1 + width + extra),
            elements: 0,
        }))
    };
    let counted = |width: usize, each: u64| {
        Ok(number(width).map(|count| Head { bytes: 1 + width, elements: count * each }))
    };
    match bytes[0] {
        0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => leaf(1),
        fixmap @ 0x80..=0x8f => nest(1, 2 * u64::from(fixmap & 0x0f)),
        fixarray @ 0x90..=0x9f => nest(1, u64::from(fixarray & 0x0f)),
        fixstr @ 0xa0..=0xbf => leaf(1 + usize::from(fixstr & 0x1f)),
        0xc1 => Err(ScanError::Reserved),
        0xc4 | 0xd9 => sized(1, 0),
        0xc5 | 0xda => sized(2, 0),
        0xc6 | 0xdb => sized(4, 0),
        0xc7 => sized(1, 1),
        0xc8 => sized(2, 1),
        0xc9 => sized(4, 1),
        0xcc | 0xd0 => leaf(2),
        0xcd | 0xd1 => leaf(3),
        0xca | 0xce | 0xd2 => leaf(5),
        0xcb | 0xcf | 0xd3 => leaf(9),
        0xd4 => leaf(3),
        0xd5 => leaf(4),
        0xd6 => leaf(6),
        0xd7 => leaf(10),
        0xd8 => leaf(18),
        0xdc => counted(2, 1),
        0xdd => counted(4, 1),
        0xde => counted(2, 2),
        0xdf => counted(4, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn pack(value: &Value) -> Vec<u8> {
        rmp_serde::to_vec(value).unwrap()
    }

    fn nested(depth: usize) -> Vec<u8> {
        let mut bytes = vec![0x91; depth];
        bytes.push(0x01);
        bytes
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,300}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 60, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
                prop::collection::hash_map(".{0,8}", inner, 0..20)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn sixteen_levels_pass_and_seventeen_do_not() {
        assert_eq!(Scanner::default().scan(&nested(16)), Ok(Some(17)));
        assert_eq!(Scanner::default().scan(&nested(17)), Err(ScanError::TooDeep));
    }

    #[test]
    fn an_announced_gigabyte_is_refused_at_its_head() {
        for head in [
            &[0xdb, 0x40, 0, 0, 0][..],
            &[0xc6, 0xff, 0xff, 0xff, 0xff],
            &[0xdd, 0xff, 0xff, 0xff, 0xff],
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
            &[0xc9, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(Scanner::default().scan(head), Err(ScanError::TooLarge), "{head:x?}");
        }
    }

    #[test]
    fn a_string_may_be_as_long_as_a_message_but_no_longer() {
        let exact = pack(&json!("x".repeat(MESSAGE_BYTES_MAX - 3)));
        assert_eq!(exact.len(), MESSAGE_BYTES_MAX);
        assert_eq!(Scanner::default().scan(&exact), Ok(Some(MESSAGE_BYTES_MAX)));
        let over = pack(&json!("x".repeat(MESSAGE_BYTES_MAX - 2)));
        assert_eq!(Scanner::default().scan(&over), Err(ScanError::TooLarge));
    }

    #[test]
    fn an_answer_may_be_longer_than_a_request() {
        let long = pack(&json!("x".repeat(2 * MESSAGE_BYTES_MAX)));
        assert_eq!(Scanner::within(4 * MESSAGE_BYTES_MAX).scan(&long), Ok(Some(long.len())));
        assert_eq!(Scanner::within(MESSAGE_BYTES_MAX).scan(&long), Err(ScanError::TooLarge));
    }

    #[test]
    fn the_unused_byte_is_refused() {
        assert_eq!(Scanner::default().scan(&[0x92, 0x01, 0xc1]), Err(ScanError::Reserved));
    }

    proptest! {
        #[test]
        fn values_are_found_whole_however_they_arrive(
            values in prop::collection::vec(value(), 1..4),
            cuts in prop::collection::vec(1usize..50, 1..40),
        ) {
            let packed: Vec<Vec<u8>> = values.iter().map(pack).collect();
            prop_assume!(packed.iter().all(|p| p.len() <= MESSAGE_BYTES_MAX));
            let stream: Vec<u8> = packed.concat();
            let (mut scanner, mut start, mut arrived, mut found) = (Scanner::default(), 0, 0, vec![]);
            for cut in cuts.iter().cycle() {
                arrived = (arrived + cut).min(stream.len());
                while let Some(length) = scanner.scan(&stream[start..arrived]).unwrap() {
                    found.push(stream[start..start + length].to_vec());
                    start += length;
                }
                if arrived == stream.len() { break; }
            }
            prop_assert_eq!(found, packed);
        }

        #[test]
        fn any_bytes_end_in_a_value_an_error_or_a_wish_for_more(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            if let Ok(Some(length)) = Scanner::default().scan(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
