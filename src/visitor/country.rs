//! The country of an address, from a MaxMind-format database that is kept in memory.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;

/// A database of countries by address.
pub struct Country(Reader<Vec<u8>>);

/// The one field that is read of an address's record.
#[derive(Deserialize)]
struct Record<'a> {
    country_code: &'a str,
}

impl Country {
    /// Reads the database.
    pub fn read(path: &Path) -> Result<Self, MaxMindDbError> {
        Reader::open_readfile(path).map(Self)
    }

    /// The country as ISO 3166-1 alpha-2; none for addresses that are not public, that the
    /// database does not know or whose record is damaged.
    pub fn of(&self, address: IpAddr) -> Option<String> {
        let address = address.to_canonical();
        if !is_public(address) {
            return None;
        }
        let Record { country_code } = self.0.lookup(address).ok()?.decode().ok()??;
        let is_code =
            country_code.len() == 2 && country_code.bytes().all(|b| b.is_ascii_uppercase());
        is_code.then(|| country_code.to_owned())
    }
}

/// Whether an address can be reached from elsewhere, so that it has a country at all.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared_by_carriers = v4.octets()[0] == 100 && v4.octets()[1] & 0b1100_0000 == 64;
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4 == Ipv4Addr::UNSPECIFIED
                || shared_by_carriers)
        }
        IpAddr::V6(v6) => {
            !(v6.is_loopback()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
                || v6 == Ipv6Addr::UNSPECIFIED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visitor::COUNTRY_FILE;
    use crate::visitor::device::tests::INSTALL;

    #[test]
    fn public_addresses_have_a_country_and_others_have_none() {
        let country = Country::read(COUNTRY_FILE.as_ref())
            .unwrap_or_else(|error| panic!("{error}; {INSTALL}"));
        for (address, expected) in [
            ("8.8.8.8", Some("US")),
            ("::ffff:8.8.8.8", Some("US")),
            ("2001:4860:4860::8888", Some("US")),
            ("80.10.246.2", Some("FR")),
            ("2a01:e00::1", Some("FR")),
            ("195.122.12.242", Some("LV")),
            ("127.0.0.1", None),
            ("::1", None),
            ("10.1.2.3", None),
            ("172.16.0.1", None),
            ("192.168.1.1", None),
            ("::ffff:192.168.1.1", None),
            ("169.254.1.1", None),
            ("100.64.0.1", None),
            ("192.0.2.1", None),
            ("0.0.0.0", None),
            ("::", None),
            ("fd00::1", None),
            ("fe80::1", None),
        ] {
            assert_eq!(country.of(address.parse().unwrap()).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn a_file_that_is_no_database_is_an_error() {
        assert!(Country::read("Cargo.toml".as_ref()).is_err());
        assert!(Country::read("no/such/file".as_ref()).is_err());
    }
}
