//! A client that may say anything: bytes on a socket, framed by hand.
//!
//! What it hears is the same whatever the transport, as JSON. So one table of bad input serves
//! all three.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vigie::core::site::Site;
use vigie::identity::{self, Claims, Role};
use vigie_protocol::method::Rank;
use vigie_protocol::rpc::Encoding;
use vigie_protocol::scan::Scanner;
use vigie_protocol::{ANSWER_BYTES_MAX, SUBPROTOCOL_JSON, SUBPROTOCOL_MESSAGEPACK};

use super::{Shop, Via, display_name, within};

/// A whole text message, as the first byte of its WebSocket frame.
pub const TEXT: u8 = 0x81;
/// A whole binary message.
pub const BINARY: u8 = 0x82;
/// A WebSocket ping.
pub const PING: u8 = 0x89;

/// Set in the first byte of a WebSocket frame that is the last of its message.
const LAST: u8 = 0x80;

/// One socket.
pub struct Raw {
    pub via: Via,
    socket: TcpStream,
    arrived: Vec<u8>,
    next_id: u32,
    /// Answers that nobody has waited for yet.
    answers: Vec<(Value, Result<Value, Value>)>,
    /// Every notification so far, in order: method and parameters.
    pub told: Vec<(String, Value)>,
}

/// What the engine said.
#[derive(Debug)]
pub enum Heard {
    /// The response to a request.
    Answer { id: Value, outcome: Result<Value, Value> },
    /// A notification, or a request of the engine's.
    Told { method: String, params: Value },
    /// The answer to a WebSocket ping.
    Pong(Vec<u8>),
    /// The WebSocket's close frame.
    CloseFrame { code: u16, reason: String },
    /// The end of the stream.
    Ended,
}

impl Raw {
    /// A connection that has not said who it is.
    pub async fn open(shop: &Shop, via: Via) -> Self {
        Self::open_from(shop, via, None).await
    }

    /// The same, from a page of this origin; plain TCP knows none.
    pub async fn open_from(shop: &Shop, via: Via, origin: Option<&str>) -> Self {
        let node = shop.node();
        let address = if via == Via::Tcp { node.tcp } else { node.http };
        let socket = within("the socket to open", TcpStream::connect(address)).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let mut raw =
            Self { via, socket, arrived: vec![], next_id: 1, answers: vec![], told: vec![] };
        if let Some(subprotocol) = subprotocol(via) {
            let origin = origin.map(|origin| ("Origin", origin));
            let headers: Vec<_> =
                [("Sec-WebSocket-Protocol", subprotocol)].into_iter().chain(origin).collect();
            raw.write(upgrade_request("/ws", &headers).as_bytes()).await;
            let answer = read_head(&mut raw.socket, &mut raw.arrived).await;
            assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        }
        raw
    }

    /// A connection that is somebody: `params` are those of `connect`.
    pub async fn connected(shop: &Shop, via: Via, params: Value) -> Self {
        let mut raw = Self::open(shop, via).await;
        raw.call("connect", params).await.unwrap();
        raw
    }

    /// A new visitor, in their own session.
    pub async fn visitor(shop: &Shop, via: Via) -> (Self, Value) {
        let mut raw = Self::open(shop, via).await;
        let connected = raw.call("connect", as_visitor(&shop.site)).await.unwrap();
        (raw, connected["identity"].clone())
    }

    /// Writes bytes on the socket as they are. The engine may have closed it already.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _ = within("the engine to read", self.socket.write_all(bytes)).await;
    }

    /// Sends bytes as one message of the kind that the transport has.
    pub async fn send(&mut self, message: &[u8]) {
        let bytes = framed(self.via, message);
        self.write(&bytes).await;
    }

    /// Sends a request, and does not wait for the answer. Returns its id.
    pub async fn ask(&mut self, method: &str, params: Value) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&request(self.via, id, method, params)).await;
        id
    }

    /// Sends a request and waits for its answer.
    pub async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params).await;
        self.answer_to(id).await
    }

    /// Sends a request that must be refused; returns the error.
    pub async fn refused(&mut self, method: &str, params: Value) -> Value {
        match self.call(method, params.clone()).await {
            Err(error) => {
                assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{error}");
                assert!(error["retry"].is_boolean(), "{error}");
                error
            }
            Ok(result) => panic!("{method} {params} was not refused: {result}"),
        }
    }

    /// Sends a notification.
    pub async fn notify(&mut self, method: &str, params: Value) {
        let message = match self.via {
            Via::Json => json!({ "jsonrpc": "2.0", "method": method, "params": params }),
            Via::Tcp | Via::WebSocket => json!([2, method, [params]]),
        };
        self.send(&encoded(self.via, &message)).await;
    }

    /// Waits for the answer to a request, whatever else comes before it.
    pub async fn answer_to(&mut self, wanted: impl Into<Value>) -> Result<Value, Value> {
        let wanted = wanted.into();
        loop {
            if let Some(index) = self.answers.iter().position(|(id, _)| *id == wanted) {
                return self.answers.remove(index).1;
            }
            match self.next().await {
                Heard::Answer { id, outcome } => self.answers.push((id, outcome)),
                Heard::Ended => panic!("no answer to {wanted}; {:?}", self.told),
                _ => {}
            }
        }
    }

    /// Waits for the event at this offset, unless it has come already.
    pub async fn event_at(&mut self, offset: &Value) -> Value {
        loop {
            let mut told = self.told.iter();
            let found =
                told.find(|(method, event)| method == "event" && event["offset"] == *offset);
            if let Some((_, event)) = found {
                return event.clone();
            }
            match self.next().await {
                Heard::Answer { id, outcome } => self.answers.push((id, outcome)),
                Heard::Ended => panic!("no event at {offset}; {:?}", self.told),
                _ => {}
            }
        }
    }

    /// Waits for a notification of this method.
    pub async fn told(&mut self, wanted: &str) -> Value {
        loop {
            match self.next().await {
                Heard::Told { method, params } if method == wanted => return params,
                Heard::Ended => panic!("no {wanted}; {:?}", self.told),
                _ => {}
            }
        }
    }

    /// The connection works.
    pub async fn is_usable(&mut self) {
        assert_eq!(self.call("ping", json!({})).await, Ok(json!({})));
    }

    /// Waits until the engine has closed the connection; returns the code. It must have said
    /// goodbye as the protocol has it.
    pub async fn closed(&mut self) -> u64 {
        let mut frame = None;
        loop {
            match self.next().await {
                Heard::CloseFrame { code, reason } => frame = Some((code, reason)),
                Heard::Ended => break,
                _ => {}
            }
        }
        let (method, bye) = self.told.last().expect("the engine says bye before it closes");
        assert_eq!(method, "bye", "{:?}", self.told);
        let code = bye["code"].as_u64().unwrap();
        assert_eq!(bye["reconnect"], code < 4500, "{bye}");
        if self.via != Via::Tcp {
            let (frame_code, reason) = frame.expect("a close frame");
            assert_eq!(
                (u64::from(frame_code), reason.as_str()),
                (code, bye["reason"].as_str().unwrap())
            );
        }
        code
    }

    /// What the engine says next.
    pub async fn next(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.take() {
                if let Heard::Told { method, params } = &heard {
                    self.told.push((method.clone(), params.clone()));
                }
                return heard;
            }
            let reading = self.socket.read_buf(&mut self.arrived);
            if matches!(within("the engine to say something", reading).await, Ok(0) | Err(_)) {
                return Heard::Ended;
            }
        }
    }

    fn take(&mut self) -> Option<Heard> {
        if self.via == Via::Tcp {
            let length = Scanner::within(ANSWER_BYTES_MAX).scan(&self.arrived).unwrap()?;
            return Some(understood(Encoding::MessagePack, &self.take_bytes(length)));
        }
        let (first, head, length) = match *self.arrived.as_slice() {
            [first, 126, high, low, ..] => (first, 4, usize::from(u16::from_be_bytes([high, low]))),
            [first, 127, a, b, c, d, e, f, g, h, ..] => {
                (first, 10, u64::from_be_bytes([a, b, c, d, e, f, g, h]) as usize)
            }
            [first, short @ 0..126, ..] => (first, 2, usize::from(short)),
            _ => return None,
        };
        if self.arrived.len() < head + length {
            return None;
        }
        let payload = self.take_bytes(head + length).split_off(head);
        Some(match (first, self.via) {
            (TEXT, Via::Json) => understood(Encoding::Json, &payload),
            (BINARY, Via::WebSocket) => understood(Encoding::MessagePack, &payload),
            (0x8a, _) => Heard::Pong(payload),
            (0x88, _) => Heard::CloseFrame {
                code: u16::from_be_bytes([payload[0], payload[1]]),
                reason: String::from_utf8(payload[2..].to_vec()).unwrap(),
            },
            _ => panic!("a frame {first:#x} has no place here"),
        })
    }

    fn take_bytes(&mut self, length: usize) -> Vec<u8> {
        let rest = self.arrived.split_off(length);
        std::mem::replace(&mut self.arrived, rest)
    }
}

fn understood(encoding: Encoding, message: &[u8]) -> Heard {
    let message: Value = match encoding {
        Encoding::MessagePack => rmp_serde::from_slice(message).unwrap(),
        Encoding::Json => serde_json::from_slice(message).unwrap(),
    };
    let part = |index: usize, key: &str| match &message {
        Value::Array(parts) => parts[index].clone(),
        object => object[key].clone(),
    };
    let told = |method: Value, params: Value| Heard::Told {
        method: method.as_str().unwrap().to_owned(),
        params: params.get(0).cloned().unwrap_or(params),
    };
    let answer = |error: Value, result: Value| Heard::Answer {
        id: part(1, "id"),
        outcome: if error.is_null() { Ok(result) } else { Err(error) },
    };
    match message.get(0).and_then(Value::as_u64) {
        Some(0) => told(part(2, ""), part(3, "")),
        Some(1) => answer(part(2, ""), part(3, "")),
        Some(_) => told(part(1, ""), part(2, "")),
        None if message.get("method").is_some() => told(part(0, "method"), part(0, "params")),
        None => answer(part(0, "error"), part(0, "result")),
    }
}

/// The bytes of a request.
pub fn request(via: Via, id: impl Into<Value>, method: &str, params: Value) -> Vec<u8> {
    let id = id.into();
    let message = match via {
        Via::Json => json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }),
        Via::Tcp | Via::WebSocket => json!([0, id, method, [params]]),
    };
    encoded(via, &message)
}

/// A value as the transport writes it.
pub fn encoded(via: Via, message: &Value) -> Vec<u8> {
    match via {
        Via::Json => serde_json::to_vec(message).unwrap(),
        Via::Tcp | Via::WebSocket => rmp_serde::to_vec_named(message).unwrap(),
    }
}

/// One message as it goes over the socket.
pub fn framed(via: Via, message: &[u8]) -> Vec<u8> {
    match via {
        Via::Tcp => message.to_vec(),
        Via::WebSocket => frame(BINARY, message),
        Via::Json => frame(TEXT, message),
    }
}

/// A message in several WebSocket frames.
pub fn fragments(kind: u8, message: &[u8], each: usize) -> Vec<Vec<u8>> {
    let count = message.len().div_ceil(each);
    let fragments = message.chunks(each).enumerate().map(|(index, chunk)| {
        let opcode = if index == 0 { kind & !LAST } else { 0 };
        frame(if index + 1 == count { opcode | LAST } else { opcode }, chunk)
    });
    fragments.collect()
}

/// A WebSocket frame of a client.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5a, 0x01, 0xff, 0x3c];
    let mut bytes = frame_head(first, 0x80, payload.len() as u64);
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The head of a WebSocket frame up to its length; `mask` is the bit that says that it is masked.
pub fn frame_head(first: u8, mask: u8, length: u64) -> Vec<u8> {
    match length {
        0..126 => vec![first, mask | length as u8],
        126..65_536 => [&[first, mask | 126][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[first, mask | 127][..], &length.to_be_bytes()].concat(),
    }
}

fn subprotocol(via: Via) -> Option<&'static str> {
    match via {
        Via::Tcp => None,
        Via::WebSocket => Some(SUBPROTOCOL_MESSAGEPACK),
        Via::Json => Some(SUBPROTOCOL_JSON),
    }
}

/// The head of a WebSocket handshake.
pub fn upgrade_request(path: &str, headers: &[(&str, &str)]) -> String {
    let fixed = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    http_request("GET", path, &[&fixed, headers].concat())
}

/// The head of an HTTP request.
pub fn http_request(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nHost: shop.example\r\n{headers}\r\n")
}

/// The answer to an HTTP request.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl HttpAnswer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?} is not JSON"))
    }
}

/// Asks the HTTP port for something.
pub async fn get(shop: &Shop, path: &str, headers: &[(&str, &str)]) -> HttpAnswer {
    let headers = [&[("Connection", "close")], headers].concat();
    exchange(shop.http(), http_request("GET", path, &headers).as_bytes()).await
}

/// Writes bytes to the HTTP port; returns the answer. What switches protocols has no body.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> HttpAnswer {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let _ = socket.write_all(request).await;
    let mut arrived = vec![];
    let head = read_head(&mut socket, &mut arrived).await;
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("{head:?} is no HTTP"));
    if status != 101 {
        let _ = within("the whole answer", socket.read_to_end(&mut arrived)).await;
    }
    HttpAnswer { status, head, body: String::from_utf8(arrived).unwrap() }
}

/// Whether a node says that it is ready.
///
/// # Errors
/// Its socket's: a node that is gone says nothing.
pub async fn is_ready(http: SocketAddr) -> std::io::Result<bool> {
    let mut socket = TcpStream::connect(http).await?;
    let request = http_request("GET", "/readyz", &[("Connection", "close")]);
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

/// Reads up to the empty line; what came behind it stays in `arrived`.
async fn read_head(socket: &mut TcpStream, arrived: &mut Vec<u8>) -> String {
    loop {
        if let Some(end) = arrived.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = arrived.split_off(end + 4);
            return String::from_utf8(std::mem::replace(arrived, rest)).unwrap();
        }
        let read = within("an HTTP answer", socket.read_buf(arrived)).await;
        if matches!(read, Ok(0) | Err(_)) {
            return String::from_utf8_lossy(arrived).into_owned();
        }
    }
}

/// Parameters of `connect` for a visitor of a site.
pub fn as_visitor(site: &Site) -> Value {
    json!({ "protocol": 1, "site": site.key })
}

/// Parameters of `connect` for whoever bears a token.
pub fn with_token(token: &str) -> Value {
    json!({ "protocol": 1, "token": token })
}

/// A token of any site; negative seconds have passed already.
pub fn signed(site: &Site, role: Role, id: &str, seconds: i64) -> String {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let claims = Claims {
        site: site.id.clone(),
        role,
        sub: id.into(),
        name: (role != Role::Visitor).then(|| display_name(id)),
        rank: (role == Role::Operator).then_some(Rank::Admin),
        exp: now.saturating_add_signed(seconds),
        iat: None,
    };
    identity::issue(site, &claims)
}

impl Shop {
    /// Opens a shop that writes down all that can be said of it, into this file.
    pub async fn open_verbose(log: &Path) -> Self {
        let settings = [("VIGIE__TRACING__LEVEL".to_owned(), "trace".to_owned())];
        Self::open_as(&settings, Some(log)).await
    }

    /// Another site of the same engine, whose visitors come from its pages only.
    pub async fn neighbour(&self) -> Site {
        let site = Site {
            id: "next-door".parse().unwrap(),
            name: "Next door".into(),
            key: "next-door".into(),
            secret: identity::new_secret(),
            origins: vec!["https://next.example".into()],
            native_clients: false,
            settings: self.site.settings.clone(),
        };
        self.store().put_site(site.clone()).await.unwrap();
        site
    }

    /// A signed-in operator of the shop, of the highest rank.
    pub async fn raw_operator(&self, via: Via, id: &str) -> Raw {
        let token = signed(&self.site, Role::Operator, id, 3600);
        Raw::connected(self, via, with_token(&token)).await
    }

    /// A bot of the shop that does not serve.
    pub async fn raw_bot(&self, via: Via) -> Raw {
        Raw::connected(self, via, with_token(&signed(&self.site, Role::Bot, "helper", 3600))).await
    }
}

/// A conversation that goes on in a session while others misbehave in it.
pub struct Beside {
    visitor: Raw,
    pub session: String,
    pub resume: String,
    said: Vec<String>,
}

impl Beside {
    pub async fn begin(shop: &Shop, via: Via) -> Self {
        let (mut visitor, identity) = Raw::visitor(shop, via).await;
        visitor.call("subscribe", json!({})).await.unwrap();
        let text = |key: &str| identity[key].as_str().unwrap().to_owned();
        Self { visitor, session: text("session"), resume: text("resume"), said: vec![] }
    }

    /// Parameters of `connect` for a further connection of the same visitor.
    pub fn tab(&self, site: &Site) -> Value {
        json!({ "protocol": 1, "site": site.key, "resume": self.resume })
    }

    /// The visitor says something more.
    pub async fn goes_on(&mut self) {
        let text = format!("beside {}", self.said.len());
        let params = json!({ "key": text, "text": text });
        self.visitor.call("send", params).await.unwrap();
        self.said.push(text);
    }

    /// Everything is in the log and was pushed: once, in order, without gap.
    pub async fn ends_unharmed(mut self, shop: &Shop) {
        self.goes_on().await;
        self.visitor.is_usable().await;
        while self.pushed().len() < self.said.len() {
            self.visitor.told("event").await;
        }
        assert_eq!(self.pushed(), self.said);
        let events = self.visitor.told.iter().filter(|(method, _)| method == "event");
        let mut last = 0;
        for (_, event) in events {
            assert_eq!(event["prev"], last, "{event}");
            last = event["offset"].as_u64().unwrap();
        }

        let mut operator = shop.raw_operator(self.visitor.via, "auditor").await;
        let (mut after, mut log) = (json!(0), vec![]);
        loop {
            let params = json!({ "session": self.session, "after": after, "limit": 500 });
            let page = operator.call("history", params).await.unwrap();
            log.extend(page["events"].as_array().unwrap().clone());
            match page.get("next") {
                Some(next) => after = next.clone(),
                None => break,
            }
        }
        let offsets: Vec<_> = log.iter().map(|event| event["offset"].as_u64().unwrap()).collect();
        assert_eq!(offsets, (1..=log.len() as u64).collect::<Vec<_>>());
        assert_eq!(texts_beside(log.iter()), self.said);
    }

    fn pushed(&self) -> Vec<String> {
        let events = self.visitor.told.iter().filter(|(method, _)| method == "event");
        texts_beside(events.map(|(_, event)| event))
    }
}

fn texts_beside<'a>(events: impl Iterator<Item = &'a Value>) -> Vec<String> {
    events
        .filter(|event| event["author"]["kind"] == "visitor")
        .filter_map(|event| event["body"]["text"].as_str())
        .filter(|text| text.starts_with("beside "))
        .map(str::to_owned)
        .collect()
}
