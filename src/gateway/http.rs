//! HTTP beside the sockets: health, a site's public face, history.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use vigie_protocol::HISTORY_PAGE_MAX;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::Offset;
use vigie_protocol::id::{SessionId, VisitorId};
use vigie_protocol::method::HistoryPage;

use crate::actors::node::Node;
use crate::core::view::Audience;
use crate::gateway::follow::{HISTORY_PAGE_DEFAULT, history_page};
use crate::gateway::route::unknown_session;
use crate::gateway::upgrade;
use crate::identity::{self, Verified, Who};

/// Adds the routes; `node` is their data.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(index))
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz))
        .route("/v1/sites/{key}", web::get().to(site))
        .route("/v1/sessions/{session}/events", web::get().to(events))
        .route(upgrade::PATH, web::get().to(no_handshake))
        .default_service(web::to(not_found));
}

async fn index() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(concat!(
        "Vigie ",
        env!("CARGO_PKG_VERSION"),
        "\n\nWebSocket clients connect to /ws (vigie.v1.msgpack or vigie.v1.json).\n",
        "GET /healthz, /readyz, /v1/sites/{public key}, /v1/sessions/{id}/events\n"
    ))
}

/// The process serves.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// The node takes new work; if not, why not.
async fn readyz(node: web::Data<Arc<Node>>) -> HttpResponse {
    let mut reasons = Vec::new();
    if node.draining() {
        reasons.push("the node is shutting down".to_owned());
    }
    if let Err(error) = node.log.health() {
        reasons.push(error.to_string());
    }
    let ready = reasons.is_empty();
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(json!({ "ready": ready, "reasons": reasons }))
}

/// What a widget may know of its site before it connects, from whichever page it is on.
async fn site(node: web::Data<Arc<Node>>, key: web::Path<String>) -> HttpResponse {
    let mut response = match node.site_by_key(&key).await {
        Ok(Some(handle)) => HttpResponse::Ok().json(json!({
            "site": handle.site.id,
            "name": handle.site.name,
            "language": handle.settings.language,
            "bot_name": handle.settings.bot_name,
        })),
        Ok(None) => problem(&RpcError::new(ErrorCode::UnknownSite, "no site has this public key")),
        Err(error) => problem(&error.into()),
    };
    let anyone = HeaderValue::from_static("*");
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anyone);
    response
}

/// A page of a session's past, as whoever bears the token sees it.
async fn events(
    node: web::Data<Arc<Node>>,
    session: web::Path<String>,
    request: HttpRequest,
) -> HttpResponse {
    match read_events(&node, &session, &request).await {
        Ok(page) => HttpResponse::Ok().json(page),
        Err(error) => problem(&error),
    }
}

async fn read_events(
    node: &Node,
    session: &str,
    request: &HttpRequest,
) -> Result<HistoryPage, RpcError> {
    let Verified { site, who, .. } = bearer(node, request).await?;
    let session: SessionId = session.parse().map_err(|e| invalid(format!("{e}")))?;
    let (after, limit) = page(request.query_string())?;
    let audience = match who {
        Who::Operator(_) => Audience::Operator,
        Who::Bot { .. } => Audience::Bot,
        Who::Visitor(visitor) => {
            must_own(node, visitor, session).await?;
            Audience::Visitor
        }
    };
    history_page(node, &site, session, after, limit, audience).await
}

/// Whose token the request bears.
async fn bearer(node: &Node, request: &HttpRequest) -> Result<Verified, RpcError> {
    let unauthorized = |problem| RpcError::new(ErrorCode::Unauthorized, problem);
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| unauthorized("send `Authorization: Bearer TOKEN`"))?;
    let site = node.site(&identity::peek_site(token)?).await?;
    let site =
        site.ok_or_else(|| unauthorized("the token is for a site that is not served here"))?;
    Ok(identity::verify(&site.site, token, node.now())?)
}

/// A visitor opens their own sessions only; whether another exists is not told.
async fn must_own(node: &Node, visitor: VisitorId, session: SessionId) -> Result<(), RpcError> {
    let record = node.log.session(session).await?;
    if record.is_some_and(|record| record.visitor == visitor) {
        Ok(())
    } else {
        Err(unknown_session())
    }
}

/// `after` and `limit` of a query.
fn page(query: &str) -> Result<(Offset, u32), RpcError> {
    let (mut after, mut limit) = (0, 0);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let number = || {
            let problem = format!("{name} is not a whole number: {value:?}");
            value.parse::<u64>().map_err(|_| invalid(problem))
        };
        match name {
            "after" => after = number()?,
            "limit" => limit = number()?,
            _ => {}
        }
    }
    match u32::try_from(limit) {
        Ok(0) => Ok((after, HISTORY_PAGE_DEFAULT)),
        Ok(limit @ ..=HISTORY_PAGE_MAX) => Ok((after, limit)),
        _ => Err(invalid(format!("limit must be at most {HISTORY_PAGE_MAX}"))),
    }
}

/// A request that came to the WebSocket's address without a handshake.
async fn no_handshake() -> HttpResponse {
    HttpResponse::BadRequest()
        .content_type("text/plain; charset=utf-8")
        .body(format!("{}\n", upgrade::NO_HANDSHAKE))
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("not found\n")
}

fn problem(error: &RpcError) -> HttpResponse {
    let status = match error.code {
        ErrorCode::InvalidParams => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized | ErrorCode::TokenExpired => StatusCode::UNAUTHORIZED,
        ErrorCode::UnknownSite | ErrorCode::UnknownSession => StatusCode::NOT_FOUND,
        _ if error.retry => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    HttpResponse::build(status).json(error)
}

fn invalid(problem: String) -> RpcError {
    RpcError::new(ErrorCode::InvalidParams, problem)
}
