//! Refusals as HTTP answers: a status, and the protocol's error as the body.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;
use vigie_protocol::error::{ErrorCode, RpcError};

use crate::accounts::AccountError;
use crate::metrics::metrics;

/// An invitation that cannot be accepted. Only HTTP has this code, and those below.
const UNKNOWN_INVITATION: ErrorCode = ErrorCode::Other(1060);

/// A login that is somebody else's.
const LOGIN_TAKEN: ErrorCode = ErrorCode::Other(1061);

/// Too many attempts have failed.
const TOO_MANY_ATTEMPTS: ErrorCode = ErrorCode::Other(1062);

/// Seconds after which a busy server is asked again.
const BUSY_SECONDS: u64 = 1;

/// A request that is refused.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    error: RpcError,
    retry_after: Option<u64>,
}

impl Problem {
    /// A refusal with this status.
    pub fn new(status: StatusCode, code: ErrorCode, problem: impl Into<String>) -> Self {
        Self { status, error: RpcError::new(code, problem), retry_after: None }
    }

    /// Parameters that cannot be taken.
    pub fn invalid(problem: impl Into<String>) -> Self {
        RpcError::new(ErrorCode::InvalidParams, problem).into()
    }
}

/// The status that follows from the code.
impl From<RpcError> for Problem {
    fn from(error: RpcError) -> Self {
        let status = match error.code {
            ErrorCode::ParseError | ErrorCode::InvalidParams => StatusCode::BAD_REQUEST,
            ErrorCode::Unauthorized | ErrorCode::TokenExpired => StatusCode::UNAUTHORIZED,
            ErrorCode::Forbidden | ErrorCode::OriginRefused => StatusCode::FORBIDDEN,
            ErrorCode::UnknownSite | ErrorCode::UnknownSession | UNKNOWN_INVITATION => {
                StatusCode::NOT_FOUND
            }
            LOGIN_TAKEN => StatusCode::CONFLICT,
            _ if error.retry => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(BUSY_SECONDS);
        Self { status, error, retry_after }
    }
}

impl From<AccountError> for Problem {
    fn from(refused: AccountError) -> Self {
        let message = refused.to_string();
        let code = match refused {
            AccountError::Throttled { retry_after_ms } => {
                let seconds = retry_after_ms.div_ceil(1000);
                let error = RpcError {
                    retry: true,
                    ..RpcError::new(TOO_MANY_ATTEMPTS, message)
                        .with_data(json!({ "retry_after": seconds }))
                };
                let status = StatusCode::TOO_MANY_REQUESTS;
                return Self { status, error, retry_after: Some(seconds) };
            }
            AccountError::Unfit { field, .. } => {
                let error = RpcError::new(ErrorCode::InvalidParams, message)
                    .with_data(json!({ "field": field }));
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                return Self { status, error, retry_after: None };
            }
            AccountError::Store(error) => return RpcError::from(error).into(),
            AccountError::NotSignedIn | AccountError::Wrong => ErrorCode::Unauthorized,
            AccountError::Forbidden(_) => ErrorCode::Forbidden,
            AccountError::UnknownInvitation => UNKNOWN_INVITATION,
            AccountError::LoginTaken => LOGIN_TAKEN,
            AccountError::Busy => ErrorCode::Busy,
            AccountError::Failed(_) => ErrorCode::Internal,
        };
        RpcError::new(code, message).into()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        metrics().connections.refuse(self.error.code);
        let mut response = HttpResponse::build(self.status).json(&self.error);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
