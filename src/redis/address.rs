//! The forms of `redis.url`:
//!
//! - one server: `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`
//! - Sentinel: `redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/MASTER[/DATABASE]`, where user and
//!   password are those of the servers; those of the sentinels follow as
//!   `?sentinel_user=…&sentinel_password=…`
//! - Redis Cluster: `redis+cluster://[USER:PASSWORD@]HOST[:PORT],…`
//!
//! With `rediss` in place of `redis` everything is spoken over TLS. Whatever is wrong is told
//! without what the address says: it may hold a password.

use deadpool_redis::sentinel::{SentinelNodeConnectionInfo, TlsMode};
use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};

/// Where a sentinel listens if nobody says otherwise.
const SENTINEL_PORT: u16 = 26379;

/// The most hosts that an address may name.
const HOSTS_MAX: usize = 64;

/// Where Redis is.
#[derive(Clone)]
pub(super) enum Address {
    /// One server.
    Server(ConnectionInfo),
    /// Whichever server the sentinels name.
    Sentinel(Sentinel),
    /// The servers of a Redis Cluster, or some of them.
    Cluster(Vec<ConnectionInfo>),
}

/// Sentinels, and how the servers are reached that they name.
#[derive(Clone)]
pub(super) struct Sentinel {
    pub(super) sentinels: Vec<ConnectionInfo>,
    pub(super) master: String,
    pub(super) tls: bool,
    pub(super) settings: RedisConnectionInfo,
}

/// The parts of an address of several hosts.
struct Parts<'a> {
    scheme: &'a str,
    credentials: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
    query: &'a str,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("is not the address of a Redis")?;
        let (scheme, form) = scheme.split_once('+').unwrap_or((scheme, ""));
        if scheme != "redis" && scheme != "rediss" {
            return Err("is not the address of a Redis".into());
        }
        match form {
            "" => Ok(Self::Server(info(url.to_owned())?)),
            "sentinel" => Sentinel::parse(&Parts::of(scheme, rest)?).map(Self::Sentinel),
            "cluster" => {
                let parts = Parts::of(scheme, rest)?;
                if !parts.path.trim_matches('/').is_empty() || !parts.query.is_empty() {
                    return Err("has something after the hosts of its Redis Cluster".into());
                }
                let Parts { scheme, credentials, .. } = parts;
                let of = |host| info(format!("{scheme}://{credentials}{host}"));
                parts.hosts.iter().map(of).collect::<Result<_, _>>().map(Self::Cluster)
            }
            _ => Err("is neither of one server nor of sentinel or cluster".into()),
        }
    }

    /// Whether TLS is spoken.
    pub(super) fn tls(&self) -> bool {
        let over_tls =
            |info: &ConnectionInfo| matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. });
        match self {
            Self::Server(server) => over_tls(server),
            Self::Sentinel(sentinel) => sentinel.tls,
            Self::Cluster(servers) => servers.iter().any(over_tls),
        }
    }
}

impl<'a> Parts<'a> {
    fn of(scheme: &'a str, rest: &'a str) -> Result<Self, String> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = match authority.rfind('@') {
            Some(at) => authority.split_at(at + 1),
            None => ("", authority),
        };
        let hosts: Vec<_> = hosts.split(',').map(str::trim).collect();
        if hosts.len() > HOSTS_MAX {
            return Err(format!("names more than {HOSTS_MAX} hosts"));
        }
        if hosts.contains(&"") {
            return Err("lacks the name of a host".into());
        }
        Ok(Self { scheme, credentials, hosts, path, query })
    }
}

impl Sentinel {
    fn parse(parts: &Parts<'_>) -> Result<Self, String> {
        let (master, database) = parts.path.split_once('/').unwrap_or((parts.path, ""));
        if master.is_empty() {
            return Err("lacks the name of the master that the sentinels watch".into());
        }
        let (mut user, mut password) = ("", "");
        for pair in parts.query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sentinel_user", value)) => user = value,
                Some(("sentinel_password", value)) => password = value,
                _ => {
                    return Err("has something after \"?\" that is neither sentinel_user nor \
                         sentinel_password"
                        .into());
                }
            }
        }
        let credentials = match (user, password) {
            ("", "") => String::new(),
            _ => format!("{user}:{password}@"),
        };
        let Parts { scheme, .. } = parts;
        let sentinel = |host: &&str| {
            let port = if has_port(host) { String::new() } else { format!(":{SENTINEL_PORT}") };
            info(format!("{scheme}://{credentials}{host}{port}"))
        };
        // The host is one of the sentinels' and not looked at.
        let server =
            info(format!("{scheme}://{}{}/{database}", parts.credentials, parts.hosts[0]))?;
        Ok(Self {
            sentinels: parts.hosts.iter().map(sentinel).collect::<Result<_, _>>()?,
            master: master.into(),
            tls: *scheme == "rediss",
            settings: server.redis_settings().clone(),
        })
    }

    /// As the pool wants it.
    pub(super) fn servers(&self) -> SentinelNodeConnectionInfo {
        SentinelNodeConnectionInfo {
            tls_mode: self.tls.then_some(TlsMode::Secure),
            redis_connection_info: Some(self.settings.clone().into()),
        }
    }
}

fn has_port(host: &str) -> bool {
    // An IPv6 address has colons of its own, within brackets.
    host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'))
}

fn info(url: String) -> Result<ConnectionInfo, String> {
    // Small writes follow one another before each is answered.
    let at_once = TcpSettings::default().set_nodelay(true);
    url.into_connection_info().map(|info| info.set_tcp_settings(at_once)).map_err(|_| {
        "is not the address of a Redis; letters such as \"@\" or \"/\" in a password are written \
         as %40 or %2F"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentinel(url: &str) -> Sentinel {
        match Address::parse(url) {
            Ok(Address::Sentinel(sentinel)) => sentinel,
            _ => panic!("{url} is not of sentinels"),
        }
    }

    #[test]
    fn one_server_is_read_with_all_that_the_address_says() {
        let Ok(Address::Server(server)) =
            Address::parse("rediss://ana:p%40ss@redis.example:7000/2")
        else {
            panic!()
        };
        assert_eq!(server.addr().to_string(), "redis.example:7000");
        assert_eq!(server.redis_settings().username(), Some("ana"));
        assert_eq!(server.redis_settings().password(), Some("p@ss"));
        assert_eq!(server.redis_settings().db(), 2);
        assert!(Address::Server(server).tls());
    }

    #[test]
    fn sentinels_have_their_own_port_and_password() {
        let url = "redis+sentinel://:data@a,[::1]:7,b:8/main/3?sentinel_password=watch";
        let read = sentinel(url);
        let addresses: Vec<_> = read.sentinels.iter().map(|s| s.addr().to_string()).collect();
        assert_eq!(addresses, ["a:26379", "::1:7", "b:8"]);
        assert_eq!(read.master, "main");
        assert_eq!(read.settings.db(), 3);
        assert_eq!(read.settings.password(), Some("data"));
        assert_eq!(read.sentinels[0].redis_settings().password(), Some("watch"));
        assert_eq!(read.sentinels[0].redis_settings().db(), 0);
        assert!(!read.tls && sentinel("rediss+sentinel://a/main").tls);
    }

    #[test]
    fn all_servers_of_a_cluster_have_one_password() {
        let Ok(Address::Cluster(servers)) = Address::parse("redis+cluster://:pass@a:1,b:2") else {
            panic!()
        };
        let addresses: Vec<_> = servers.iter().map(|s| s.addr().to_string()).collect();
        assert_eq!(addresses, ["a:1", "b:2"]);
        assert!(servers.iter().all(|s| s.redis_settings().password() == Some("pass")));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for (url, expected) in [
            ("", "is not the address"),
            ("http://:secret@a", "is not the address"),
            ("redis://:secret@", "is not the address"),
            ("redis://:secret@a:port", "is not the address"),
            ("redis+fork://:secret@a", "neither of one server"),
            ("redis+sentinel://:secret@a", "lacks the name of the master"),
            ("redis+sentinel://:secret@a,/main", "lacks the name of a host"),
            ("redis+sentinel://:secret@a/main?x=secret", "neither sentinel_user"),
            ("redis+cluster://:secret@a/2", "something after the hosts"),
        ] {
            let error = Address::parse(url).map(drop).unwrap_err();
            assert!(error.contains(expected), "{url}: {error}");
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }
}
