//! Typed values within bounds.
//!
//! A value that cannot be taken is written down and replaced by a harmless one, so that all
//! that is wrong is found in one pass. Those are never seen: with any error there is no
//! configuration.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::error::ConfigError;
use super::layers::{Settings, Value};
use super::origin::origin;

/// The most threads that serve connections.
const WORKERS_MAX: i64 = 256;

/// Reads settings as types.
pub(super) struct Reader<'a> {
    settings: &'a Settings,
    errors: &'a mut Vec<ConfigError>,
    #[cfg(test)]
    pub(super) asked: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Settings, errors: &'a mut Vec<ConfigError>) -> Self {
        Self {
            settings,
            errors,
            #[cfg(test)]
            asked: Vec::new(),
        }
    }

    /// Writes down that a setting cannot be taken.
    pub(super) fn refuse(
        &mut self,
        key: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let place =
            self.settings.get(key).map_or_else(String::new, |setting| setting.place.to_string());
        self.errors.push(ConfigError {
            place,
            key: key.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    pub(super) fn flag(&mut self, key: &str) -> bool {
        match self.value(key) {
            Some(Value::Flag(flag)) => *flag,
            _ => self.missing(key),
        }
    }

    pub(super) fn address(&mut self, key: &str) -> SocketAddr {
        let text = self.text(key);
        text.parse().unwrap_or_else(|_| {
            self.refuse(
                key,
                format!("is {text:?}, not an address with a port"),
                "write one such as \"127.0.0.1:8080\" or \"[::]:8080\"",
            );
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
        })
    }

    pub(super) fn millis(&mut self, key: &str, bounds: RangeInclusive<i64>) -> Duration {
        Duration::from_millis(self.integer(key, bounds).unsigned_abs())
    }

    pub(super) fn count(&mut self, key: &str, bounds: RangeInclusive<i64>) -> usize {
        usize::try_from(self.integer(key, bounds)).unwrap_or_default()
    }

    /// MiB as bytes; 0 is no limit.
    pub(super) fn mebibytes(&mut self, key: &str, max: i64) -> Option<u64> {
        match self.integer(key, 0..=max).unsigned_abs() {
            0 => None,
            mebibytes => Some(mebibytes << 20),
        }
    }

    /// A number of threads; 0 is one per core.
    pub(super) fn workers(&mut self, key: &str) -> usize {
        match self.count(key, 0..=WORKERS_MAX) {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        }
    }

    pub(super) fn directory(&mut self, key: &str) -> PathBuf {
        let text = self.text(key);
        if text.is_empty() {
            self.refuse(key, "is empty", "name a directory; \".\" is the working directory");
        }
        text.into()
    }

    /// A file; an empty text is none.
    pub(super) fn file(&mut self, key: &str) -> Option<PathBuf> {
        let text = self.text(key);
        (!text.is_empty()).then(|| text.into())
    }

    /// A scheme and a host; an empty text is none.
    pub(super) fn origin(&mut self, key: &str) -> Option<String> {
        let text = self.text(key);
        if text.is_empty() {
            return None;
        }
        let origin = origin(&text);
        if origin.is_none() {
            self.refuse(
                key,
                format!("is {text:?}, not a scheme and a host"),
                "write one such as \"https://chat.example\", without a path",
            );
        }
        origin
    }

    /// The address of a Redis; an empty text is none. It is never told itself, since it may hold a
    /// password.
    pub(super) fn redis(&mut self, key: &str) -> Option<String> {
        let text = self.text(key);
        if text.is_empty() {
            return None;
        }
        if let Err(problem) = crate::redis::check_address(&text) {
            self.refuse(key, problem, "write one such as \"redis://127.0.0.1:6379\"");
        }
        Some(text)
    }

    /// Letters, digits, "-" and "_".
    pub(super) fn word(&mut self, key: &str, length_max: usize) -> String {
        let text = self.text(key);
        let sound = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.is_empty() || text.len() > length_max || !text.chars().all(sound) {
            self.refuse(
                key,
                format!("is {text:?}"),
                format!("write 1 to {length_max} letters, digits, \"-\" or \"_\""),
            );
        }
        text
    }

    pub(super) fn networks(&mut self, key: &str) -> Vec<IpNet> {
        let Some(Value::List(items)) = self.value(key) else { return self.missing(key) };
        let mut networks = Vec::with_capacity(items.len());
        for item in items {
            match item.parse().or_else(|_| item.parse::<IpAddr>().map(IpNet::from)) {
                Ok(network) => networks.push(network),
                Err(_) => self.refuse(
                    key,
                    format!("holds {item:?}, not an address or network"),
                    "write ones such as \"10.0.0.1\" or \"10.0.0.0/8\"",
                ),
            }
        }
        networks
    }

    /// `level` or `level,module=level,…`. A bare word that is no level is refused, although
    /// tracing itself takes it for the name of a module.
    pub(super) fn targets(&mut self, key: &str) -> Targets {
        let text = self.text(key);
        let is_level = |word: &str| word.parse::<LevelFilter>().is_ok() && !word.is_empty();
        let sound = text.split(',').all(|part| match part.split_once('=') {
            Some((module, level)) => !module.is_empty() && is_level(level),
            None => is_level(part),
        });
        match text.parse() {
            Ok(targets) if sound => targets,
            _ => {
                self.refuse(
                    key,
                    format!("is {text:?}, not a level"),
                    "write error, warn, info, debug or trace, as in \"info,vigie::gateway=debug\"",
                );
                Targets::new()
            }
        }
    }

    /// One of a few words; the first stands in for what is none of them.
    pub(super) fn choice<T: Copy, const N: usize>(
        &mut self,
        key: &str,
        choices: &[(&str, T); N],
    ) -> T {
        const { assert!(N > 0) };
        let text = self.text(key);
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == text) {
            return *chosen;
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
        self.refuse(key, format!("is {text:?}"), format!("write {}", words.join(" or ")));
        choices[0].1
    }

    fn integer(&mut self, key: &str, bounds: RangeInclusive<i64>) -> i64 {
        let Some(Value::Integer(number)) = self.value(key) else { return self.missing(key) };
        if !bounds.contains(number) {
            self.refuse(
                key,
                format!("is {number}"),
                format!("write {} to {}", bounds.start(), bounds.end()),
            );
            return *bounds.start();
        }
        *number
    }

    fn text(&mut self, key: &str) -> String {
        match self.value(key) {
            Some(Value::Text(text)) => text.clone(),
            _ => self.missing(key),
        }
    }

    fn value(&mut self, key: &str) -> Option<&'a Value> {
        #[cfg(test)]
        self.asked.push(key.into());
        self.settings.get(key).map(|setting| &setting.value)
    }

    /// A fault of the engine itself: `default.toml` lacks a key, or has another kind. A test sees
    /// that it cannot happen.
    fn missing<T: Default>(&mut self, key: &str) -> T {
        self.refuse(key, "is not in default.toml as it should be", "report this as a fault");
        T::default()
    }
}
