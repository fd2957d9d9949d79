//! The files that browsers load: the widget, the desk, and with the demo its shop.
//!
//! The built files are within the program, so that it needs nothing beside it. Each is compressed
//! once, when it is first asked for, and not for each request as a middleware would; and what is not
//! a file (answers that hold tokens) is never compressed.

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::guard::Guard;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    self, AcceptEncoding, ETag, Encoding, EntityTag, Header, IfNoneMatch,
};
use actix_web::web::{Data, ServiceConfig, block, resource};
use actix_web::{HttpRequest, HttpResponse, Resource, ResponseError, guard};
use bytes::Bytes;
use quick_cache::sync::Cache;

use crate::config::Config;
use file::{File, Files, Hash, Kind, gzip, kind, safe};

mod file;

/// How many files are kept compressed.
const COMPRESSED_MAX: usize = 256;

/// How long the widget may be kept by those who load it, so that a new version soon reaches them.
const WIDGET_CACHE: &str = "public, max-age=60, must-revalidate";

/// A name that changes with what is in it.
const HASHED_CACHE: &str = "public, max-age=31536000, immutable";

/// Asked for again each time, and answered with 304 if it is the same.
const PAGE_CACHE: &str = "no-cache";

const DESK_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self' data: blob:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const DEMO_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self' data: blob:; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The files, and what of them is compressed.
pub struct Web {
    widget: Files,
    desk: Files,
    demo: Option<Files>,
    compressed: Cache<Hash, Bytes>,
}

/// What is said beside a file.
#[derive(Clone, Copy)]
struct Manner {
    cache: &'static str,
    policy: Option<&'static str>,
    /// Whether pages of other origins may use it.
    shared: bool,
}

/// What there is at an address.
enum Found {
    File { file: File, kind: Kind, manner: Manner },
    NotBuilt(&'static str),
    Nothing,
}

impl Web {
    /// The files of widget and desk, and those of the demo in this directory.
    pub fn new(config: &Config, demo: Option<PathBuf>) -> Self {
        let (widget, desk) = match &config.http.web_dir {
            Some(dir) => {
                (Files::Directory(dir.join("widget/dist")), Files::Directory(dir.join("desk/dist")))
            }
            None => (Files::widget(), Files::desk()),
        };
        let demo = demo.map(|dir| Files::Directory(dir.join("shop")));
        Self { widget, desk, demo, compressed: Cache::new(COMPRESSED_MAX) }
    }

    /// Whether the demo is served.
    pub fn has_demo(&self) -> bool {
        self.demo.is_some()
    }

    fn widget(&self, path: &str) -> Found {
        let manner = Manner { cache: WIDGET_CACHE, policy: None, shared: true };
        match self.widget.read(path) {
            Some(file) => Found::File { file, kind: kind(path), manner },
            None => Found::NotBuilt("The widget"),
        }
    }

    fn desk(&self, path: &str) -> Found {
        let manner = Manner { cache: PAGE_CACHE, policy: Some(DESK_POLICY), shared: false };
        let (path, hashed) = (path.trim_end_matches('/'), path.starts_with("assets/"));
        if !path.is_empty() && safe(path).is_none() {
            return Found::Nothing;
        }
        if let Some(file) = safe(path).and_then(|path| self.desk.read(path)) {
            let cache = if hashed { HASHED_CACHE } else { PAGE_CACHE };
            return Found::File { file, kind: kind(path), manner: Manner { cache, ..manner } };
        }
        match self.desk.read("index.html") {
            None => Found::NotBuilt("The desk"),
            // A page from before an update asks for what is gone: a page in its place would be
            // taken for a script.
            Some(_) if hashed => Found::Nothing,
            Some(file) => Found::File { file, kind: kind("index.html"), manner },
        }
    }

    fn demo(&self, path: &str) -> Found {
        let index = path.is_empty() || path.ends_with('/');
        let path = if index { format!("{path}index.html") } else { path.to_owned() };
        let file = safe(&path).and_then(|path| self.demo.as_ref()?.read(path));
        let manner = Manner { cache: PAGE_CACHE, policy: Some(DEMO_POLICY), shared: false };
        file.map_or(Found::Nothing, |file| Found::File { file, kind: kind(&path), manner })
    }

    /// The file compressed, where that makes it smaller.
    fn compressed(&self, file: &File) -> Option<Bytes> {
        let bytes = self.compressed.get(&file.hash).unwrap_or_else(|| {
            let bytes = gzip(&file.bytes);
            self.compressed.insert(file.hash, bytes.clone());
            bytes
        });
        (bytes.len() < file.bytes.len()).then_some(bytes)
    }
}

/// Adds the routes; their data are the files.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(file_at("/widget.js", |web, _| web.widget("widget.js")))
        .service(file_at("/desk", Web::desk))
        .service(file_at("/desk/{path:.*}", Web::desk))
        .service(resource("/demo").guard(read()).to(demo_page))
        .service(file_at("/demo/{path:.*}", Web::demo));
}

fn file_at(path: &str, find: fn(&Web, &str) -> Found) -> Resource {
    resource(path).guard(read()).to(move |request: HttpRequest, web: Data<Arc<Web>>| async move {
        let path = request.match_info().query("path").to_owned();
        let packed = takes_gzip(&request);
        // Files may be on a disk, and packing one takes a while: where waiting harms nobody.
        let found = block(move || {
            let found = find(&web, &path);
            let packed = match &found {
                Found::File { file, kind, .. } if packed && kind.compresses => web.compressed(file),
                _ => None,
            };
            (found, packed)
        });
        match found.await {
            Ok((Found::File { file, kind, manner }, packed)) => {
                show(&request, file, packed, kind, manner)
            }
            Ok((Found::NotBuilt(what), _)) => not_built(what),
            Ok((Found::Nothing, _)) => not_found(),
            Err(error) => error.error_response(),
        }
    })
}

/// Links of the demo's page are relative to its directory.
async fn demo_page(web: Data<Arc<Web>>) -> HttpResponse {
    if web.has_demo() {
        HttpResponse::Found().insert_header((header::LOCATION, "/demo/")).finish()
    } else {
        not_found()
    }
}

fn read() -> impl Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

fn show(
    request: &HttpRequest,
    file: File,
    packed: Option<Bytes>,
    kind: Kind,
    manner: Manner,
) -> HttpResponse {
    let tag = file.tag(packed.is_some());
    let unchanged = is_known(request, &tag);
    let mut response =
        HttpResponse::build(if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response
        .insert_header(ETag(tag))
        .insert_header((header::CACHE_CONTROL, manner.cache))
        .insert_header((header::REFERRER_POLICY, "same-origin"));
    if kind.compresses {
        response.insert_header((header::VARY, "Accept-Encoding"));
    }
    if let Some(policy) = manner.policy {
        response.insert_header((header::CONTENT_SECURITY_POLICY, policy));
    }
    if manner.shared {
        response
            .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
            .insert_header(("cross-origin-resource-policy", "cross-origin"));
    }
    if unchanged {
        return response.finish();
    }
    response.content_type(kind.name);
    match packed {
        Some(bytes) => {
            response.insert_header((header::CONTENT_ENCODING, "gzip"));
            response.body(bytes)
        }
        None => response.body(file.bytes),
    }
}

fn takes_gzip(request: &HttpRequest) -> bool {
    AcceptEncoding::parse(request).is_ok_and(|accepted| {
        let offered = [Encoding::gzip(), Encoding::identity()];
        accepted.negotiate(offered.iter()) == Some(Encoding::gzip())
    })
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

fn not_built(what: &str) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(format!(
            "{what} has not been built: run `make web`, then start (with a release build: build) \
             vigie again.\n"
        ))
}

fn not_found() -> HttpResponse {
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("not found\n")
}
