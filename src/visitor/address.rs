//! The client's address, when proxies stand between.
//!
//! `X-Forwarded-For` is text that anyone can send. Each proxy appends the address that it was
//! called from, so only what trusted proxies appended can be believed: it is read from the right,
//! for as long as the address that vouches for the next one is trusted.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// How many trusted proxies may stand behind each other.
pub const HOPS_MAX: usize = 16;

/// The address of a client whose connection came from `peer`, with the request's
/// `X-Forwarded-For` lines in their order.
///
/// The rightmost address that is not of a trusted proxy. At an entry that is no address (or after
/// [`HOPS_MAX`] of them) it is the last proxy that is known.
pub fn client_address(peer: IpAddr, forwarded_for: &[&str], trusted: &[IpNet]) -> IpAddr {
    let mut address = peer.to_canonical();
    let entries = forwarded_for.iter().rev().flat_map(|line| line.rsplit(','));
    for entry in entries.take(HOPS_MAX) {
        if !trusted.iter().any(|network| network.contains(&address)) {
            break;
        }
        let Some(before) = read(entry.trim()) else { break };
        address = before;
    }
    address
}

/// Reads `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn read(entry: &str) -> Option<IpAddr> {
    let bare = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    entry
        .parse()
        .ok()
        .or_else(bare)
        .or_else(|| entry.parse().ok().map(|with_port: SocketAddr| with_port.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, lines: &[&str], expected: &str) {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let address = client_address(peer.parse().unwrap(), lines, &trusted);
        assert_eq!(address.to_string(), expected, "{peer} {lines:?}");
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, lines, expected) in [
            ("203.0.113.9", &[][..], "203.0.113.9"),
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1", "10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3,10.0.0.2"], "10.0.0.3"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("fd00::1", &["2001:db8::1"], "2001:db8::1"),
        ] {
            check(peer, lines, expected);
        }
    }

    #[test]
    fn addresses_may_carry_a_port() {
        for (entry, expected) in [
            ("198.51.100.1:4711", "198.51.100.1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("  198.51.100.1\t", "198.51.100.1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
        ] {
            check("10.0.0.1", &[entry], expected);
        }
    }

    #[test]
    fn nothing_left_of_garbage_is_believed() {
        for lines in [
            &["198.51.100.1, unknown"][..],
            &["198.51.100.1", ""],
            &["198.51.100.1,"],
            &["198.51.100.1, 1.2.3.4.5"],
            &["198.51.100.1, \u{0}\u{ffff}"],
            &["198.51.100.1, [[]]:x"],
        ] {
            check("10.0.0.1", lines, "10.0.0.1");
        }
        check("10.0.0.1", &["198.51.100.1, _hidden, 10.0.0.7"], "10.0.0.7");
    }

    #[test]
    fn a_chain_of_proxies_has_an_end() {
        let line = format!("198.51.100.1{}", ", 10.0.0.2".repeat(100_000));
        check("10.0.0.1", &[&line], "10.0.0.2");
    }
}
