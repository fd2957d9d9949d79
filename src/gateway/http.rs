//! HTTP beside the sockets: health, a site's public face, history.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use vigie_protocol::HISTORY_PAGE_MAX;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::Offset;
use vigie_protocol::id::SessionId;

use crate::actors::node::Node;
use crate::core::view::Audience;
use crate::gateway::connect::store_error;
use crate::gateway::follow::history_page;
use crate::identity::{self, Who};

/// Adds the routes; `node` is their data.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(index))
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz))
        .route("/v1/sites/{key}", web::get().to(site))
        .route("/v1/sessions/{session}/events", web::get().to(events))
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
    let mut problems = Vec::new();
    if node.draining() {
        problems.push("the node is shutting down".to_owned());
    }
    if let Err(error) = node.log.health() {
        problems.push(error.to_string());
    }
    if problems.is_empty() {
        HttpResponse::Ok().json(json!({ "ready": true }))
    } else {
        HttpResponse::ServiceUnavailable().json(json!({ "ready": false, "problems": problems }))
    }
}

/// What a widget may know of its site before it connects.
async fn site(node: web::Data<Arc<Node>>, key: web::Path<String>) -> HttpResponse {
    match node.site_by_key(&key).await {
        Ok(Some(handle)) => HttpResponse::Ok().json(json!({
            "site": handle.site.id,
            "name": handle.site.name,
            "language": handle.settings.language,
            "bot_name": handle.settings.bot_name,
        })),
        Ok(None) => problem(&RpcError::new(ErrorCode::UnknownSite, "no site has this public key")),
        Err(error) => problem(&store_error(error)),
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    after: Offset,
    #[serde(default)]
    limit: u32,
}

/// A page of a session's past, for operators and bots of its site.
async fn events(
    node: web::Data<Arc<Node>>,
    session: web::Path<String>,
    page: Result<web::Query<Page>, actix_web::Error>,
    request: HttpRequest,
) -> HttpResponse {
    match read_events(&node, &session, page, &request).await {
        Ok(page) => HttpResponse::Ok().json(page),
        Err(error) => problem(&error),
    }
}

async fn read_events(
    node: &Node,
    session: &str,
    page: Result<web::Query<Page>, actix_web::Error>,
    request: &HttpRequest,
) -> Result<vigie_protocol::method::HistoryPage, RpcError> {
    let invalid = |problem: String| RpcError::new(ErrorCode::InvalidParams, problem);
    let page = page.map_err(|error| invalid(error.to_string()))?.into_inner();
    let session: SessionId = session.parse().map_err(|e| invalid(format!("{e}")))?;
    let limit = match page.limit {
        0 => 100,
        limit if limit <= HISTORY_PAGE_MAX => limit,
        _ => return Err(invalid(format!("limit must be at most {HISTORY_PAGE_MAX}"))),
    };
    let unauthorized = |problem: String| RpcError::new(ErrorCode::Unauthorized, problem);
    let token = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| unauthorized("send `Authorization: Bearer TOKEN`".to_owned()))?;
    let site = identity::peek_site(token).map_err(|e| unauthorized(e.to_string()))?;
    let site = node.site(&site).await.map_err(store_error)?;
    let site = site.ok_or_else(|| unauthorized("the token is for an unknown site".to_owned()))?;
    let verified =
        identity::verify(&site.site, token, node.now()).map_err(|e| unauthorized(e.to_string()))?;
    let audience = match verified.who {
        Who::Operator(_) => Audience::Operator,
        Who::Bot { .. } => Audience::Bot,
        Who::Visitor(_) => {
            let problem = "visitors read their history over the socket";
            return Err(RpcError::new(ErrorCode::Forbidden, problem));
        }
    };
    history_page(node, &site.site.id, session, page.after, limit, audience).await
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("not found\n")
}

fn problem(error: &RpcError) -> HttpResponse {
    let status = match error.code {
        ErrorCode::InvalidParams => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized | ErrorCode::TokenExpired => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::UnknownSite | ErrorCode::UnknownSession => StatusCode::NOT_FOUND,
        ErrorCode::Busy | ErrorCode::LogUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    HttpResponse::build(status).json(json!({ "error": error }))
}
