//! How often a password may be guessed.
//!
//! An attempt is counted before it is made, so that many at once are counted as well, and forgiven
//! when it succeeds. Counted twice: against the login that is tried (guessing one person's), and
//! against the address that it comes from (trying one password on everybody).

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

use vigie_protocol::event::Millis;

/// Attempts that fail within this time count together.
pub const WINDOW_MS: Millis = 5 * 60 * 1000;

/// Failed attempts at one login.
pub const FAILURES_OF_LOGIN_MAX: u32 = 8;

/// Failed attempts from one address: an office behind one may have several who mistype.
pub const FAILURES_OF_ADDRESS_MAX: u32 = 40;

/// How many logins, and how many addresses, are remembered at most. Beyond that the one whose time
/// is over first is forgotten.
pub const REMEMBERED_MAX: usize = 10_000;

/// Failed attempts of the recent past.
#[derive(Debug)]
pub struct Throttle {
    logins: Table<String>,
    addresses: Table<IpAddr>,
}

/// One window of one key.
#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    until: Millis,
}

#[derive(Debug)]
struct Table<K> {
    failures: HashMap<K, Failures>,
    failures_max: u32,
}

impl Throttle {
    /// Nobody has failed yet.
    pub fn new() -> Self {
        Self {
            logins: Table::new(FAILURES_OF_LOGIN_MAX),
            addresses: Table::new(FAILURES_OF_ADDRESS_MAX),
        }
    }

    /// Counts an attempt that begins.
    ///
    /// # Errors
    /// It may not: how many milliseconds to wait.
    pub fn attempt(&mut self, login: &str, address: IpAddr, now: Millis) -> Result<(), Millis> {
        let address = neighbourhood(address);
        let wait = self.logins.wait(login, now).max(self.addresses.wait(&address, now));
        if wait > 0 {
            return Err(wait);
        }
        self.logins.count(login.to_owned(), now);
        self.addresses.count(address, now);
        Ok(())
    }

    /// The attempt was no guess: the login starts anew, and the address is not charged with it.
    pub fn succeeded(&mut self, login: &str, address: IpAddr) {
        self.logins.failures.remove(login);
        self.gave_up(&neighbourhood(address));
    }

    /// The attempt was not made after all.
    pub fn abandoned(&mut self, login: &str, address: IpAddr) {
        if let Some(failures) = self.logins.failures.get_mut(login) {
            failures.count = failures.count.saturating_sub(1);
        }
        self.gave_up(&neighbourhood(address));
    }

    fn gave_up(&mut self, address: &IpAddr) {
        if let Some(failures) = self.addresses.failures.get_mut(address) {
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Eq + Hash + Clone> Table<K> {
    fn new(failures_max: u32) -> Self {
        Self { failures: HashMap::new(), failures_max }
    }

    fn wait<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: Millis) -> Millis
    where
        K: std::borrow::Borrow<Q>,
    {
        match self.failures.get(key) {
            Some(failures) if failures.count >= self.failures_max => {
                failures.until.saturating_sub(now)
            }
            _ => 0,
        }
    }

    fn count(&mut self, key: K, now: Millis) {
        if !self.failures.contains_key(&key) && self.failures.len() >= REMEMBERED_MAX {
            self.make_room(now);
        }
        let fresh = Failures { count: 0, until: now + WINDOW_MS };
        let failures = self.failures.entry(key).or_insert(fresh);
        if failures.until <= now {
            *failures = fresh;
        }
        failures.count += 1;
    }

    fn make_room(&mut self, now: Millis) {
        self.failures.retain(|_, failures| failures.until > now);
        if self.failures.len() >= REMEMBERED_MAX {
            let oldest = self.failures.iter().min_by_key(|(_, failures)| failures.until);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.failures.remove(&oldest);
            }
        }
    }
}

/// A provider gives each customer a whole /64 of IPv6.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn a_login_is_guessed_at_so_often_within_the_window() {
        let mut throttle = Throttle::new();
        for n in 0..FAILURES_OF_LOGIN_MAX {
            let from = address(u8::try_from(n).unwrap());
            assert_eq!(throttle.attempt("ana", from, NOW), Ok(()));
        }
        assert_eq!(throttle.attempt("ana", address(99), NOW + 1000), Err(WINDOW_MS - 1000));
        assert_eq!(throttle.attempt("zoe", address(99), NOW), Ok(()));
        assert_eq!(throttle.attempt("ana", address(99), NOW + WINDOW_MS), Ok(()));
    }

    #[test]
    fn an_address_tries_so_many_logins_within_the_window() {
        let mut throttle = Throttle::new();
        for n in 0..FAILURES_OF_ADDRESS_MAX {
            assert_eq!(throttle.attempt(&format!("login-{n}"), address(1), NOW), Ok(()));
        }
        assert!(throttle.attempt("another", address(1), NOW).is_err());
        assert_eq!(throttle.attempt("another", address(2), NOW), Ok(()));
    }

    #[test]
    fn an_ipv6_customer_is_one_address() {
        let mut throttle = Throttle::new();
        for n in 0..FAILURES_OF_ADDRESS_MAX {
            let from = format!("2001:db8:1:2::{n:x}").parse().unwrap();
            assert_eq!(throttle.attempt(&format!("login-{n}"), from, NOW), Ok(()));
        }
        let other_side = "2001:db8:1:2:ffff::1".parse().unwrap();
        assert!(throttle.attempt("another", other_side, NOW).is_err());
        assert_eq!(throttle.attempt("another", "2001:db8:1:3::1".parse().unwrap(), NOW), Ok(()));
    }

    #[test]
    fn whoever_succeeds_is_charged_with_nothing() {
        let mut throttle = Throttle::new();
        for _ in 0..10 * FAILURES_OF_ADDRESS_MAX {
            assert_eq!(throttle.attempt("ana", address(1), NOW), Ok(()));
            throttle.succeeded("ana", address(1));
        }
        for _ in 0..10 * FAILURES_OF_ADDRESS_MAX {
            assert_eq!(throttle.attempt("ana", address(1), NOW), Ok(()));
            throttle.abandoned("ana", address(1));
        }
    }

    #[test]
    fn no_more_are_remembered_than_the_bound() {
        let mut throttle = Throttle::new();
        for n in 0..REMEMBERED_MAX as u32 + 10 {
            let from = IpAddr::from(n.to_be_bytes());
            let now = NOW + u64::from(n);
            assert_eq!(throttle.attempt(&n.to_string(), from, now), Ok(()));
        }
        assert_eq!(throttle.logins.failures.len(), REMEMBERED_MAX);
        assert_eq!(throttle.addresses.failures.len(), REMEMBERED_MAX);
        assert!(!throttle.logins.failures.contains_key("0"), "the oldest is forgotten first");
        assert!(throttle.logins.failures.contains_key("10"));
    }
}
