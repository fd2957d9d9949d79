//! Random codes that open something: who holds one may come in, so only its hash is kept.

use std::fmt;

use sha2::{Digest, Sha256};

/// Random bytes of a code: 256 bits, too many to try.
const SECRET_BYTES: usize = 32;

/// A code as its holder has it: 64 hexadecimal digits. Never stored, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What a code hashes to (SHA-256): finds what the code opens, and does not give the code away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl Secret {
    /// A new code, from the system's random numbers.
    pub fn new() -> Self {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).expect("the system gives random numbers");
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// A code as somebody gave it; none if it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let sound = text.len() == 2 * SECRET_BYTES
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        sound.then(|| Self(text.to_owned()))
    }

    /// The code itself, for its holder.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What it is stored and found by.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(&self.0).into())
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::new()
    }
}

impl SecretHash {
    /// The hash's bytes, for a store.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_was_given_out_and_no_two_are_alike() {
        let secret = Secret::new();
        assert_eq!(Secret::read(secret.expose()).unwrap().hash(), secret.hash());
        assert_ne!(Secret::new().hash(), secret.hash());
        assert!(!format!("{secret:?}").contains(secret.expose()));
    }

    #[test]
    fn what_cannot_be_a_code_is_not_looked_for() {
        let good = Secret::new().expose().to_owned();
        for bad in ["", &good[1..], &format!("{good}0"), &good.replace(&good[..1], "g"), "../.."] {
            assert_eq!(Secret::read(bad), None, "{bad}");
        }
    }
}
