//! Three layers, each laid over the one before: defaults, file, environment.
//!
//! The defaults are the schema. They say which keys there are and of which kind, so a key of a
//! later layer that they do not have is a mistake and refused by name.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::error::ConfigError;

/// Names of the environment that are meant for the configuration begin with this.
const ENV_PREFIX: &str = "VIGIE__";

/// How many letters of a key may be wrong for it to be taken as a slip for a known one.
const SLIP_LETTERS_MAX: usize = 3;

/// Stands for what is not to be seen.
const MASK: &str = "…";

/// Every known key with its value in force, in the order of `default.toml`.
pub(super) struct Settings(Vec<Setting>);

/// One key.
pub(super) struct Setting {
    /// `section.key`.
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) place: Place,
}

/// The kinds of value that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Flag(bool),
    List(Vec<String>),
}

/// Where a value was written.
pub(super) enum Place {
    Default,
    File { path: PathBuf, line: usize },
    Env(String),
}

/// One line of a configuration file: `section.key`, or `section` alone where it holds no key.
struct Entry<'a> {
    section: &'a str,
    key: Option<&'a str>,
    value: &'a DeValue<'a>,
    start: usize,
}

impl Settings {
    /// Lays the layers over each other. What is wrong goes to `errors`, and the value of the layer
    /// below stays.
    pub(super) fn gather(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        errors: &mut Vec<ConfigError>,
    ) -> Self {
        let mut settings = Self::defaults(errors);
        if let Some(path) = file {
            settings.lay_file(path, errors);
        }
        let mut env: Vec<_> = env.filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect();
        env.sort();
        for (name, text) in env {
            settings.lay_env(name, &text, errors);
        }
        settings
    }

    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.0.iter().find(|setting| setting.key == key)
    }

    fn defaults(errors: &mut Vec<ConfigError>) -> Self {
        let place = Path::new("default.toml");
        let mut settings = Self(Vec::new());
        let Some(table) = parse(place, super::DEFAULT_TOML, errors) else { return settings };
        for Entry { section, key, value, .. } in entries(&table) {
            if let (Some(key), Some(value)) = (key, Value::read(value)) {
                let key = format!("{section}.{key}");
                settings.0.push(Setting { key, value, place: Place::Default });
            }
        }
        settings
    }

    fn lay_file(&mut self, path: &Path, errors: &mut Vec<ConfigError>) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                return errors.push(ConfigError {
                    place: path.display().to_string(),
                    key: String::new(),
                    problem: format!("cannot be read ({error})"),
                    remedy: "name a file that exists, or leave -c out".into(),
                });
            }
        };
        let Some(table) = parse(path, &text, errors) else { return };
        for entry in entries(&table) {
            let place = Place::File { path: path.into(), line: line(&text, entry.start) };
            match entry.key {
                Some(key) if self.has_section(entry.section) => {
                    let key = format!("{}.{key}", entry.section);
                    match self.0.iter_mut().find(|setting| setting.key == key) {
                        Some(setting) => match Value::read(entry.value) {
                            Some(value) if value.same_kind(&setting.value) => {
                                *setting = Setting { key, value, place };
                            }
                            _ => errors.push(wrong_kind(place, key, &setting.value)),
                        },
                        None => errors.push(self.unknown_key(place, key)),
                    }
                }
                _ => errors.push(self.unknown_section(place, &entry)),
            }
        }
    }

    fn lay_env(&mut self, name: String, text: &str, errors: &mut Vec<ConfigError>) {
        let path = name[ENV_PREFIX.len()..].to_ascii_lowercase();
        let key = path.replacen("__", ".", 1);
        let place = Place::Env(name);
        match self.0.iter_mut().find(|setting| setting.key == key) {
            Some(setting) => match setting.value.parse_same_kind(text) {
                Some(value) => *setting = Setting { key, value, place },
                None => errors.push(wrong_kind(place, key, &setting.value)),
            },
            None => errors.push(self.unknown_key(place, key)),
        }
    }

    fn has_section(&self, section: &str) -> bool {
        self.0.iter().any(|setting| setting.section() == section)
    }

    fn unknown_key(&self, place: Place, key: String) -> ConfigError {
        let remedy = match (self.nearest(&key), &place) {
            (Some(known), Place::Env(_)) => format!("did you mean {}?", env_name(known)),
            (Some(known), _) => format!("did you mean {known}?"),
            (None, _) => "config/default.toml lists every key".into(),
        };
        let problem = "is not a known key".into();
        ConfigError { place: place.to_string(), key, problem, remedy }
    }

    fn unknown_section(&self, place: Place, entry: &Entry<'_>) -> ConfigError {
        let section = entry.section;
        let (problem, remedy) = if self.has_section(section) {
            ("is a section, not a value".into(), format!("write [{section}] and its keys below"))
        } else {
            let known = self.0.iter().map(Setting::section);
            let remedy = match nearest(section, known) {
                Some(known) => format!("did you mean [{known}]?"),
                None => "config/default.toml lists every section".into(),
            };
            ("is not a known section".into(), remedy)
        };
        ConfigError { place: place.to_string(), key: section.into(), problem, remedy }
    }

    /// The known key that `key` may be a slip for: written a little wrong, or in another section.
    fn nearest(&self, key: &str) -> Option<&str> {
        nearest(key, self.0.iter().map(|setting| setting.key.as_str())).or_else(|| {
            let name = key.rsplit('.').next()?;
            let known = self.0.iter().find(|setting| setting.name() == name)?;
            Some(&known.key)
        })
    }
}

/// The effective configuration as TOML. Only an address may hold a password; it is left out.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for setting in &self.0 {
            if setting.section() != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                section = setting.section();
                writeln!(f, "{gap}[{section}]")?;
            }
            let value = setting.value.without_password();
            writeln!(f, "{} = {value}  # {}", setting.name(), setting.place)?;
        }
        Ok(())
    }
}

impl Setting {
    fn section(&self) -> &str {
        self.key.split('.').next().unwrap_or_default()
    }

    fn name(&self) -> &str {
        &self.key[self.section().len() + 1..]
    }
}

impl Value {
    fn read(value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::String(text) => Some(Self::Text(text.to_string())),
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok().map(Self::Integer)
            }
            DeValue::Boolean(flag) => Some(Self::Flag(*flag)),
            DeValue::Array(items) => items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .map(Self::List),
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
        }
    }

    fn parse_same_kind(&self, text: &str) -> Option<Self> {
        match self {
            Self::Text(_) => Some(Self::Text(text.into())),
            Self::Integer(_) => text.trim().parse().ok().map(Self::Integer),
            Self::Flag(_) => text.trim().parse().ok().map(Self::Flag),
            Self::List(_) => Some(Self::List(
                text.split(',')
                    .map(|item| item.trim().into())
                    .filter(|item: &String| !item.is_empty())
                    .collect(),
            )),
        }
    }

    fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// An address with its credentials masked; anything else as it is.
    fn without_password(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(masked(text)),
            other => other.clone(),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text in quotes",
            Self::Integer(_) => "a whole number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list of texts: [\"…\", \"…\"]",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => toml::Value::from(text.as_str()).fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::List(items) => toml::Value::from(items.clone()).fmt(f),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Env(name) => f.write_str(name),
        }
    }
}

fn parse<'a>(path: &Path, text: &'a str, errors: &mut Vec<ConfigError>) -> Option<DeTable<'a>> {
    DeTable::parse(text)
        .map(toml::Spanned::into_inner)
        .map_err(|error| {
            let line = line(text, error.span().map_or(0, |span| span.start));
            errors.push(ConfigError {
                place: Place::File { path: path.into(), line }.to_string(),
                key: String::new(),
                problem: format!("is not TOML: {}", error.message()),
                remedy: "correct the line; keys stand below their [section] as `key = value`"
                    .into(),
            });
        })
        .ok()
}

/// Every key of a file in the order of its lines.
fn entries<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    for (section, body) in table {
        let section_name: &str = section.get_ref();
        match body.get_ref() {
            DeValue::Table(keys) if !keys.is_empty() => {
                entries.extend(keys.iter().map(|(key, value)| Entry {
                    section: section_name,
                    key: Some(key.get_ref()),
                    value: value.get_ref(),
                    start: key.span().start,
                }));
            }
            DeValue::Table(_) => {}
            value => entries.push(Entry {
                section: section_name,
                key: None,
                value,
                start: section.span().start,
            }),
        }
    }
    entries.sort_by_key(|entry| entry.start);
    entries
}

fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

fn wrong_kind(place: Place, key: String, known: &Value) -> ConfigError {
    let remedy = match (known, &place) {
        (Value::List(_), Place::Env(_)) => "write a comma separated list".into(),
        (known, _) => format!("write {}", known.kind()),
    };
    let problem = "has a value of the wrong kind".into();
    ConfigError { place: place.to_string(), key, problem, remedy }
}

/// Hides what stands before a host, and what follows a `?`: `redis://…@host/2`.
fn masked(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.into() };
    let rest = rest.rsplit_once('@').map_or(rest.into(), |(_, host)| format!("{MASK}@{host}"));
    match rest.split_once('?') {
        Some((rest, _)) => format!("{scheme}://{rest}?{MASK}"),
        None => format!("{scheme}://{rest}"),
    }
}

fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::damerau_levenshtein(wrong, known), known))
        .filter(|(letters, known)| *letters <= SLIP_LETTERS_MAX.min(known.len() / 2))
        .min_by_key(|(letters, _)| *letters)
        .map(|(_, known)| known)
}

fn env_name(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replacen('.', "__", 1).to_ascii_uppercase())
}
