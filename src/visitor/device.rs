//! Device, browser and system of a User-Agent.
//!
//! Browser and system come from the rules of `uap-core`, some 550 regular expressions. They are
//! compiled without Unicode support, and 630 more that tell models of devices are left out: for
//! *mobile, tablet or desktop* the words that browsers agree on and the system are enough
//! (measured: 15 MB and 80 to 150 µs a lookup instead of 33 MB and 500 µs; every thread that
//! applies them adds 5 MB instead of 13 MB). A bounded cache stands in front, since most visitors
//! share few User-Agents.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use quick_cache::sync::Cache;
use uaparser::{OS, Parser, UserAgent, UserAgentParser};
use vigie_protocol::event::Device;

use super::cut;

/// How much of a User-Agent is looked at.
pub const USER_AGENT_BYTES_MAX: usize = 512;

/// How many User-Agents the cache keeps: at most 1 MB.
pub const USER_AGENTS_MAX: usize = 1024;

/// The longest name of a browser or system with its version.
pub const NAME_BYTES_MAX: usize = 64;

/// What a User-Agent tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What kind of device.
    pub device: Device,
    /// Browser and major version: `Firefox 140`.
    pub browser: Option<Arc<str>>,
    /// System and version: `Android 15`.
    pub os: Option<Arc<str>>,
}

/// The rules, once they were read, and what they told lately.
pub struct UserAgents {
    /// Empty until they were read; then none if that failed.
    rules: OnceLock<Option<UserAgentParser>>,
    cache: Cache<Box<str>, Seen>,
}

impl Default for UserAgents {
    fn default() -> Self {
        Self { rules: OnceLock::new(), cache: Cache::new(USER_AGENTS_MAX) }
    }
}

impl UserAgents {
    /// Reads the rules on a thread of their own: compiling them would hold up the start.
    pub fn read_in_background(self: &Arc<Self>, path: &Path) {
        let (this, path) = (Arc::clone(self), PathBuf::from(path));
        let spawned = std::thread::Builder::new()
            .name("user-agent rules".into())
            .spawn(move || this.read(&path));
        if let Err(error) = spawned {
            tracing::warn!(%error, "visitors' browsers stay unknown");
            self.do_without();
        }
    }

    /// Goes by words of the User-Agent alone.
    pub fn do_without(&self) {
        self.rules.get_or_init(|| None);
    }

    /// Blocks until the rules were read, or cannot be.
    pub fn wait(&self) {
        self.rules.wait();
    }

    /// What a User-Agent tells. Before the rules were read, only the device.
    pub fn look_up(&self, user_agent: &str) -> Seen {
        let user_agent = cut(user_agent, USER_AGENT_BYTES_MAX);
        let Some(Some(rules)) = self.rules.get() else {
            return Seen { device: device(user_agent, ""), ..Seen::default() };
        };
        if let Some(seen) = self.cache.get(user_agent) {
            return seen;
        }
        let os = rules.parse_os(user_agent);
        let seen = Seen {
            device: device(user_agent, &os.family),
            browser: browser_name(&rules.parse_user_agent(user_agent)),
            os: os_name(&os),
        };
        self.cache.insert(user_agent.into(), seen.clone());
        seen
    }

    fn read(&self, path: &Path) {
        let rules = std::fs::read(path).map_err(uaparser::Error::from).and_then(|bytes| {
            UserAgentParser::builder()
                .with_unicode_support(false)
                .with_device(false)
                .build_from_bytes(&bytes)
        });
        self.rules.get_or_init(|| {
            rules
                .inspect_err(|error| {
                    tracing::warn!(path = %path.display(), %error, "visitors' browsers stay unknown");
                })
                .ok()
        });
    }
}

/// The kind of device: by words that browsers agree on, else by the system's name.
///
/// An iPad that asks for desktop pages (the default since iPadOS 13) says that it is a Mac, and
/// nothing in its User-Agent tells otherwise.
fn device(user_agent: &str, os: &str) -> Device {
    let says = |words: &[&str]| words.iter().any(|word| user_agent.contains(word));
    // "Tablet PC" is said by Internet Explorer on any Windows with a touch screen.
    if says(&["Windows NT", "CrOS"]) {
        Device::Desktop
    } else if says(&["TV", "BRAVIA", "Web0S", "PlayStation", "Xbox"]) {
        Device::Unknown
    } else if says(&["iPad", "Tablet", "tablet", "PlayBook", "Kindle"]) {
        Device::Tablet
    } else if says(&["Mobi", "iPhone", "iPod", "Opera Mini", "BlackBerry", "Windows Phone", "MIDP"])
    {
        Device::Mobile
    } else if says(&["Android", "Silk/"]) {
        Device::Tablet
    } else if says(&["Macintosh", "X11", "Linux x86_64"]) {
        Device::Desktop
    } else {
        match os {
            "iOS" | "Android" => Device::Mobile,
            "Windows" | "Mac OS X" | "Linux" | "Ubuntu" => Device::Desktop,
            _ => Device::Unknown,
        }
    }
}

/// `Firefox 140`.
fn browser_name(browser: &UserAgent<'_>) -> Option<Arc<str>> {
    name(&browser.family, [browser.major.as_deref(), None])
}

/// `Android 15`, `Windows 8.1`, `Mac OS X 10.15`.
fn os_name(os: &OS<'_>) -> Option<Arc<str>> {
    name(&os.family, [os.major.as_deref(), os.minor.as_deref().filter(|minor| *minor != "0")])
}

/// A family with as much of its version as there is. `Other` is the rules' word for unknown.
fn name(family: &str, version: [Option<&str>; 2]) -> Option<Arc<str>> {
    let name = match version {
        _ if family == "Other" => return None,
        [None, _] => family.to_owned(),
        [Some(major), None] => format!("{family} {major}"),
        [Some(major), Some(minor)] => format!("{family} {major}.{minor}"),
    };
    Some(cut(&name, NAME_BYTES_MAX).into())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::visitor::DEVICE_RULES;

    pub const INSTALL: &str =
        "the data files are installed by: cd config/data && npm ci --ignore-scripts";

    fn user_agents() -> UserAgents {
        let user_agents = UserAgents::default();
        user_agents.read(DEVICE_RULES.as_ref());
        assert!(matches!(user_agents.rules.get(), Some(Some(_))), "{DEVICE_RULES}: {INSTALL}");
        user_agents
    }

    /// User-Agent, device, browser, system.
    #[rustfmt::skip]
    const TABLE: &[(&str, Device, &str, &str)] = &[
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            Device::Desktop, "Firefox 140", "Linux"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0",
            Device::Desktop, "Firefox 139", "Ubuntu"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            Device::Desktop, "Firefox 140", "Windows 10"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
            Device::Desktop, "Chrome 137", "Windows 10"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0",
            Device::Desktop, "Edge 137", "Windows 10"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Safari/537.36 OPR/121.0.0.0",
            Device::Desktop, "Opera 121", "Windows 10"),
        ("Mozilla/5.0 (Windows NT 6.3; WOW64; Trident/7.0; Touch; .NET4.0E; .NET4.0C; Tablet PC 2.0; rv:11.0) like Gecko",
            Device::Desktop, "IE 11", "Windows 8.1"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
            Device::Desktop, "Safari 18", "Mac OS X 10.15"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
            Device::Desktop, "Chrome 137", "Mac OS X 10.15"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
            Device::Desktop, "Chrome 137", "Chrome OS 14541"),
        ("Mozilla/5.0 (X11; FreeBSD amd64; rv:128.0) Gecko/20100101 Firefox/128.0",
            Device::Desktop, "Firefox 128", "FreeBSD"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            Device::Mobile, "Mobile Safari 18", "iOS 18.5"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/137.0.7151.79 Mobile/15E148 Safari/604.1",
            Device::Mobile, "Chrome Mobile iOS 137", "iOS 17"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140.0 Mobile/15E148 Safari/605.1.15",
            Device::Mobile, "Firefox iOS 140", "iOS 18.5"),
        ("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
            Device::Tablet, "Mobile Safari 16", "iOS 16.6"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36",
            Device::Mobile, "Chrome Mobile 137", "Android 15"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36",
            Device::Mobile, "Chrome Mobile 137", "Android 10"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
            Device::Tablet, "Chrome 137", "Android 10"),
        ("Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            Device::Mobile, "Samsung Internet 28", "Android 14"),
        ("Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Safari/537.36",
            Device::Tablet, "Samsung Internet 28", "Android 14"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
            Device::Mobile, "Firefox Mobile 140", "Android 15"),
        ("Mozilla/5.0 (Android 13; Tablet; rv:140.0) Gecko/140.0 Firefox/140.0",
            Device::Tablet, "Firefox Mobile 140", "Android 13"),
        ("Mozilla/5.0 (Linux; Android 11; KFTRWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/108.4.6 like Chrome/108.0.5359.220 Safari/537.36",
            Device::Tablet, "Amazon Silk 108", "Android 11"),
        ("Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15063",
            Device::Mobile, "Edge Mobile 15", "Windows Phone 10"),
        ("Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
            Device::Mobile, "Opera Mini 7", ""),
        ("Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.211 Safari/537.36 WebAppManager",
            Device::Unknown, "Chrome 108", "Web0S"),
        ("MyShop/3.2 CFNetwork/1410.0.3 Darwin/22.6.0",
            Device::Mobile, "MyShop 3", "iOS 16"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            Device::Unknown, "Googlebot 2", ""),
        ("curl/8.14.1", Device::Unknown, "curl 8", ""),
        ("vigie-chat/0.1", Device::Unknown, "", ""),
        ("", Device::Unknown, "", ""),
    ];

    #[test]
    fn browsers_of_the_world_are_told_apart() {
        let user_agents = user_agents();
        let seen: Vec<_> = TABLE
            .iter()
            .map(|(text, ..)| (*text, user_agents.look_up(text)))
            .map(|(text, seen)| (text, seen.device, seen.browser, seen.os))
            .collect();
        let expected: Vec<_> = TABLE
            .iter()
            .map(|(text, device, browser, os)| {
                let named = |name: &str| (!name.is_empty()).then(|| Arc::from(name));
                (*text, *device, named(browser), named(os))
            })
            .collect();
        for (seen, expected) in seen.iter().zip(&expected) {
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_second_look_tells_the_same_from_the_cache() {
        let user_agents = user_agents();
        for (text, ..) in TABLE {
            assert_eq!(user_agents.look_up(text), user_agents.look_up(text));
        }
        assert_eq!(user_agents.cache.len(), TABLE.len());
    }

    #[test]
    fn the_cache_is_bounded_whatever_clients_send() {
        let user_agents = user_agents();
        for n in 0..2 * USER_AGENTS_MAX {
            user_agents.look_up(&format!("client {n}"));
        }
        assert!(user_agents.cache.len() <= USER_AGENTS_MAX);
    }

    #[test]
    fn only_the_beginning_of_a_long_user_agent_counts() {
        let user_agents = user_agents();
        let long = format!("{}Firefox/140.0 Mobile", "é".repeat(USER_AGENT_BYTES_MAX));
        assert_eq!(user_agents.look_up(&long), Seen::default());
        let version = "9".repeat(400);
        let browser = user_agents.look_up(&format!("Firefox/{version}.0")).browser;
        assert!(browser.is_some_and(|name| name.len() == NAME_BYTES_MAX));
    }

    #[test]
    fn before_the_rules_were_read_words_tell_the_device() {
        let user_agents = UserAgents::default();
        for (text, device, ..) in TABLE.iter().filter(|(text, ..)| !text.contains("Darwin")) {
            assert_eq!(user_agents.look_up(text), Seen { device: *device, ..Seen::default() });
        }
        assert_eq!(user_agents.cache.len(), 0);
    }

    #[test]
    fn rules_read_in_the_background_are_used_once_they_are_there() {
        let user_agents = Arc::new(UserAgents::default());
        user_agents.read_in_background(DEVICE_RULES.as_ref());
        user_agents.wait();
        assert_eq!(
            user_agents.look_up("curl/8.14.1").browser.as_deref(),
            Some("curl 8"),
            "{INSTALL}"
        );
    }
}
