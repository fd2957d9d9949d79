//! Who is connected, how they go, and what they are refused.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use vigie_protocol::error::{CloseCode, ErrorCode};

use super::By;

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody's yet.
    Stranger,
    /// A visitor's.
    Visitor,
    /// An operator's.
    Operator,
    /// A bot's.
    Bot,
}

/// How it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Plain TCP.
    Tcp,
    /// WebSocket.
    WebSocket,
}

/// Connections.
#[derive(Debug)]
pub struct Connections {
    open: By<(Who, Transport), Gauge>,
    opened: By<Transport, Counter>,
    closed: By<Option<CloseCode>, Counter>,
    turned_away: Counter,
    refusals: By<ErrorCode, Counter>,
}

impl Connections {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let all = Who::ALL.into_iter().flat_map(|who| Transport::ALL.map(|way| (who, way)));
        let open = By::register(
            registry,
            "connections",
            "Open connections; a stranger has not said yet who they are",
            all.map(|(who, transport)| {
                let labels = [("role", who.name()), ("transport", transport.name())];
                ((who, transport), labels)
            }),
        );
        let opened = By::register(
            registry,
            "connections_opened",
            "Connections that were taken in",
            Transport::ALL.map(|transport| (transport, [("transport", transport.name())])),
        );
        let codes = CloseCode::ALL.iter().map(|code| (Some(*code), code.reason()));
        let closed = By::register(
            registry,
            "connections_closed",
            "Connections that have ended, by why the server closed them; client: they left, or were \
             lost",
            codes.chain([(None, "client")]).map(|(code, name)| (code, [("code", name)])),
        );
        let turned_away = Counter::default();
        registry.register(
            "connections_turned_away",
            "Connections beyond gateway.connections_max",
            turned_away.clone(),
        );
        let codes = ErrorCode::ALL.iter().copied().chain([OTHER]);
        let refusals = By::register(
            registry,
            "refusals",
            "Requests that were refused, over sockets and HTTP, by the error's name",
            codes.map(|code| (code, [("code", code.name())])),
        );
        Self { open, opened, closed, turned_away, refusals }
    }

    /// A connection is taken in.
    pub fn open(&self, transport: Transport) {
        self.opened.count(&transport);
        self.open.enter(&(Who::Stranger, transport));
    }

    /// A stranger is somebody from now on.
    pub fn becomes(&self, who: Who, transport: Transport) {
        self.open.enter(&(who, transport));
        self.open.leave(&(Who::Stranger, transport));
    }

    /// A connection has ended.
    pub fn close(&self, who: Who, transport: Transport, code: Option<CloseCode>) {
        self.open.leave(&(who, transport));
        self.closed.count(&code);
    }

    /// There was no room for a connection.
    pub fn turn_away(&self) {
        self.turned_away.inc();
    }

    /// A request is refused.
    pub fn refuse(&self, code: ErrorCode) {
        let code = if matches!(code, ErrorCode::Other(_)) { OTHER } else { code };
        self.refusals.count(&code);
    }
}

/// All codes that have no name stand under this one.
const OTHER: ErrorCode = ErrorCode::Other(0);

impl Who {
    const ALL: [Self; 4] = [Self::Stranger, Self::Visitor, Self::Operator, Self::Bot];

    const fn name(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Visitor => "visitor",
            Self::Operator => "operator",
            Self::Bot => "bot",
        }
    }
}

impl Transport {
    const ALL: [Self; 2] = [Self::Tcp, Self::WebSocket];

    const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::WebSocket => "websocket",
        }
    }
}
