//! What the engine measures of itself, for those who may know: nothing in it is personal, but it
//! tells strangers how busy a site is.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use ipnet::IpNet;

use super::not_found;
use crate::actors::node::Node;
use crate::metrics::{self, Others, Standing};

/// What proxies add, one or the other. A request with any of them is somebody's who is behind one,
/// and who that is nobody can be sure of.
const FROM_PROXIES: [&str; 6] =
    ["x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-host", "x-forwarded-proto"];

/// For Prometheus; for others there is no such page.
pub async fn metrics(node: web::Data<Arc<Node>>, request: HttpRequest) -> HttpResponse {
    let peer = request.peer_addr().map(|peer| peer.ip());
    if !may_read(peer, request.headers(), &node.config.metrics.allow) {
        return not_found().await;
    }
    let standing = standing(&node);
    match web::block(move || metrics::metrics().write(&standing)).await {
        Ok(Ok(text)) => HttpResponse::Ok()
            .content_type(metrics::CONTENT_TYPE)
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(text),
        Ok(Err(_)) | Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

fn may_read(peer: Option<IpAddr>, headers: &HeaderMap, allow: &[IpNet]) -> bool {
    let allowed = |peer: IpAddr| allow.iter().any(|network| network.contains(&peer));
    let direct = !FROM_PROXIES.iter().any(|name| headers.contains_key(*name));
    direct && peer.is_some_and(|peer| allowed(peer.to_canonical()))
}

fn standing(node: &Node) -> Standing {
    let log_up = node.log.health().is_ok();
    Standing {
        sessions: node.sessions.len(),
        log_up,
        others: node.cluster.as_ref().map(|cluster| Others {
            nodes: cluster.others().len() + 1,
            generation: cluster.generation(),
            redis_up: log_up && cluster.bus().health().is_ok(),
            degraded: node.degraded(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn check(peer: &str, header: Option<(&'static str, &'static str)>) -> bool {
        let allow = ["127.0.0.0/8", "::1/128", "10.1.0.0/16"].map(|net| net.parse().unwrap());
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        may_read(Some(peer.parse().unwrap()), &headers, &allow)
    }

    #[test]
    fn whoever_asks_from_an_allowed_network_is_answered() {
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.1.2.3"] {
            assert!(check(peer, None), "{peer}");
        }
        for peer in ["10.2.0.1", "192.0.2.1", "::2", "::ffff:192.0.2.1", "fe80::1", "0.0.0.0"] {
            assert!(!check(peer, None), "{peer}");
        }
        assert!(!may_read(None, &HeaderMap::new(), &["0.0.0.0/0".parse().unwrap()]));
    }

    #[test]
    fn whoever_comes_by_a_proxy_is_not_whatever_it_says() {
        for header in [
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-for", ""),
            ("forwarded", "for=127.0.0.1"),
            ("via", "1.1 proxy"),
            ("x-real-ip", "127.0.0.1"),
            ("x-forwarded-host", "chat.example"),
            ("x-forwarded-proto", "https"),
        ] {
            assert!(!check("127.0.0.1", Some(header)), "{header:?}");
        }
        assert!(check("127.0.0.1", Some(("accept", "text/plain"))));
    }
}
