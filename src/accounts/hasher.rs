//! Passwords are slow to hash, on purpose: beside the threads that serve sockets, and a bounded
//! number at once.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AccountError;

/// How many passwords are hashed at once. Each takes 19 MiB and some ten milliseconds of a core.
pub const HASHED_AT_ONCE_MAX: usize = 2;

/// How many wait for that; beyond it sign-in is refused as busy.
pub const HASHES_WAITING_MAX: usize = 32;

/// Hashes and verifies passwords by Argon2id, with the parameters that OWASP names first.
pub struct Hasher {
    places: Arc<Semaphore>,
    working: Arc<Semaphore>,
    /// The hash of a password that nobody knows, in the place of an account that is not there.
    nobody: String,
}

impl Hasher {
    /// With room for this many at once, and this many who wait.
    ///
    /// # Errors
    /// [`AccountError::Failed`] if nothing can be hashed here.
    pub fn new(at_once: usize, waiting: usize) -> Result<Self, AccountError> {
        Ok(Self {
            places: Arc::new(Semaphore::new(at_once + waiting)),
            working: Arc::new(Semaphore::new(at_once)),
            nobody: hash(super::Secret::new().expose())?,
        })
    }

    /// What is stored of a password.
    ///
    /// # Errors
    /// [`AccountError::Busy`] if too many wait.
    pub async fn hash(&self, password: String) -> Result<String, AccountError> {
        self.work(move || hash(&password)).await?
    }

    /// Whether it is the password that was hashed. Without a hash the answer is no, and takes as
    /// long.
    ///
    /// # Errors
    /// [`AccountError::Busy`] if too many wait.
    pub async fn verify(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<bool, AccountError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let same = self.work(move || verify(&password, &stored)).await?;
        Ok(same && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| AccountError::Busy)?;
        let turn = Arc::clone(&self.working).acquire_owned().await;
        let turn = turn.map_err(|_| AccountError::Busy)?;
        // Both are given back when the work is done, also when nobody waits for it any longer.
        let held: (OwnedSemaphorePermit, OwnedSemaphorePermit) = (turn, place);
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(held);
            done
        });
        done.await.map_err(|error| AccountError::Failed(error.to_string()))
    }
}

fn hash(password: &str) -> Result<String, AccountError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| AccountError::Failed(error.to_string()))
}

fn verify(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored)
        .is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn a_password_is_known_again_and_nothing_else_is() {
        let hasher = Hasher::new(2, 8).unwrap();
        let stored = hasher.hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(hasher.hash("correct horse".into()).await.unwrap(), stored, "salted");
        for (password, stored, expected) in [
            ("correct horse", Some(stored.clone()), true),
            ("correct horsf", Some(stored.clone()), false),
            ("", Some(stored.clone()), false),
            ("correct horse", None, false),
            ("correct horse", Some("no hash".into()), false),
        ] {
            assert_eq!(hasher.verify(password.into(), stored).await.unwrap(), expected);
        }
    }

    #[actix_rt::test]
    async fn more_than_may_wait_are_told_that_it_is_busy_and_later_served() {
        let hasher = Hasher::new(1, 1).unwrap();
        let attempts = (0..3).map(|_| hasher.verify("correct horse".into(), None));
        let outcomes = futures_util::future::join_all(attempts).await;
        let busy = outcomes.iter().filter(|o| matches!(o, Err(AccountError::Busy))).count();
        assert_eq!((outcomes.len(), busy), (3, 1));
        assert!(hasher.hash("correct horse".into()).await.is_ok());
    }

    #[actix_rt::test]
    async fn whoever_goes_away_gives_their_place_back() {
        let hasher = Hasher::new(1, 0).unwrap();
        let mut left = Box::pin(hasher.hash("correct horse".into()));
        tokio::select! {
            biased;
            _ = &mut left => panic!("hashing takes a while"),
            () = std::future::ready(()) => {}
        }
        assert!(matches!(hasher.hash("x".into()).await, Err(AccountError::Busy)));
        drop(left);
        // The work itself still ends; only then is the place free again.
        let _free = hasher.places.acquire().await.unwrap();
        assert_eq!(hasher.working.available_permits(), 1);
    }
}
