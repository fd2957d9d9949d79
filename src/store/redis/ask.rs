//! What is asked of the script of the store, and how its answers are read.

use std::fmt::Display;
use std::str::FromStr;

use redis::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::accounts::SecretHash;
use crate::store::StoreError;

/// One operation with its arguments.
pub(super) struct Ask(Vec<Vec<u8>>);

/// What the script has answered: a word for what became of it, then what was asked for.
pub(super) struct Answer {
    word: String,
    rest: Vec<Value>,
}

impl Ask {
    /// An operation, as the script calls it.
    pub(super) fn new(operation: &str) -> Self {
        Self(vec![operation.into()])
    }

    /// With text, or what is written as text.
    pub(super) fn with(self, value: impl Display) -> Self {
        self.bytes(value.to_string().into())
    }

    /// With bytes as they are.
    pub(super) fn bytes(mut self, bytes: Vec<u8>) -> Self {
        self.0.push(bytes);
        self
    }

    /// With the name that a code is kept under.
    pub(super) fn hash(self, hash: SecretHash) -> Self {
        self.with(hash.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    /// With a value as JSON.
    pub(super) fn json(self, value: &impl Serialize) -> Self {
        self.bytes(serde_json::to_vec(value).expect("what is configured has a form in JSON"))
    }

    /// All arguments, the operation first.
    pub(super) fn into_arguments(self) -> Vec<Vec<u8>> {
        self.0
    }
}

impl Answer {
    pub(super) fn read(value: Value) -> Result<Self, StoreError> {
        let Value::Array(values) = value else { return Err(strange()) };
        let mut values = values.into_iter();
        let word = text(values.next().ok_or_else(strange)?)?;
        Ok(Self { word, rest: values.collect() })
    }

    /// What was asked for, if it was done.
    pub(super) fn done(self) -> Result<Vec<Value>, StoreError> {
        match self.word.as_str() {
            "done" => Ok(self.rest),
            "key_taken" => Err(StoreError::KeyTaken),
            "login_taken" => Err(StoreError::LoginTaken),
            "unknown_invitation" => Err(StoreError::UnknownInvitation),
            "full" => Err(StoreError::InvitationsFull),
            "unknown_site" => {
                let site = self.rest.into_iter().next().ok_or_else(strange)?;
                Err(StoreError::UnknownSite(parsed(&text(site)?)?))
            }
            "unknown_account" => Err(StoreError::Failed("there is no such account".into())),
            "id_taken" => Err(StoreError::Failed("another account has the same id".into())),
            "pieces_gone" => {
                Err(StoreError::Failed("the articles took too long to arrive; try again".into()))
            }
            _ => Err(strange()),
        }
    }

    /// Whether it was done; not so if what it is about is not there.
    pub(super) fn whether(self) -> Result<bool, StoreError> {
        match self.word.as_str() {
            "unknown" | "account" => Ok(false),
            _ => self.done().map(|_| true),
        }
    }

    /// The word itself.
    pub(super) fn word(&self) -> &str {
        &self.word
    }

    /// The one value that was asked for, if it is there.
    pub(super) fn value(self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.done()?.into_iter().next() {
            None | Some(Value::Nil) => Ok(None),
            Some(value) => bytes(value).map(Some),
        }
    }

    /// All values that were asked for.
    pub(super) fn values(self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.done()?.into_iter().map(bytes).collect()
    }

    /// A record of several texts, if it is there.
    pub(super) fn record<const N: usize>(self) -> Result<Option<[String; N]>, StoreError> {
        let values = self.done()?;
        if values.is_empty() { Ok(None) } else { record(values).map(Some) }
    }

    /// Records of several texts each.
    pub(super) fn records<const N: usize>(self) -> Result<Vec<[String; N]>, StoreError> {
        let list = |value| match value {
            Value::Array(values) => record(values),
            _ => Err(strange()),
        };
        self.done()?.into_iter().map(list).collect()
    }
}

/// An id, or a number.
pub(super) fn parsed<T: FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| strange())
}

/// What [`Ask::json`] wrote. The error does not quote it: there may be secrets in it.
pub(super) fn json<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|_| {
        StoreError::Failed(format!(
            "{what} in Redis cannot be read; if a newer version wrote it, use that one"
        ))
    })
}

fn record<const N: usize>(values: Vec<Value>) -> Result<[String; N], StoreError> {
    let texts: Vec<_> = values.into_iter().map(text).collect::<Result<_, _>>()?;
    texts.try_into().map_err(|_| strange())
}

fn text(value: Value) -> Result<String, StoreError> {
    String::from_utf8(bytes(value)?).map_err(|_| strange())
}

fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into()),
        _ => Err(strange()),
    }
}

pub(super) fn strange() -> StoreError {
    StoreError::Failed("Redis holds something else than this version writes there".into())
}
