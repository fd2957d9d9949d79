//! How the commands that are clients come to an engine: one on this machine by its configuration
//! and its data, any other by an address and what its site gave out.

use vigie_client::{ClientOptions, Endpoint, Options};
use vigie_protocol::id::SiteId;
use vigie_protocol::rpc::Encoding;

use super::{CliError, database};
use crate::config::Config;
use crate::core::site::Site;
use crate::server::reachable;

#[derive(clap::Args)]
pub(super) struct At {
    /// Where the engine listens: ws://HOST:PORT/ws (?encoding=json) or tcp://HOST:PORT
    /// [default: as configured here]
    #[arg(long, value_name = "ADDRESS", env = "VIGIE_CONNECT")]
    connect: Option<Endpoint>,
}

impl At {
    /// Where the engine listens.
    pub(super) fn endpoint(self, config: &Config) -> Result<Endpoint, CliError> {
        if let Some(endpoint) = self.connect {
            return Ok(endpoint);
        }
        let address = config.http.listen;
        if address.port() == 0 {
            return Err(CliError::Refused(
                "the engine takes any free port; name the one that it has: --connect \
                 ws://127.0.0.1:PORT/ws"
                    .into(),
            ));
        }
        let address = reachable(address);
        Ok(Endpoint::web_socket(address, Encoding::MessagePack))
    }
}

/// A site of the engine on this machine, if it is one.
pub(super) async fn local_site(config: &Config, site: &str) -> Result<Option<Site>, CliError> {
    let Ok(id) = site.parse::<SiteId>() else { return Ok(None) };
    if !database::is_there(config) {
        return Ok(None);
    }
    Ok(database::open_existing(config).await?.site(id).await?)
}

/// How this program connects; `origin` where a site takes browsers only.
pub(super) fn client_options(origin: Option<String>) -> ClientOptions {
    let user_agent = concat!("vigie/", env!("CARGO_PKG_VERSION"), " (terminal)");
    let wire = Options { origin, user_agent: Some(user_agent.to_owned()), ..Options::default() };
    ClientOptions { wire, ..ClientOptions::default() }
}
