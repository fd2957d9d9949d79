//! Who somebody is: signed tokens, made by a site's own systems, by `vigie token`, or by the
//! engine for returning visitors.
//!
//! A token is a JWT, signed with the site's secret by HS256 and by nothing else. The server
//! believes what is in it and nothing that a client says of itself.

use std::sync::LazyLock;

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::Millis;
use vigie_protocol::id::{OperatorId, SiteId, VisitorId};
use vigie_protocol::method::Rank;

use crate::core::decide::Operator;
use crate::core::site::Site;

/// The longest token in bytes: room for claims that are not ours.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;

/// The longest display name in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// How long a visitor who stays away may come back as the same, in seconds: a year.
const RESUME_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Only HS256; a token without `exp` is refused. Expiry itself is judged by [`verify`], on the
/// caller's clock and without leeway; `nbf`, if there is one, on the machine's with a minute of it.
static VALIDATION: LazyLock<Validation> = LazyLock::new(|| {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_nbf = true;
    validation.validate_aud = false;
    validation
});

/// What a token says. Claims beside these are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The site that it is for.
    pub site: SiteId,
    /// What its bearer is.
    pub role: Role,
    /// The bearer's id; for a visitor a UUID.
    pub sub: String,
    /// The display name of an operator or bot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What an operator may do; `agent` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<Rank>,
    /// When it expires: seconds since 1970-01-01T00:00:00Z.
    #[serde(deserialize_with = "numeric_date")]
    pub exp: u64,
    /// When it was made, likewise.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "optional_numeric_date"
    )]
    pub iat: Option<u64>,
}

/// What the bearer of a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A human who answers.
    Operator,
    /// An AI that answers.
    Bot,
    /// A person on the site.
    Visitor,
}

/// Somebody whose token was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The site that they belong to.
    pub site: SiteId,
    /// Who they are.
    pub who: Who,
    /// When the token expires.
    pub expires: Millis,
}

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// An operator.
    Operator(Operator),
    /// A bot.
    Bot {
        /// Its id.
        id: String,
        /// Its display name.
        name: String,
    },
    /// A visitor who was here before.
    Visitor(VisitorId),
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It was good once.
    #[error("the token has expired; get a new one and connect again")]
    Expired,
    /// It is not good here.
    #[error("the token is not valid here: {0}")]
    Invalid(&'static str),
}

/// Signs a token.
pub fn issue(site: &Site, claims: &Claims) -> String {
    let key = EncodingKey::from_secret(site.secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key)
        .expect("HMAC takes any key and signs any claims")
}

/// The site that a token claims to be for: only good to find the secret that [`verify`] needs.
///
/// # Errors
/// [`IdentityError::Invalid`] if it is no token, or names no site.
pub fn peek_site(token: &str) -> Result<SiteId, IdentityError> {
    #[derive(Deserialize)]
    struct Peek {
        site: SiteId,
    }

    within_bounds(token)?;
    insecure_decode_claims::<Peek>(token)
        .map(|peek| peek.site)
        .map_err(|_| IdentityError::Invalid("it is no JWT with a claim \"site\""))
}

/// Who the bearer of a token is.
///
/// # Errors
/// [`IdentityError`] unless the token was signed with the site's secret, is for this site, has all
/// claims that its role needs and expires after `now`.
pub fn verify(site: &Site, token: &str, now: Millis) -> Result<Verified, IdentityError> {
    within_bounds(token)?;
    let key = DecodingKey::from_secret(site.secret.as_bytes());
    let token = jsonwebtoken::decode::<Claims>(token, &key, &VALIDATION).map_err(invalid)?;
    if token.header.crit.is_some() {
        return Err(IdentityError::Invalid("its header demands extensions"));
    }
    let verified = token.claims.check()?;
    if verified.site != site.id {
        return Err(IdentityError::Invalid("it is for another site"));
    }
    if verified.expires <= now {
        return Err(IdentityError::Expired);
    }
    Ok(verified)
}

/// A token that lets a visitor come back as the same: private to them.
pub fn resume_token(site: &Site, visitor: VisitorId, now: Millis) -> String {
    let now = now / 1000;
    issue(
        site,
        &Claims {
            site: site.id.clone(),
            role: Role::Visitor,
            sub: visitor.to_string(),
            name: None,
            rank: None,
            exp: now + RESUME_SECONDS,
            iat: Some(now),
        },
    )
}

/// A new secret for a site, from the system's random numbers (244 bits of them).
pub fn new_secret() -> String {
    format!("sk_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// A new public key for a site.
pub fn new_key() -> String {
    format!("pk_{}", Uuid::new_v4().simple())
}

impl Claims {
    /// Who they speak of, if they are sound; whether they are signed and current is for
    /// [`verify`] to say.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] with the claim that is not sound.
    pub fn check(self) -> Result<Verified, IdentityError> {
        let who = match self.role {
            Role::Visitor => {
                let visitor = self
                    .sub
                    .parse()
                    .map_err(|_| IdentityError::Invalid("a visitor's \"sub\" must be a UUID"))?;
                Who::Visitor(visitor)
            }
            Role::Operator => {
                let (id, name) = (operator_id(&self.sub)?, display_name(self.name)?);
                Who::Operator(Operator { id, name, rank: self.rank.unwrap_or_default() })
            }
            Role::Bot => {
                operator_id(&self.sub)?;
                Who::Bot { id: self.sub, name: display_name(self.name)? }
            }
        };
        Ok(Verified { site: self.site, who, expires: self.exp.saturating_mul(1000) })
    }
}

impl From<IdentityError> for RpcError {
    fn from(error: IdentityError) -> Self {
        let code = match error {
            IdentityError::Expired => ErrorCode::TokenExpired,
            IdentityError::Invalid(_) => ErrorCode::Unauthorized,
        };
        Self::new(code, error.to_string())
    }
}

const fn within_bounds(token: &str) -> Result<(), IdentityError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(IdentityError::Invalid("it is longer than 4096 bytes"));
    }
    Ok(())
}

fn operator_id(sub: &str) -> Result<OperatorId, IdentityError> {
    sub.parse().map_err(|_| {
        IdentityError::Invalid("\"sub\" must be 1 to 64 bytes without control characters")
    })
}

/// Whether a text can be a display name.
pub fn is_display_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.chars().count())
        && !name.chars().any(char::is_control)
        && !name.trim().is_empty()
}

fn display_name(name: Option<String>) -> Result<String, IdentityError> {
    name.filter(|name| is_display_name(name)).ok_or(IdentityError::Invalid(
        "\"name\" must be 1 to 64 characters without control characters",
    ))
}

fn invalid(error: jsonwebtoken::errors::Error) -> IdentityError {
    use jsonwebtoken::errors::ErrorKind;
    IdentityError::Invalid(match error.kind() {
        ErrorKind::InvalidSignature => "it is not signed with this site's secret",
        ErrorKind::InvalidAlgorithm => "it is not signed by HS256",
        ErrorKind::MissingRequiredClaim(_) => "it has no claim \"exp\"",
        ErrorKind::ImmatureSignature => "its time (\"nbf\") has not come yet",
        _ => "it is no JWT with the claims site, role, sub and exp",
    })
}

/// RFC 7519 allows fractions of a second; they are cut off.
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    // The cast saturates: what is before 1970 has expired, what is beyond u64 never does.
    f64::deserialize(deserializer).map(|seconds| seconds as u64)
}

fn optional_numeric_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.map(|seconds| seconds as u64))
}

#[cfg(test)]
mod tests;
