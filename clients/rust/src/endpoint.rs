//! Where the engine listens, and which of the three ways a client speaks to it.

use std::fmt;
use std::str::FromStr;

use vigie_protocol::rpc::Encoding;

/// An address of the engine.
///
/// Parsed from `tcp://127.0.0.1:8090`, `ws://127.0.0.1:8080/ws` (MessagePack) or
/// `ws://127.0.0.1:8080/ws?encoding=json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A plain stream of MessagePack-RPC.
    Tcp(
        /// Host and port.
        String,
    ),
    /// WebSocket.
    WebSocket {
        /// With the scheme `ws`.
        url: String,
        /// How messages are written.
        encoding: Encoding,
    },
}

/// A text that is no [`Endpoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address of the engine: {problem}")]
pub struct InvalidEndpoint {
    text: String,
    problem: &'static str,
}

impl Endpoint {
    /// Plain TCP.
    pub fn tcp(address: impl fmt::Display) -> Self {
        Self::Tcp(address.to_string())
    }

    /// WebSocket at the path `/ws`.
    pub fn web_socket(address: impl fmt::Display, encoding: Encoding) -> Self {
        Self::WebSocket { url: format!("ws://{address}/ws"), encoding }
    }

    /// How messages are written.
    pub const fn encoding(&self) -> Encoding {
        match self {
            Self::Tcp(_) => Encoding::MessagePack,
            Self::WebSocket { encoding, .. } => *encoding,
        }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let invalid = |problem| InvalidEndpoint { text: text.to_owned(), problem };
        if let Some(address) = text.strip_prefix("tcp://") {
            let address = address.trim_end_matches('/');
            let (host, port) =
                address.rsplit_once(':').ok_or_else(|| invalid("it lacks a port"))?;
            if host.is_empty() || port.parse::<u16>().is_err() {
                return Err(invalid("it is not tcp://HOST:PORT"));
            }
            return Ok(Self::Tcp(address.to_owned()));
        }
        if text.starts_with("wss://") {
            return Err(invalid("TLS is for a proxy in front of the engine; use ws:// behind it"));
        }
        if !text.starts_with("ws://") {
            return Err(invalid("it begins with neither tcp:// nor ws://"));
        }
        let (url, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut encoding, mut kept) = (Encoding::MessagePack, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair {
                "encoding=json" => encoding = Encoding::Json,
                "encoding=msgpack" => encoding = Encoding::MessagePack,
                other if other.starts_with("encoding=") => {
                    return Err(invalid("the encoding is neither msgpack nor json"));
                }
                other => kept.push(other),
            }
        }
        let url = match kept.as_slice() {
            [] => url.to_owned(),
            kept => format!("{url}?{}", kept.join("&")),
        };
        Ok(Self::WebSocket { url, encoding })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::WebSocket { url, encoding: Encoding::MessagePack } => f.write_str(url),
            Self::WebSocket { url, encoding: Encoding::Json } => {
                let joint = if url.contains('?') { '&' } else { '?' };
                write!(f, "{url}{joint}encoding=json")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_come_out_as_they_went_in() {
        for text in [
            "tcp://127.0.0.1:8090",
            "tcp://[::1]:8090",
            "ws://127.0.0.1:8080/ws",
            "ws://example.com/ws?encoding=json",
            "ws://example.com/ws?tenant=a&encoding=json",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_encoding_is_for_the_client_and_not_part_of_the_address() {
        assert_eq!(
            "ws://h:1/ws?encoding=json&x=1".parse(),
            Ok(Endpoint::WebSocket { url: "ws://h:1/ws?x=1".into(), encoding: Encoding::Json })
        );
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for text in
            ["", "127.0.0.1:8090", "tcp://host", "tcp://:1", "wss://h/ws", "ws://h/ws?encoding=xml"]
        {
            let problem = text.parse::<Endpoint>().unwrap_err();
            assert!(problem.to_string().contains("no address"), "{problem}");
        }
    }
}
