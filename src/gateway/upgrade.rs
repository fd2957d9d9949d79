//! The WebSocket handshake: from an HTTP request to a connection that owns its socket.
//!
//! The raw socket is taken over from the HTTP server, so what that would see to (limits, time
//! outs, who may connect) is seen to here.

use std::sync::Arc;

use actix_codec::Framed;
use actix_http::body::BodySize;
use actix_http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_http::{HttpMessage, Request, Response, StatusCode, h1, ws};
use actix_rt::net::TcpStream;
use bytes::Bytes;
use futures_util::SinkExt;
use vigie_protocol::rpc::Encoding;
use vigie_protocol::{SUBPROTOCOL_JSON, SUBPROTOCOL_MESSAGEPACK};

use crate::actors::node::Node;
use crate::gateway::connection::{Connection, Peer};
use crate::gateway::transport::Transport;
use crate::visitor::accept_language;
use crate::visitor::address::client_address;

/// Where WebSocket clients connect.
pub const PATH: &str = "/ws";

/// The longest header value that is looked at, in bytes.
const HEADER_BYTES_MAX: usize = 2 * 1024;

/// What is told to those who come there without a handshake.
pub const NO_HANDSHAKE: &str = "this is not a WebSocket handshake (RFC 6455)";

type Handshake = Framed<TcpStream, h1::Codec>;

/// Answers an upgrade request, and hands its socket over if it is a good one.
///
/// # Errors
/// The socket's.
pub async fn upgrade(
    node: Arc<Node>,
    request: Request,
    mut framed: Handshake,
) -> std::io::Result<()> {
    let accepted = accept(&node, &request);
    let (response, admission, encoding) = match accepted {
        Ok(accepted) => accepted,
        Err((status, problem)) => return refuse(framed, status, problem).await,
    };
    let peer = peer(&node, &request, &framed);
    framed.send(h1::Message::Item((response, BodySize::None))).await?;
    let parts = framed.into_parts();
    let transport = Transport::web_socket(encoding);
    let socket = Box::new(parts.io);
    Connection::open(node, admission, socket, transport, parts.read_buf, peer);
    Ok(())
}

type Accepted = (Response<()>, crate::actors::node::Admission, Encoding);

fn accept(node: &Arc<Node>, request: &Request) -> Result<Accepted, (StatusCode, &'static str)> {
    if request.path() != PATH {
        return Err((StatusCode::NOT_FOUND, "WebSocket clients connect to /ws"));
    }
    ws::verify_handshake(request.head()).map_err(|_| (StatusCode::BAD_REQUEST, NO_HANDSHAKE))?;
    let (encoding, subprotocol) = subprotocol(request.headers()).ok_or((
        StatusCode::BAD_REQUEST,
        "offer Sec-WebSocket-Protocol: vigie.v1.msgpack or vigie.v1.json",
    ))?;
    if node.draining() {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "this node is shutting down"));
    }
    let admission = node.admit().ok_or((
        StatusCode::SERVICE_UNAVAILABLE,
        "this node has as many connections as it takes",
    ))?;
    let mut response = ws::handshake_response(request.head()).finish().drop_body();
    let value = HeaderValue::from_static(subprotocol);
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, value);
    Ok((response, admission, encoding))
}

/// The first subprotocol of the client's that the server speaks.
fn subprotocol(headers: &HeaderMap) -> Option<(Encoding, &'static str)> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|offered| match offered.trim() {
            SUBPROTOCOL_MESSAGEPACK => Some((Encoding::MessagePack, SUBPROTOCOL_MESSAGEPACK)),
            SUBPROTOCOL_JSON => Some((Encoding::Json, SUBPROTOCOL_JSON)),
            _ => None,
        })
}

fn peer(node: &Node, request: &Request, framed: &Handshake) -> Peer {
    let headers = request.headers();
    let forwarded: Vec<&str> = headers
        .get_all(HeaderName::from_static("x-forwarded-for"))
        .filter_map(|value| value.to_str().ok())
        .collect();
    let peer = request.peer_addr().or_else(|| framed.io_ref().peer_addr().ok());
    let unknown = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    let peer = peer.map_or(unknown, |peer| peer.ip());
    Peer {
        address: client_address(peer, &forwarded, &node.config.gateway.trusted_proxies),
        origin: line(headers, &header::ORIGIN),
        user_agent: line(headers, &header::USER_AGENT),
        language: line(headers, &header::ACCEPT_LANGUAGE).as_deref().and_then(accept_language),
    }
}

fn line(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (value.len() <= HEADER_BYTES_MAX).then(|| value.to_owned())
}

async fn refuse(
    mut framed: Handshake,
    status: StatusCode,
    problem: &'static str,
) -> std::io::Result<()> {
    let body = Bytes::from(format!("{problem}\n"));
    let mut response = Response::new(status).drop_body();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response.head_mut().set_connection_type(actix_http::ConnectionType::Close);
    let size = BodySize::Sized(body.len() as u64);
    framed.feed(h1::Message::Item((response, size))).await?;
    framed.feed(h1::Message::Chunk(Some(body))).await?;
    // Closing does not write what was fed.
    framed.send(h1::Message::Chunk(None)).await?;
    framed.close().await
}
