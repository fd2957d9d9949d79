//! The desk's API: sign-in, tokens for the socket, invitations. The rules are in `accounts`.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Resource, Route, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::Millis;
use vigie_protocol::id::SiteId;
use vigie_protocol::method::Rank;

use super::body::posted;
use super::problem::Problem;
use crate::accounts::{Acceptance, Accounts, SignedIn};
use crate::actors::node::Node;
use crate::visitor::address::client_address;

/// The cookie of a sign-in.
pub const COOKIE: &str = "vigie_desk";

type Answer = Result<HttpResponse, Problem>;

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(only("/v1/me", web::get().to(me)))
        .service(only("/v1/sign-in", web::post().to(sign_in)))
        .service(only("/v1/sign-out", web::post().to(sign_out)))
        .service(only("/v1/token", web::post().to(token)))
        .service(only("/v1/display-name", web::post().to(display_name)))
        .service(only("/v1/password", web::post().to(password)))
        .service(only("/v1/invitations", web::post().to(invite)))
        .service(only("/v1/invitations/accept", web::post().to(accept)))
        .service(only("/v1/invitations/{code}", web::get().to(invitation)));
}

fn only(path: &str, route: Route) -> Resource {
    web::resource(path).route(route).default_service(web::to(|| async {
        let problem = "this address is not asked in this way";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Err::<HttpResponse, _>(Problem::new(status, ErrorCode::MethodNotFound, problem))
    }))
}

/// A request of a desk, with what it is answered from.
struct Desk {
    request: HttpRequest,
    node: Arc<Node>,
    accounts: Arc<Accounts>,
}

async fn me(desk: Desk) -> Answer {
    let signed_in = desk.signed_in().await?;
    desk.answer_me(&signed_in).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    login: String,
    password: String,
}

async fn sign_in(desk: Desk, payload: web::Payload) -> Answer {
    let SignIn { login, password } = desk.posted(payload).await?;
    let (address, now) = (desk.address(), desk.node.now());
    let signed_in = desk.accounts.sign_in(&login, &password, address, now).await?;
    desk.welcome(&signed_in).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn sign_out(desk: Desk, payload: web::Payload) -> Answer {
    let Nothing {} = desk.posted(payload).await?;
    desk.accounts.sign_out(desk.secret().as_deref()).await?;
    let mut gone = desk.cookie("", 0);
    gone.make_removal();
    Ok(HttpResponse::NoContent().cookie(gone).finish())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    site: SiteId,
}

async fn token(desk: Desk, payload: web::Payload) -> Answer {
    let Token { site } = desk.posted(payload).await?;
    let signed_in = desk.signed_in().await?;
    let (token, expires) = desk.accounts.token(&signed_in, &site, desk.node.now()).await?;
    Ok(desk.answer(Some(&signed_in), &json!({ "token": token, "expires": expires })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisplayName {
    site: SiteId,
    display_name: String,
}

async fn display_name(desk: Desk, payload: web::Payload) -> Answer {
    let DisplayName { site, display_name } = desk.posted(payload).await?;
    let signed_in = desk.signed_in().await?;
    let name = desk.accounts.rename(&signed_in.account, &site, &display_name).await?;
    Ok(desk.answer(Some(&signed_in), &json!({ "display_name": name })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    password: String,
    new_password: String,
}

async fn password(desk: Desk, payload: web::Payload) -> Answer {
    let Password { password, new_password } = desk.posted(payload).await?;
    let signed_in = desk.signed_in().await?;
    let (address, now) = (desk.address(), desk.node.now());
    desk.accounts.change_password(&signed_in, &password, &new_password, address, now).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invite {
    site: SiteId,
    rank: Rank,
}

async fn invite(desk: Desk, payload: web::Payload) -> Answer {
    let Invite { site, rank } = desk.posted(payload).await?;
    let signed_in = desk.signed_in().await?;
    let now = desk.node.now();
    let (link, expires) = desk.accounts.invite(&signed_in.account, &site, rank, now).await?;
    Ok(desk.answer(Some(&signed_in), &json!({ "link": link, "expires": expires })))
}

async fn invitation(desk: Desk, code: web::Path<String>) -> Answer {
    let invited = desk.accounts.invited(&code, desk.node.now()).await?;
    let mut body = json!({
        "rank": invited.rank, "sites": invited.sites, "expires": invited.expires,
    });
    if let Some(login) = invited.login {
        body["login"] = json!(login);
    }
    Ok(desk.answer(None, &body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    invitation: String,
    login: String,
    password: String,
    display_name: Option<String>,
}

async fn accept(desk: Desk, payload: web::Payload) -> Answer {
    let Accept { invitation, login, password, display_name } = desk.posted(payload).await?;
    let acceptance =
        Acceptance { login: &login, password: &password, display_name: display_name.as_deref() };
    let signed_in = desk.accounts.accept(&invitation, acceptance, desk.node.now()).await?;
    desk.welcome(&signed_in).await
}

impl Desk {
    async fn posted<T: DeserializeOwned>(&self, payload: web::Payload) -> Result<T, Problem> {
        posted(&self.node.config, &self.request, payload).await
    }

    async fn signed_in(&self) -> Result<SignedIn, Problem> {
        Ok(self.accounts.signed_in(self.secret().as_deref(), self.node.now()).await?)
    }

    /// A browser is signed in once: what it was before ends.
    async fn welcome(&self, signed_in: &SignedIn) -> Answer {
        self.accounts.sign_out(self.secret().as_deref()).await?;
        self.answer_me(signed_in).await
    }

    /// Who somebody is and where they work.
    async fn answer_me(&self, signed_in: &SignedIn) -> Answer {
        let memberships = self.accounts.memberships(&signed_in.account).await?;
        let sites: Vec<_> = memberships
            .iter()
            .map(|membership| {
                json!({
                    "site": membership.site.id,
                    "key": membership.site.key,
                    "name": membership.site.name,
                    "rank": membership.rank,
                    "display_name": membership.display_name,
                    "language": membership.site.settings.language,
                })
            })
            .collect();
        let account = json!({ "id": signed_in.account.id, "login": signed_in.account.login });
        let body = json!({ "account": account, "expires": signed_in.expires, "sites": sites });
        Ok(self.answer(Some(signed_in), &body))
    }

    /// An answer that is nobody else's; the cookie goes with it where it is new or was put off.
    fn answer(&self, signed_in: Option<&SignedIn>, body: &Value) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(signed_in) = signed_in.filter(|signed_in| signed_in.changed) {
            let left = signed_in.expires.saturating_sub(self.node.now());
            response.cookie(self.cookie(signed_in.secret.expose(), left));
        }
        response.json(body)
    }

    fn cookie(&self, secret: &str, life: Millis) -> Cookie<'static> {
        let secure =
            self.node.config.http.public_url.as_ref().is_some_and(|url| url.starts_with("https:"));
        let seconds = i64::try_from(life.div_ceil(1000)).unwrap_or(i64::MAX);
        Cookie::build(COOKIE, secret.to_owned())
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(secure)
            .max_age(Duration::seconds(seconds))
            .finish()
    }

    fn secret(&self) -> Option<String> {
        self.request.cookie(COOKIE).map(|cookie| cookie.value().to_owned())
    }

    fn address(&self) -> IpAddr {
        let forwarded: Vec<_> = self
            .request
            .headers()
            .get_all(HeaderName::from_static("x-forwarded-for"))
            .filter_map(|value| value.to_str().ok())
            .collect();
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let peer = self.request.peer_addr().map_or(unknown, |peer| peer.ip());
        client_address(peer, &forwarded, &self.node.config.gateway.trusted_proxies)
    }
}

impl FromRequest for Desk {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let node = request.app_data::<web::Data<Arc<Node>>>();
        let accounts = request.app_data::<web::Data<Arc<Accounts>>>();
        ready(match (node, accounts) {
            (Some(node), Some(accounts)) => Ok(Self {
                request: request.clone(),
                node: Arc::clone(node),
                accounts: Arc::clone(accounts),
            }),
            _ => Err(actix_web::error::ErrorInternalServerError("the desk is not served here")),
        })
    }
}
