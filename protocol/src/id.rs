//! Who and what a message speaks of.
//!
//! Every id is a string on the wire, in both encodings, so that a client in any language keeps it
//! as it came.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// An id that does not have the shape its kind demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {shape}")]
pub struct InvalidId {
    kind: &'static str,
    shape: &'static str,
}

/// Ids that are UUIDs: 16 bytes in memory, 36 characters on the wire.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The id as a UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| InvalidId { kind: $kind, shape: "a UUID" })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut buffer = Uuid::encode_buffer();
                serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut buffer))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Parse::<Self>(std::marker::PhantomData))
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "format": "uuid" })
            }
        }
    };
}

/// Ids that are short texts, checked against a rule.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $shape:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { kind: $kind, shape: $shape })
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Parse::<Self>(std::marker::PhantomData))
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $shape })
            }
        }
    };
}

uuid_id! {
    /// One live conversation of one visitor on one site. Public: it opens nothing by itself.
    SessionId, "session"
}

uuid_id! {
    /// A person on a site; the same over visits.
    VisitorId, "visitor"
}

text_id! {
    /// One website, as a short slug: `demo`.
    SiteId, "site", "1 to 64 of a-z, 0-9, '-' and '_'",
    |text| (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

text_id! {
    /// A human who answers, as the site's own systems name them.
    OperatorId, "operator", "1 to 64 bytes without control characters",
    |text| (1..=64).contains(&text.len()) && !text.chars().any(char::is_control)
}

text_id! {
    /// A client-chosen name for one message: sent again, the message is not said again.
    Key, "key", "1 to 64 bytes without control characters",
    |text| (1..=crate::KEY_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

impl SessionId {
    /// The id of a visitor's session number `ordinal` (1, 2, 3 …).
    ///
    /// Derived, so that two nodes that open a visitor's next session at once open the same one,
    /// and the log's fence decides which of them starts it.
    pub fn nth(visitor: VisitorId, ordinal: u32) -> Self {
        // Version 8: a custom scheme (RFC 9562, section 5.8). XOR with a spread ordinal keeps it
        // free of collisions for one visitor, and one visitor's ids apart from another's.
        let mixed = visitor.uuid().as_u128() ^ spread(ordinal);
        Self(uuid::Builder::from_custom_bytes(mixed.to_be_bytes()).into_uuid())
    }
}

/// Spreads an ordinal over 128 bits (the finaliser of splitmix64, on two lanes).
fn spread(ordinal: u32) -> u128 {
    let lane = |seed: u64| {
        let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let ordinal = u64::from(ordinal);
    (u128::from(lane(ordinal << 1)) << 64) | u128::from(lane((ordinal << 1) | 1))
}

/// Reads an id from a string without keeping a copy of the string.
struct Parse<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = InvalidId>> serde::de::Visitor<'_> for Parse<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_one_visitor_differ_and_are_the_same_wherever_they_are_derived() {
        let visitor = VisitorId::from(Uuid::from_u128(7));
        let ids: std::collections::BTreeSet<_> =
            (1..=1000).map(|n| SessionId::nth(visitor, n)).collect();
        assert_eq!(ids.len(), 1000);
        assert_eq!(SessionId::nth(visitor, 3), SessionId::nth(visitor, 3));
        assert_ne!(SessionId::nth(visitor, 1).uuid(), visitor.uuid());
    }

    #[test]
    fn ids_refuse_what_does_not_have_their_shape() {
        assert!("Demo".parse::<SiteId>().is_err());
        assert!("".parse::<Key>().is_err());
        assert!("x".repeat(65).parse::<Key>().is_err());
        assert!("not-a-uuid".parse::<SessionId>().is_err());
        assert_eq!("demo".parse::<SiteId>().map(|s| s.to_string()), Ok("demo".to_owned()));
    }
}
