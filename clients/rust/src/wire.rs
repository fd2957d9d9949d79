//! Bytes become messages: the three transports behind one pair of halves.
//!
//! A [`Wire`] knows neither requests nor responses: it sends bytes and yields whole messages. On
//! its own it serves tests that send what no well-behaved client would.

mod heard;

use std::io;
use std::ops::Range;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Uri, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};
use vigie_protocol::rpc::Encoding;
use vigie_protocol::scan::Scanner;
use vigie_protocol::{ANSWER_BYTES_MAX, SUBPROTOCOL_JSON, SUBPROTOCOL_MESSAGEPACK};

pub(crate) use self::heard::Heard;
use self::heard::HeardStream;
use crate::endpoint::Endpoint;
use crate::error::{Closed, OpenError};

/// How much is read from a socket at once, and what an idle connection may keep.
const READ_BYTES: usize = 4 * 1024;

/// How one connection is opened and bounded.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `Origin` header of the WebSocket upgrade: a browser's page. None for native clients.
    pub origin: Option<String>,
    /// The `User-Agent` header of the WebSocket upgrade.
    pub user_agent: Option<String>,
    /// Further headers of the WebSocket upgrade, name and value: what a proxy or a browser adds.
    pub headers: Vec<(String, String)>,
    /// How long opening may take.
    pub open_timeout: Duration,
    /// How long the connection may be silent before a ping is sent, until `connect` states it.
    pub heartbeat: Duration,
    /// The longest message that is taken from the server, in bytes.
    pub message_bytes_max: usize,
    /// How many pushes may wait for their reader. Beyond that nothing more is read from the
    /// socket, answers included, until some are taken.
    pub pushes_max: usize,
    /// How many calls may wait for their answers at once; further ones wait to be sent.
    pub calls_max: usize,
    /// How many bytes the system may keep of what was not read yet; `None` leaves it to the system.
    pub receive_buffer: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            origin: None,
            user_agent: None,
            headers: Vec::new(),
            open_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(25),
            message_bytes_max: ANSWER_BYTES_MAX,
            pushes_max: 1024,
            calls_max: 256,
            receive_buffer: None,
        }
    }
}

/// The kind of a WebSocket message; plain TCP knows none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Text, as the subprotocol of JSON has it.
    Text,
    /// Binary, as the subprotocol of MessagePack has it.
    Binary,
}

/// One open connection of which only the messages' bytes are known.
#[derive(Debug)]
pub struct Wire {
    /// Sends.
    pub(crate) sender: Sender,
    /// Receives.
    pub(crate) receiver: Receiver,
    /// When anything was last heard.
    pub(crate) heard: Heard,
}

impl Wire {
    /// Opens a connection.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(endpoint: &Endpoint, options: &Options) -> Result<Self, OpenError> {
        let opening = async {
            match endpoint {
                Endpoint::Tcp(address) => open_tcp(endpoint, address, options).await,
                Endpoint::WebSocket { url, encoding } => {
                    open_web_socket(endpoint, url, *encoding, options).await
                }
            }
        };
        timeout(options.open_timeout, opening)
            .await
            .unwrap_or_else(|_| Err(OpenError::TimedOut { endpoint: endpoint.to_string() }))
    }

    /// How messages are written.
    pub const fn encoding(&self) -> Encoding {
        self.receiver.encoding
    }

    /// Sends bytes as they are: on WebSocket one message of the kind that the encoding has.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Closed> {
        self.sender.feed(bytes).await?;
        self.sender.flush().await
    }

    /// Sends bytes as a WebSocket message of the given kind, right or wrong. Bytes that are not
    /// UTF-8 are sent as binary in any case.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn send_as(&mut self, frame: Frame, bytes: Vec<u8>) -> Result<(), Closed> {
        self.sender.feed_as(frame, bytes).await?;
        self.sender.flush().await
    }

    /// The next whole message. Safe to cancel.
    ///
    /// # Errors
    /// The connection has ended, or the server sends what is no message.
    pub async fn receive(&mut self) -> Result<&[u8], Closed> {
        self.receiver.receive().await
    }

    /// Says goodbye as the transport has it. Nothing can be sent after it.
    pub async fn close(&mut self) {
        self.sender.close().await;
    }
}

/// The half of a connection that sends.
#[derive(Debug)]
pub(crate) enum Sender {
    Tcp { stream: WriteHalf<HeardStream>, pending: Vec<u8> },
    WebSocket { sink: SplitSink<WebSocketStream<HeardStream>, Message>, frame: Frame },
}

impl Sender {
    /// Takes a message, to be sent by the next `flush` at the latest.
    pub(crate) async fn feed(&mut self, bytes: Vec<u8>) -> Result<(), Closed> {
        let frame = match self {
            Self::Tcp { .. } => Frame::Binary,
            Self::WebSocket { frame, .. } => *frame,
        };
        self.feed_as(frame, bytes).await
    }

    async fn feed_as(&mut self, frame: Frame, bytes: Vec<u8>) -> Result<(), Closed> {
        match self {
            Self::Tcp { pending, .. } => {
                pending.extend_from_slice(&bytes);
                Ok(())
            }
            Self::WebSocket { sink, .. } => {
                let bytes = Bytes::from(bytes);
                let message = match (frame, Utf8Bytes::try_from(bytes.clone())) {
                    (Frame::Text, Ok(text)) => Message::Text(text),
                    _ => Message::Binary(bytes),
                };
                sink.feed(message).await.map_err(|error| closed_by(&error))
            }
        }
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Closed> {
        match self {
            Self::Tcp { stream, pending } => {
                let sent = stream.write_all(pending).await;
                *pending = Vec::new();
                sent.map_err(|error| Closed::broken(&error))
            }
            Self::WebSocket { sink, .. } => sink.flush().await.map_err(|error| closed_by(&error)),
        }
    }

    /// Says goodbye as the transport has it.
    pub(crate) async fn close(&mut self) {
        // The peer may be gone already; then there is nobody to say goodbye to.
        let _ = match self {
            Self::Tcp { stream, .. } => stream.shutdown().await.is_ok(),
            Self::WebSocket { sink, .. } => sink.close().await.is_ok(),
        };
    }
}

/// The half of a connection that receives.
#[derive(Debug)]
pub(crate) struct Receiver {
    source: Source,
    encoding: Encoding,
    bytes_max: usize,
    scanner: Scanner,
    /// What has arrived; from `start` on it has not been yielded yet.
    arrived: Vec<u8>,
    start: usize,
}

#[derive(Debug)]
enum Source {
    Tcp(ReadHalf<HeardStream>),
    WebSocket(SplitStream<WebSocketStream<HeardStream>>),
}

impl Receiver {
    fn new(source: Source, encoding: Encoding, options: &Options) -> Self {
        let bytes_max = options.message_bytes_max;
        let scanner = Scanner::within(bytes_max);
        Self { source, encoding, bytes_max, scanner, arrived: Vec::new(), start: 0 }
    }

    /// The next whole message. Safe to cancel: what has arrived stays.
    pub(crate) async fn receive(&mut self) -> Result<&[u8], Closed> {
        loop {
            if let Some(message) = self.whole()? {
                return Ok(&self.arrived[message]);
            }
            self.arrived.drain(..self.start);
            self.start = 0;
            if self.arrived.is_empty() && self.arrived.capacity() > READ_BYTES {
                self.arrived = Vec::new();
            }
            self.read().await?;
        }
    }

    /// Where the next whole message lies in what has arrived.
    fn whole(&mut self) -> Result<Option<Range<usize>>, Closed> {
        let rest = &self.arrived[self.start..];
        if rest.is_empty() {
            return Ok(None);
        }
        let length = match (&self.source, self.encoding) {
            (_, Encoding::Json) => rest.len(),
            (source, Encoding::MessagePack) => {
                match (self.scanner.scan(rest).map_err(Closed::nonsense)?, source) {
                    (Some(length), _) => length,
                    (None, Source::Tcp(_)) => return Ok(None),
                    (None, Source::WebSocket(_)) => {
                        return Err(Closed::nonsense("a WebSocket message ends within a value"));
                    }
                }
            }
        };
        let message = self.start..self.start + length;
        self.start = message.end;
        Ok(Some(message))
    }

    /// Waits for more to arrive.
    async fn read(&mut self) -> Result<(), Closed> {
        match &mut self.source {
            Source::Tcp(stream) => {
                self.arrived.reserve(READ_BYTES);
                match stream.read_buf(&mut self.arrived).await {
                    Ok(0) => Err(Closed::lost("the server ended the stream")),
                    Ok(_) => Ok(()),
                    Err(error) => Err(Closed::broken(&error)),
                }
            }
            Source::WebSocket(stream) => match stream.next().await {
                Some(Ok(Message::Binary(bytes))) if self.encoding == Encoding::MessagePack => {
                    self.arrived = bytes.into();
                    Ok(())
                }
                Some(Ok(Message::Text(text))) if self.encoding == Encoding::Json => {
                    self.arrived = Bytes::from(text).into();
                    Ok(())
                }
                Some(Ok(Message::Binary(_) | Message::Text(_))) => {
                    Err(Closed::nonsense("the WebSocket message is of the wrong kind"))
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    Err(Closed::by_server(frame.code.into(), frame.reason.as_str()))
                }
                Some(Ok(Message::Close(None))) | None => {
                    Err(Closed::lost("the server ended the stream"))
                }
                // The transport's own pings are answered below us.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(()),
                Some(Err(Error::Capacity(error))) => Err(Closed::nonsense(format!(
                    "{error} (at most {} bytes are taken)",
                    self.bytes_max
                ))),
                Some(Err(error)) => Err(closed_by(&error)),
            },
        }
    }
}

async fn open_tcp(
    endpoint: &Endpoint,
    address: &str,
    options: &Options,
) -> Result<Wire, OpenError> {
    let (stream, heard) = reach(endpoint, address, options).await?;
    let (read, write) = tokio::io::split(stream);
    Ok(Wire {
        sender: Sender::Tcp { stream: write, pending: Vec::new() },
        receiver: Receiver::new(Source::Tcp(read), Encoding::MessagePack, options),
        heard,
    })
}

async fn open_web_socket(
    endpoint: &Endpoint,
    url: &str,
    encoding: Encoding,
    options: &Options,
) -> Result<Wire, OpenError> {
    let invalid = |problem: String| OpenError::Invalid { endpoint: endpoint.to_string(), problem };
    let uri: Uri = url.parse().map_err(|error| invalid(format!("{error}")))?;
    let host = uri.host().ok_or_else(|| invalid("the address lacks a host".to_owned()))?;
    let address = format!("{host}:{}", uri.port_u16().unwrap_or(80));
    let (subprotocol, frame) = match encoding {
        Encoding::MessagePack => (SUBPROTOCOL_MESSAGEPACK, Frame::Binary),
        Encoding::Json => (SUBPROTOCOL_JSON, Frame::Text),
    };
    let mut request = uri.into_client_request().map_err(|error| invalid(error.to_string()))?;
    let mut set = |name: HeaderName, value: &str| {
        let value = HeaderValue::from_str(value).map_err(|error| invalid(error.to_string()))?;
        request.headers_mut().insert(name, value);
        Ok(())
    };
    set(header::SEC_WEBSOCKET_PROTOCOL, subprotocol)?;
    if let Some(origin) = &options.origin {
        set(header::ORIGIN, origin)?;
    }
    if let Some(user_agent) = &options.user_agent {
        set(header::USER_AGENT, user_agent)?;
    }
    for (name, value) in &options.headers {
        let name: HeaderName =
            name.parse().map_err(|error| invalid(format!("{name:?}: {error}")))?;
        set(name, value)?;
    }
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(READ_BYTES)
        .max_message_size(Some(options.message_bytes_max))
        .max_frame_size(Some(options.message_bytes_max));
    let (stream, heard) = reach(endpoint, &address, options).await?;
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config))
        .await
        .map_err(|error| match error {
            Error::Http(response) => OpenError::UpgradeRefused {
                endpoint: endpoint.to_string(),
                status: response.status().as_u16(),
            },
            error => {
                OpenError::Handshake { endpoint: endpoint.to_string(), problem: error.to_string() }
            }
        })?;
    let (sink, stream) = socket.split();
    Ok(Wire {
        sender: Sender::WebSocket { sink, frame },
        receiver: Receiver::new(Source::WebSocket(stream), encoding, options),
        heard,
    })
}

async fn reach(
    endpoint: &Endpoint,
    address: &str,
    options: &Options,
) -> Result<(HeardStream, Heard), OpenError> {
    let unreachable = |error: std::io::Error| OpenError::Unreachable {
        endpoint: endpoint.to_string(),
        problem: error.to_string(),
    };
    let stream = match options.receive_buffer {
        None => TcpStream::connect(address).await,
        Some(bytes) => connect_with(address, bytes).await,
    }
    .map_err(unreachable)?;
    // Small messages, each of which somebody waits for.
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(HeardStream::new(stream))
}

/// The buffer has to be set before the connection is there: its size is told to the other end.
async fn connect_with(address: &str, receive_buffer: u32) -> io::Result<TcpStream> {
    let mut problem = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in lookup_host(address).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_recv_buffer_size(receive_buffer)?;
        match socket.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

fn closed_by(error: &Error) -> Closed {
    match error {
        Error::Io(error) => Closed::broken(error),
        error => Closed::lost(error.to_string()),
    }
}
