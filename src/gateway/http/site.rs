//! A site's public face: what a widget may know before it connects, from whichever page it is on.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError, web};
use serde_json::json;
use vigie_protocol::error::{ErrorCode, RpcError};

use super::problem::Problem;
use crate::actors::node::{Node, SiteHandle};

pub async fn site(node: web::Data<Arc<Node>>, key: web::Path<String>) -> HttpResponse {
    let mut response = match found(&node, &key).await {
        Ok(handle) => HttpResponse::Ok().json(json!({
            "site": handle.site.id,
            "name": handle.site.name,
            "language": handle.settings.language,
            "bot_name": handle.settings.bot_name,
            "widget": handle.settings.widget,
        })),
        Err(error) => Problem::from(error).error_response(),
    };
    let anyone = HeaderValue::from_static("*");
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anyone);
    response
}

async fn found(node: &Node, key: &str) -> Result<Arc<SiteHandle>, RpcError> {
    let unknown = || RpcError::new(ErrorCode::UnknownSite, "no site has this public key");
    node.site_by_key(key).await?.ok_or_else(unknown)
}
