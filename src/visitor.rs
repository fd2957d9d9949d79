//! Where a visitor comes from, and on what: what an operator sees on a card before a word is said.
//!
//! None of it may keep a visitor waiting or out. Data files are read once at the start; one that is
//! missing or broken is a warning, and what it would have told is unknown. What a client says of
//! itself is cut to its bound here, because a card is kept for as long as the visitor is online.
//!
//! # Layout
//!
//! - [`address`]: the client's address, behind trusted proxies too
//! - [`country`]: the country of an address
//! - [`device`]: device, browser and system of a User-Agent

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use vigie_protocol::LINE_BYTES_MAX;
use vigie_protocol::event::{Page, VisitorContext};

use country::Country;
use device::UserAgents;

pub mod address;
pub mod country;
pub mod device;

/// Where the country data is, from the project's directory, after `npm ci --ignore-scripts` in
/// `config/data`.
pub const COUNTRY_FILE: &str = "config/data/node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb";

/// Where the User-Agent rules are, from the project's directory, after `npm ci --ignore-scripts`
/// in `config/data`.
pub const DEVICE_RULES: &str = "config/data/node_modules/uap-core/regexes.yaml";

/// The longest language tag; RFC 5646 (section 4.4.1) finds that this is enough.
pub const LANGUAGE_BYTES_MAX: usize = 35;

/// How many entries of an `Accept-Language` header are looked at.
pub const LANGUAGES_MAX: usize = 8;

/// The data that tells where visitors come from, and on what. A clone shares it.
#[derive(Clone)]
pub struct VisitorData {
    country: Option<Arc<Country>>,
    user_agents: Arc<UserAgents>,
}

impl VisitorData {
    /// Reads the country data now (a few milliseconds) and the User-Agent rules on a thread of
    /// their own (about 100 ms).
    ///
    /// Nothing waits for the rules: until they are there a visitor's device is told by a few words
    /// of the User-Agent, and browser and system are unknown.
    pub fn load(country_file: Option<&Path>, device_rules: Option<&Path>) -> Self {
        let country = country_file.and_then(|path| match Country::read(path) {
            Ok(country) => Some(Arc::new(country)),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "visitors' countries stay unknown");
                None
            }
        });
        let user_agents = Arc::new(UserAgents::default());
        match device_rules {
            Some(path) => user_agents.read_in_background(path),
            None => user_agents.do_without(),
        }
        Self { country, user_agents }
    }

    /// Blocks until the User-Agent rules were read, or found missing or broken.
    pub fn wait_until_loaded(&self) {
        self.user_agents.wait();
    }

    /// What can be told of a visitor. Never fails and never waits; a User-Agent that was not seen
    /// lately costs about 100 µs, everything else next to nothing.
    pub fn context(
        &self,
        address: IpAddr,
        user_agent: Option<&str>,
        language: Option<String>,
        referrer: Option<String>,
        page: Option<Page>,
    ) -> VisitorContext {
        let seen = user_agent.map(|text| self.user_agents.look_up(text)).unwrap_or_default();
        VisitorContext {
            country: self.country.as_ref().and_then(|data| data.of(address)),
            device: seen.device,
            browser: seen.browser.as_deref().map(str::to_owned),
            os: seen.os.as_deref().map(str::to_owned),
            language: language.as_deref().and_then(language_tag),
            referrer: referrer.and_then(line),
            page: page.and_then(|Page { url, title }| {
                Some(Page { url: line(url)?, title: title.and_then(line) })
            }),
        }
    }
}

/// The first language that an `Accept-Language` header names: browsers list the preferred first.
pub fn accept_language(header: &str) -> Option<String> {
    header
        .split(',')
        .take(LANGUAGES_MAX)
        .find_map(|entry| language_tag(entry.split(';').next().unwrap_or_default().trim()))
}

/// The text, if it has the shape of a BCP 47 tag.
fn language_tag(text: &str) -> Option<String> {
    let subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let primary = text.split('-').next().unwrap_or_default();
    let is_tag = text.len() <= LANGUAGE_BYTES_MAX
        && primary.len() >= 2
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && text.split('-').all(subtag);
    is_tag.then(|| text.to_owned())
}

/// The text within the bound for a line, without spare capacity; nothing if it is empty.
fn line(mut text: String) -> Option<String> {
    text.truncate(cut(&text, LINE_BYTES_MAX).len());
    text.shrink_to_fit();
    (!text.is_empty()).then_some(text)
}

/// As much of the text as fits into so many bytes, in whole characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_protocol::event::Device;

    const PUBLIC: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(8, 8, 8, 8));
    const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

    fn page(url: &str) -> Option<Page> {
        Some(Page { url: url.into(), title: None })
    }

    #[test]
    fn without_data_files_only_the_device_is_guessed_and_nothing_fails() {
        let missing = Path::new("no/such/file");
        for data in [VisitorData::load(None, None), VisitorData::load(Some(missing), Some(missing))]
        {
            data.wait_until_loaded();
            let context = data.context(PUBLIC, Some(IPHONE), Some("fr".into()), None, page("/tea"));
            let expected = VisitorContext {
                device: Device::Mobile,
                language: Some("fr".into()),
                page: page("/tea"),
                ..VisitorContext::default()
            };
            assert_eq!(context, expected);
        }
    }

    #[test]
    fn a_broken_data_file_is_not_a_failure() {
        let broken = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(broken.path(), "os_parsers: [{regex: '('}]").unwrap();
        let data = VisitorData::load(Some(broken.path()), Some(broken.path()));
        data.wait_until_loaded();
        let context = data.context(PUBLIC, Some(IPHONE), None, None, None);
        assert_eq!(context, VisitorContext { device: Device::Mobile, ..VisitorContext::default() });
    }

    #[test]
    fn with_data_files_a_card_has_everything() {
        let data = VisitorData::load(Some(COUNTRY_FILE.as_ref()), Some(DEVICE_RULES.as_ref()));
        data.wait_until_loaded();
        let referrer = Some("https://search.example/".to_owned());
        let context =
            data.context(PUBLIC, Some(IPHONE), Some("en-GB".into()), referrer.clone(), page("/"));
        let expected = VisitorContext {
            country: Some("US".into()),
            device: Device::Mobile,
            browser: Some("Mobile Safari 18".into()),
            os: Some("iOS 18.5".into()),
            language: Some("en-GB".into()),
            referrer,
            page: page("/"),
        };
        assert_eq!(context, expected, "{}", crate::visitor::device::tests::INSTALL);
    }

    #[test]
    fn what_a_client_says_is_cut_at_a_whole_character_and_keeps_no_spare_memory() {
        let data = VisitorData::load(None, None);
        let mut long = "é".repeat(LINE_BYTES_MAX);
        long.insert(0, '/');
        long.reserve(100_000);
        let said = Page { url: long.clone(), title: Some(long.clone()) };
        let context = data.context(PUBLIC, None, None, Some(long), Some(said));
        let Page { url, title } = context.page.unwrap();
        for text in [context.referrer.unwrap(), url, title.unwrap()] {
            assert_eq!(text.len(), LINE_BYTES_MAX - 1);
            assert!(text.ends_with('é'));
            assert!(text.capacity() <= LINE_BYTES_MAX);
        }
    }

    #[test]
    fn empty_lines_are_absent() {
        let data = VisitorData::load(None, None);
        let context = data.context(PUBLIC, None, Some("".into()), Some("".into()), page(""));
        assert_eq!(context, VisitorContext::default());
    }

    #[test]
    fn the_first_well_formed_language_counts() {
        for (header, expected) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", Some("fr-FR")),
            ("lv", Some("lv")),
            (" en-GB ; q=0.5 , fr", Some("en-GB")),
            ("*, de;q=0.5", Some("de")),
            ("zh-Hant-TW", Some("zh-Hant-TW")),
            ("x", None),
            ("", None),
            ("<script>", None),
            ("en--US", None),
            ("fr_FR", None),
            (&"a".repeat(2000), None),
            (&"*,".repeat(2000), None),
        ] {
            assert_eq!(accept_language(header).as_deref(), expected, "{header}");
        }
    }
}
