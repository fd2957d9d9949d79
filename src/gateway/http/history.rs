//! A session's past over HTTP: the same pages as over a socket.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use vigie_protocol::HISTORY_PAGE_MAX;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::Offset;
use vigie_protocol::id::{SessionId, VisitorId};
use vigie_protocol::method::HistoryPage;

use super::problem::Problem;
use crate::actors::node::Node;
use crate::core::view::Audience;
use crate::gateway::follow::{HISTORY_PAGE_DEFAULT, history_page};
use crate::gateway::route::unknown_session;
use crate::identity::{self, Verified, Who};

/// A page of a session's past, as whoever bears the token sees it.
pub async fn events(
    node: web::Data<Arc<Node>>,
    session: web::Path<String>,
    request: HttpRequest,
) -> HttpResponse {
    match read_events(&node, &session, &request).await {
        Ok(page) => HttpResponse::Ok().json(page),
        Err(error) => Problem::from(error).error_response(),
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

fn invalid(problem: String) -> RpcError {
    RpcError::new(ErrorCode::InvalidParams, problem)
}
