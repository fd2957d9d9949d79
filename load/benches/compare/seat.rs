//! One connection of the driver to a peer, whichever it is.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::said::Number;
use crate::tongue::{Heard, Tongue};

/// How long a peer may take to let somebody in.
const ENTER_MAX: Duration = Duration::from_secs(30);

/// What an idle connection of the driver may keep, in bytes.
const BUFFER_BYTES: usize = 4 * 1024;

/// What a browser says of itself to all of them.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const LANGUAGE: &str = "fr-FR,fr;q=0.9,en;q=0.6";

/// Somebody who is let in.
pub struct Seat {
    socket: WebSocketStream<TcpStream>,
    tongue: Box<dyn Tongue>,
    heard: Vec<Heard>,
}

impl Seat {
    /// Opens a connection, and does all that the peer wants done before it lets somebody in.
    ///
    /// # Errors
    /// It does not.
    pub async fn take(address: SocketAddr, tongue: Box<dyn Tongue>) -> Result<Self, String> {
        timeout(ENTER_MAX, Self::enter(address, tongue))
            .await
            .unwrap_or_else(|_| Err(format!("nobody is let in within {ENTER_MAX:?}")))
    }

    async fn enter(address: SocketAddr, tongue: Box<dyn Tongue>) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let mut request = format!("ws://{address}{}", tongue.path())
            .into_client_request()
            .map_err(|error| error.to_string())?;
        for (name, value) in [(header::USER_AGENT, BROWSER), (header::ACCEPT_LANGUAGE, LANGUAGE)] {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if let Some(subprotocol) = tongue.subprotocol() {
            let subprotocol = HeaderValue::from_static(subprotocol);
            request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES);
        let (socket, _) = client_async_with_config(request, stream, Some(config))
            .await
            .map_err(|error| error.to_string())?;
        let mut seat = Self { socket, tongue, heard: Vec::new() };
        for message in seat.tongue.greet() {
            seat.send(message).await?;
        }
        while !seat.listen().await?.contains(&Heard::Ready) {}
        Ok(seat)
    }

    /// What comes next; what the peer wants answered is answered. May be given up while nothing
    /// comes.
    ///
    /// # Errors
    /// The connection has ended, or the peer is not understood.
    pub async fn listen(&mut self) -> Result<Vec<Heard>, String> {
        let message = match self.socket.next().await {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(Vec::new()),
            Some(Ok(Message::Close(frame))) => return Err(format!("closed: {frame:?}")),
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(ended(&error)),
            None => return Err("the connection has ended".to_owned()),
        };
        self.tongue.hear(&message, &mut self.heard)?;
        let mut told = Vec::with_capacity(self.heard.len());
        for heard in std::mem::take(&mut self.heard) {
            match heard {
                Heard::Reply(reply) => self.send(reply).await?,
                heard => told.push(heard),
            }
        }
        Ok(told)
    }

    /// Says these, all in one go.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn say(&mut self, numbers: &[Number]) -> Result<(), String> {
        for &number in numbers {
            let message = self.tongue.say(number);
            self.socket.feed(message).await.map_err(|error| ended(&error))?;
        }
        self.socket.flush().await.map_err(|error| ended(&error))
    }

    /// The room that they speak in.
    pub fn room(&self) -> String {
        self.tongue.room()
    }

    async fn send(&mut self, message: Message) -> Result<(), String> {
        self.socket.send(message).await.map_err(|error| ended(&error))
    }
}

fn ended(error: &Error) -> String {
    format!("the connection has ended: {error}")
}
