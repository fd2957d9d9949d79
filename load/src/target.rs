//! Which engine is put under load, or which nodes of a cluster: those of this machine, unless told
//! otherwise.
//!
//! A mistyped address must not put somebody else's engine under load, so an address that is not
//! loopback has to be meant. A name counts as loopback only if all that it stands for is; it is
//! then replaced by the address that was looked at, which also spares a look-up per visitor.

use std::net::SocketAddr;

use tokio::net::lookup_host;
use vigie_client::Endpoint;

/// What the address of a WebSocket begins with.
const SCHEME: &str = "ws://";

/// Where visitors of an engine that is reached by TCP say that they are.
const SHOP_BESIDE_TCP: &str = "http://127.0.0.1:8080/demo";

/// The most nodes that load is spread over.
pub const NODES_MAX: usize = 64;

/// The engine that is put under load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where it listens; of a cluster where each of its nodes does. Never empty.
    pub endpoints: Vec<Endpoint>,
    /// The public key of the site that is visited.
    pub site: String,
    /// The `Origin` header of visitors, if they come from a page.
    pub origin: Option<String>,
    /// Where the pages lie that visitors are on, without a slash at the end.
    pub shop: String,
}

/// Why an engine is not put under load.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It may be another machine's.
    #[error(
        "{endpoint} is {address}, which is not this machine; if that engine is yours and may be \
         put under load, say so with --anywhere"
    )]
    Foreign {
        /// The address that was given.
        endpoint: Endpoint,
        /// What it stands for.
        address: SocketAddr,
    },
    /// It stands for nothing.
    #[error("{endpoint} stands for no address: {problem}")]
    Nowhere {
        /// The address that was given.
        endpoint: Endpoint,
        /// What the system says.
        problem: String,
    },
    /// There are no nodes, or more than there can be.
    #[error("{0} addresses are given, not 1 to {NODES_MAX}")]
    Count(usize),
}

impl Target {
    /// The engines at these addresses, which have to be loopback unless `anywhere` is meant.
    ///
    /// # Errors
    /// An address is foreign, or none; or there are too many.
    pub async fn find(
        to: Vec<Endpoint>,
        site: String,
        anywhere: bool,
    ) -> Result<Self, TargetError> {
        if to.is_empty() || to.len() > NODES_MAX {
            return Err(TargetError::Count(to.len()));
        }
        let shop = match &to[0] {
            Endpoint::Tcp(_) => SHOP_BESIDE_TCP.to_owned(),
            web_socket @ Endpoint::WebSocket { .. } => {
                format!("http://{}/demo", authority(web_socket))
            }
        };
        let mut endpoints = Vec::with_capacity(to.len());
        for endpoint in to {
            endpoints.push(find(endpoint, anywhere).await?);
        }
        Ok(Self { endpoints, site, origin: None, shop })
    }
}

async fn find(endpoint: Endpoint, anywhere: bool) -> Result<Endpoint, TargetError> {
    let authority = authority(&endpoint).to_owned();
    let found = look_up(&authority)
        .await
        .map_err(|problem| TargetError::Nowhere { endpoint: endpoint.clone(), problem })?;
    if !anywhere && let Some(&address) = found.iter().find(|found| !is_loopback(found)) {
        return Err(TargetError::Foreign { endpoint, address });
    }
    Ok(if anywhere { endpoint } else { at(&endpoint, &authority, found[0]) })
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// At least one address.
async fn look_up(authority: &str) -> Result<Vec<SocketAddr>, String> {
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    let with_port = if has_port { authority.to_owned() } else { format!("{authority}:80") };
    let mut found: Vec<_> =
        lookup_host(with_port).await.map_err(|error| error.to_string())?.collect();
    // Engines listen on IPv4 unless told otherwise, and only the first address is tried.
    found.sort_by_key(SocketAddr::is_ipv6);
    if found.is_empty() { Err("the name is not known".into()) } else { Ok(found) }
}

fn authority(endpoint: &Endpoint) -> &str {
    match endpoint {
        Endpoint::Tcp(address) => address,
        Endpoint::WebSocket { url, .. } => {
            let rest = url.strip_prefix(SCHEME).unwrap_or(url);
            rest.split(['/', '?', '#']).next().unwrap_or(rest)
        }
    }
}

fn at(endpoint: &Endpoint, authority: &str, address: SocketAddr) -> Endpoint {
    match endpoint {
        Endpoint::Tcp(_) => Endpoint::tcp(address),
        Endpoint::WebSocket { url, encoding } => {
            let path = url.get(SCHEME.len() + authority.len()..).unwrap_or_default();
            Endpoint::WebSocket { url: format!("{SCHEME}{address}{path}"), encoding: *encoding }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn find(to: &str, anywhere: bool) -> Result<Target, TargetError> {
        let to = to.split(',').map(|to| to.parse().unwrap()).collect();
        Target::find(to, "demo".into(), anywhere).await
    }

    #[tokio::test]
    async fn this_machine_is_taken_under_all_its_names() {
        for (to, endpoint) in [
            ("ws://127.0.0.1:8080/ws", "ws://127.0.0.1:8080/ws"),
            ("ws://127.9.9.9:1/ws?encoding=json", "ws://127.9.9.9:1/ws?encoding=json"),
            ("ws://[::1]:8080/ws", "ws://[::1]:8080/ws"),
            ("tcp://127.0.0.1:8090", "tcp://127.0.0.1:8090"),
            ("ws://localhost:8080/ws", "ws://127.0.0.1:8080/ws"),
        ] {
            assert_eq!(find(to, false).await.unwrap().endpoints[0].to_string(), endpoint);
        }
    }

    #[tokio::test]
    async fn another_machine_must_be_meant() {
        for to in [
            "ws://192.0.2.1:8080/ws",
            "tcp://192.0.2.1:8090",
            "ws://[2001:db8::1]:8080/ws",
            "ws://0.0.0.0:8080/ws",
            "ws://[::ffff:192.0.2.1]:8080/ws",
        ] {
            let problem = find(to, false).await.unwrap_err().to_string();
            assert!(problem.contains("--anywhere"), "{problem}");
            assert_eq!(find(to, true).await.unwrap().endpoints[0].to_string(), to);
        }
    }

    #[tokio::test]
    async fn an_address_in_disguise_is_not_taken_for_this_machine() {
        for to in ["ws://127.0.0.1@192.0.2.1:80/ws", "ws://192.0.2.1?127.0.0.1/ws"] {
            assert!(find(to, false).await.is_err(), "{to}");
        }
    }

    #[tokio::test]
    async fn one_node_of_another_machine_is_enough_to_be_refused() {
        let nodes = "ws://127.0.0.1:1/ws,tcp://127.0.0.1:2";
        assert_eq!(find(nodes, false).await.unwrap().endpoints.len(), 2);
        let problem = find("ws://127.0.0.1:1/ws,tcp://192.0.2.1:2", false).await.unwrap_err();
        assert!(problem.to_string().contains("192.0.2.1:2"), "{problem}");
    }

    #[tokio::test]
    async fn visitors_are_on_pages_of_the_engine_that_they_visit() {
        let target = find("ws://127.0.0.1:9000/ws", false).await.unwrap();
        assert_eq!(target.shop, "http://127.0.0.1:9000/demo");
    }
}
