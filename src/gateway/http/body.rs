//! What a page posts: JSON within bounds, from the engine's own pages only.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vigie_protocol::error::ErrorCode;

use super::problem::Problem;
use crate::config::Config;

/// The longest body in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// The parameters that a page of the engine's own has posted.
///
/// # Errors
/// What is wrong with the request: its origin first, so that other sites learn nothing more.
pub async fn posted<T: DeserializeOwned>(
    config: &Config,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<T, Problem> {
    check_origin(request, config.http.public_url.as_deref())?;
    check_content_type(request)?;
    let read = actix_web::rt::time::timeout(config.gateway.handshake_timeout, read(payload));
    let body = read.await.map_err(|_| {
        let problem = "the request did not arrive in time";
        Problem::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::InvalidRequest, problem)
    })??;
    let body: Value = serde_json::from_slice(&body).map_err(|error| {
        let problem = format!("the body is not JSON: {error}");
        Problem::new(StatusCode::BAD_REQUEST, ErrorCode::ParseError, problem)
    })?;
    serde_json::from_value(body).map_err(|error| Problem::invalid(error.to_string()))
}

/// Browsers say from which origin a page posts, and pages cannot lie about it. The engine's own is
/// the host that the request is for, or the address that it is known by.
fn check_origin(request: &HttpRequest, public_url: Option<&str>) -> Result<(), Problem> {
    let line = |name: &HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
    let own = line(&header::ORIGIN).is_some_and(|origin| {
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let is_host = match (host, line(&header::HOST)) {
            (Some(host), Some(asked)) => host.eq_ignore_ascii_case(asked),
            _ => false,
        };
        is_host || public_url.is_some_and(|url| origin.eq_ignore_ascii_case(url))
    });
    if own {
        return Ok(());
    }
    let problem = "only pages of this engine's own origin may do that; behind a proxy, pass the \
                   Host header on or set http.public_url";
    Err(Problem::new(StatusCode::FORBIDDEN, ErrorCode::OriginRefused, problem))
}

fn check_content_type(request: &HttpRequest) -> Result<(), Problem> {
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if is_json {
        return Ok(());
    }
    let problem = "send JSON, as Content-Type: application/json";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::InvalidRequest, problem))
}

async fn read(mut payload: web::Payload) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            let problem = format!("the body did not arrive: {error}");
            Problem::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidRequest, problem)
        })?;
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            let problem = format!("the body is longer than {BODY_BYTES_MAX} bytes");
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Problem::new(status, ErrorCode::InvalidRequest, problem));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
