//! Who visitors are: a desk that is looked at under load should show people, not one visitor ten
//! thousand times.
//!
//! All of it follows from the seed and from which visitor it is, not from those before: so any
//! stretch of visitors can be drawn on its own. Where somebody comes from is told to the engine as
//! a proxy would (`X-Forwarded-For`), which it believes only if it trusts the address that the
//! load comes from.

mod tables;

use std::net::Ipv4Addr;

use fastrand::Rng;
use vigie_protocol::event::Page;

use tables::{COUNTRIES, Country, LINKS, PAGES, SEARCHES, USER_AGENTS};

/// Of a hundred visitors so many typed the address, or came from where no browser tells.
const DIRECT_OF_HUNDRED: u32 = 30;
/// Of a hundred visitors so many come by a link on another site; the others searched.
const LINKED_OF_HUNDRED: u32 = 25;
/// Of a hundred visitors so many speak the first language of their country.
const FIRST_LANGUAGE_OF_HUNDRED: u32 = 80;

/// Somebody with a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The browser, as it names itself.
    pub user_agent: &'static str,
    /// The language of the browser, BCP 47.
    pub language: &'static str,
    /// The country that the address belongs to, ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// Where they seem to connect from.
    pub address: Ipv4Addr,
    /// Which page led them to the shop.
    pub referrer: Option<String>,
    page: &'static (&'static str, &'static str),
}

impl Person {
    /// The visitor of this number in a run of this seed.
    pub fn draw(seed: u64, visitor: u32) -> Self {
        let mut chance = chance(seed, u64::from(visitor) + 1);
        let country = weighted(&mut chance, COUNTRIES, |country| country.weight);
        let (user_agent, _) = weighted(&mut chance, USER_AGENTS, |(_, weight)| *weight);
        Self {
            user_agent,
            language: language(&mut chance, country),
            country: country.code,
            address: address(&mut chance, country),
            referrer: referrer(&mut chance, country),
            page: one_of(&mut chance, PAGES),
        }
    }

    /// The `Accept-Language` header of their browser.
    pub fn accept_language(&self) -> String {
        match self.language.split_once('-') {
            Some((primary, _)) => format!("{},{primary};q=0.9,en;q=0.5", self.language),
            None => format!("{},en;q=0.5", self.language),
        }
    }

    /// The page that they are on, of a shop whose pages lie here.
    pub fn page(&self, shop: &str) -> Page {
        let (path, title) = *self.page;
        Page { url: format!("{shop}{path}"), title: Some(title.to_owned()) }
    }
}

/// Chance that follows from the seed, for one of many uses.
pub(crate) fn chance(seed: u64, of: u64) -> Rng {
    // An odd constant without pattern keeps neighbours apart (2^64 divided by the golden ratio).
    Rng::with_seed(seed ^ of.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

pub(crate) fn one_of<'a, T>(chance: &mut Rng, choices: &'a [T]) -> &'a T {
    &choices[chance.usize(..choices.len())]
}

fn weighted<'a, T>(chance: &mut Rng, choices: &'a [T], weight: impl Fn(&T) -> u32) -> &'a T {
    let sum: u32 = choices.iter().map(&weight).sum();
    let mut drawn = chance.u32(..sum);
    choices
        .iter()
        .find(|choice| match drawn.checked_sub(weight(choice)) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        })
        .unwrap_or(&choices[0])
}

fn language(chance: &mut Rng, country: &Country) -> &'static str {
    match country.languages {
        [first, others @ ..] if !others.is_empty() => {
            if chance.u32(..100) < FIRST_LANGUAGE_OF_HUNDRED {
                first
            } else {
                one_of::<&str>(chance, others)
            }
        }
        all => one_of::<&str>(chance, all),
    }
}

fn address(chance: &mut Rng, country: &Country) -> Ipv4Addr {
    let (network, prefix) = country.network;
    let hosts = u32::MAX >> prefix;
    Ipv4Addr::from_bits(Ipv4Addr::from(network).to_bits() | chance.u32(1..hosts))
}

fn referrer(chance: &mut Rng, country: &Country) -> Option<String> {
    match chance.u32(..100) {
        drawn if drawn < DIRECT_OF_HUNDRED => None,
        drawn if drawn < DIRECT_OF_HUNDRED + LINKED_OF_HUNDRED => {
            Some((*one_of(chance, LINKS)).to_owned())
        }
        _ => {
            let (search, _) = weighted(chance, SEARCHES, |(_, weight)| *weight);
            Some(search.replace("{country}", country.search_domain))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn people(seed: u64) -> Vec<Person> {
        (0..10_000).map(|visitor| Person::draw(seed, visitor)).collect()
    }

    #[test]
    fn the_same_seed_brings_the_same_people_and_another_seed_brings_others() {
        assert_eq!(people(1), people(1));
        let same = people(1).iter().zip(people(2)).filter(|(one, two)| *one == two).count();
        assert!(same < 10, "{same} of 10000 are the same");
    }

    #[test]
    fn people_are_of_all_kinds() {
        fn kinds<T: Ord>(of: impl Fn(&Person) -> T) -> usize {
            people(1).iter().map(of).collect::<BTreeSet<_>>().len()
        }
        assert_eq!(kinds(|person| person.country), COUNTRIES.len());
        assert_eq!(kinds(|person| person.user_agent), USER_AGENTS.len());
        assert_eq!(kinds(|person| person.page), PAGES.len());
        assert!(kinds(|person| person.language) > 10);
        assert!(kinds(|person| person.address) > 9_900);
        let direct = people(1).iter().filter(|person| person.referrer.is_none()).count();
        assert!((2_700..3_300).contains(&direct), "{direct}");
    }

    #[test]
    fn each_country_is_as_common_as_its_weight_says() {
        let people = people(1);
        let sum: u32 = COUNTRIES.iter().map(|country| country.weight).sum();
        for country in COUNTRIES {
            let part = f64::from(country.weight) / f64::from(sum);
            let expected = part * people.len() as f64;
            let found = people.iter().filter(|person| person.country == country.code).count();
            let deviation = (expected * (1.0 - part)).sqrt();
            let off = (found as f64 - expected).abs() / deviation;
            assert!(off < 5.0, "{}: {found} instead of {expected:.0}", country.code);
        }
    }

    #[test]
    fn addresses_lie_in_the_network_of_their_country() {
        for person in people(3) {
            let country = COUNTRIES.iter().find(|country| country.code == person.country).unwrap();
            let (network, prefix) = country.network;
            let network = Ipv4Addr::from(network).to_bits();
            assert_eq!((person.address.to_bits() ^ network) >> (32 - prefix), 0);
        }
    }

    #[test]
    fn a_browser_lists_its_languages_in_the_order_of_liking() {
        let of = |language| Person { language, ..Person::draw(1, 1) }.accept_language();
        assert_eq!(of("fr-CA"), "fr-CA,fr;q=0.9,en;q=0.5");
        assert_eq!(of("lv"), "lv,en;q=0.5");
    }
}
