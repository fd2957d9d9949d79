//! HTTP beside the sockets.
//!
//! - `site`: a site's public face
//! - `history`: a session's past
//! - `desk`: sign-in, tokens, invitations
//! - `metrics`: what the engine measures of itself
//! - [`web`]: the built files of widget and desk, and the demo's pages
//! - `body`, `problem`: what is posted, and how it is refused

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{Data, ServiceConfig, get, to};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::actors::node::Node;
use crate::gateway::upgrade;
use web::Web;

pub use body::BODY_BYTES_MAX;

mod body;
mod desk;
mod history;
mod metrics;
mod problem;
mod site;
pub mod web;

/// Adds the routes; their data are the node, the accounts and the web files.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/", get().to(index))
        .route("/healthz", get().to(healthz))
        .route("/readyz", get().to(readyz))
        .route("/metrics", get().to(metrics::metrics))
        .route("/v1/sites/{key}", get().to(site::site))
        .route("/v1/sessions/{session}/events", get().to(history::events))
        .configure(desk::routes)
        .configure(web::routes)
        .route(upgrade::PATH, get().to(no_handshake))
        .default_service(to(not_found));
}

/// Where to go from here.
async fn index(request: HttpRequest, files: Data<Arc<Web>>) -> HttpResponse {
    let demo = files.has_demo();
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|kinds| kinds.contains("text/html")) {
        return page(demo);
    }
    let demo = if demo { "The demo shop is at /demo/.\n" } else { "" };
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(format!(
        "Vigie {}\n\n\
         The desk of operators is at /desk, the widget of pages is /widget.js.\n{demo}\
         WebSocket clients connect to /ws (vigie.v1.msgpack or vigie.v1.json).\n\
         GET /healthz, /readyz, /v1/sites/{{public key}}, /v1/sessions/{{id}}/events\n",
        env!("CARGO_PKG_VERSION"),
    ))
}

fn page(demo: bool) -> HttpResponse {
    let demo = if demo { "<li><a href=\"/demo/\">The demo shop</a>, with the widget" } else { "" };
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'"))
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .body(format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>Vigie</title>\
             <h1>Vigie</h1><ul><li><a href=\"/desk\">The desk</a>, where operators answer{demo}\
             </ul><p>A page gets the widget by \
             <code>&lt;script src=\"…/widget.js\" data-site=\"…\" async&gt;</code>."
        ))
}

/// The process serves.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// The node takes new work; if not, why not.
async fn readyz(node: Data<Arc<Node>>) -> HttpResponse {
    let mut reasons = Vec::new();
    if node.draining() {
        reasons.push("the node is shutting down".to_owned());
    }
    if let Err(error) = node.log.health() {
        reasons.push(error.to_string());
    }
    if node.degraded() && reasons.is_empty() {
        reasons.push("the node does not hear the others".to_owned());
    }
    let ready = reasons.is_empty();
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(json!({ "ready": ready, "reasons": reasons }))
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
