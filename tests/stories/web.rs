//! The files that browsers load (WB): the widget and the desk, from a directory of built files.

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::raw::{get, http_request};
use crate::support::{Shop, within};

const DESK_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self' data: blob:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An answer, bytes and all.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn ask(shop: &Shop, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = [&[("Connection", "close")], headers].concat();
    let mut socket = TcpStream::connect(shop.http()).await.unwrap();
    socket.write_all(http_request(method, path, &headers).as_bytes()).await.unwrap();
    let mut bytes = vec![];
    within("the answer", socket.read_to_end(&mut bytes)).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let body = bytes.split_off(end);
    let head = String::from_utf8(bytes).unwrap();
    Answer { status: head[9..12].parse().unwrap(), head, body }
}

/// Built files as the build of the clients leaves them.
fn built(dir: &Path) -> (String, String) {
    let script = "console.log('the widget, with much that repeats');\n".repeat(200);
    let page = "<!doctype html><title>The desk</title>";
    for (name, text) in [
        ("widget/dist/widget.js", script.as_str()),
        ("desk/dist/index.html", page),
        ("desk/dist/assets/index-a1b2.js", &script),
        ("desk/dist/assets/index-a1b2.css", "p { margin: 0 }"),
        ("desk/dist/favicon.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("desk/dist/.env", "SECRET=1"),
        ("desk/secret.txt", "above the built files"),
    ] {
        let file = dir.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    (script, page.to_owned())
}

async fn open(dir: &Path) -> Shop {
    Shop::open_with(&[("HTTP__WEB_DIR", dir.to_str().unwrap())]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_widget_is_served_to_the_pages_of_any_site() {
    let dir = tempfile::tempdir().unwrap();
    let (script, _) = built(dir.path());
    let shop = open(dir.path()).await;
    let widget = ask(&shop, "GET", "/widget.js", &[]).await;
    assert_eq!((widget.status, widget.text()), (200, script.as_str()));
    for (name, value) in [
        ("content-type", "text/javascript; charset=utf-8"),
        ("cache-control", "public, max-age=60, must-revalidate"),
        ("access-control-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("vary", "Accept-Encoding"),
    ] {
        assert_eq!(widget.header(name), Some(value), "{}", widget.head);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_desk_is_served_with_a_strict_policy_and_its_hashed_files_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let (script, page) = built(dir.path());
    let shop = open(dir.path()).await;
    const FOR_GOOD: &str = "public, max-age=31536000, immutable";
    for (path, kind, cache, text) in [
        ("/desk", "text/html; charset=utf-8", "no-cache", page.as_str()),
        ("/desk/", "text/html; charset=utf-8", "no-cache", &page),
        ("/desk/index.html", "text/html; charset=utf-8", "no-cache", &page),
        ("/desk?from=mail", "text/html; charset=utf-8", "no-cache", &page),
        ("/desk/demo/conversations/5", "text/html; charset=utf-8", "no-cache", &page),
        ("/desk/demo/", "text/html; charset=utf-8", "no-cache", &page),
        (
            "/desk/favicon.svg",
            "image/svg+xml",
            "no-cache",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        ),
        ("/desk/assets/index-a1b2.js", "text/javascript; charset=utf-8", FOR_GOOD, &script),
        ("/desk/assets/index-a1b2.css", "text/css; charset=utf-8", FOR_GOOD, "p { margin: 0 }"),
    ] {
        let answer = ask(&shop, "GET", path, &[]).await;
        assert_eq!((answer.status, answer.text()), (200, text), "{path}");
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
        assert_eq!(answer.header("cache-control"), Some(cache), "{path}");
        assert_eq!(answer.header("content-security-policy"), Some(DESK_POLICY), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hashed_file_that_is_gone_is_not_found_rather_than_a_page() {
    let dir = tempfile::tempdir().unwrap();
    built(dir.path());
    let shop = open(dir.path()).await;
    for path in ["/desk/assets/index-0000.js", "/desk/assets/", "/desk/assets/x/y.css"] {
        let answer = ask(&shop, "GET", path, &[]).await;
        assert_eq!((answer.status, answer.text()), (404, "not found\n"), "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_gzip_gets_it_and_each_packing_has_its_own_tag() {
    let dir = tempfile::tempdir().unwrap();
    let (script, _) = built(dir.path());
    let shop = open(dir.path()).await;
    let plain = ask(&shop, "GET", "/widget.js", &[("Accept-Encoding", "br")]).await;
    assert_eq!((plain.header("content-encoding"), plain.text()), (None, script.as_str()));
    for accepted in ["gzip", "gzip, deflate, br, zstd", "br;q=1, gzip;q=0.5"] {
        let packed = ask(&shop, "GET", "/widget.js", &[("Accept-Encoding", accepted)]).await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{accepted}: {}", packed.head);
        assert!(packed.body.len() * 10 < script.len(), "{} bytes", packed.body.len());
        let length = packed.body.len().to_string();
        assert_eq!(packed.header("content-length"), Some(length.as_str()));
        let mut unpacked = String::new();
        GzDecoder::new(&*packed.body).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, script);
        assert_ne!(packed.header("etag"), plain.header("etag"));
    }
    for refused in ["", "gzip;q=0", "identity", "gzip;q=0, *", "nonsense;;"] {
        let answer = ask(&shop, "GET", "/widget.js", &[("Accept-Encoding", refused)]).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, None), "{refused:?}");
    }
    // What would not become smaller is sent as it is.
    let small = [("Accept-Encoding", "gzip")];
    let small = ask(&shop, "GET", "/desk/assets/index-a1b2.css", &small).await;
    assert_eq!((small.header("content-encoding"), small.text()), (None, "p { margin: 0 }"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_already_is_not_sent_again_until_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    built(dir.path());
    let shop = open(dir.path()).await;
    let first = ask(&shop, "GET", "/desk", &[]).await;
    let tag = first.header("etag").unwrap().to_owned();
    let (weak, several) = (format!("W/{tag}"), format!("\"x\", {tag}"));
    for known in [tag.as_str(), &weak, &several, "*"] {
        let again = ask(&shop, "GET", "/desk", &[("If-None-Match", known)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), Some(tag.as_str()));
        assert_eq!(again.header("cache-control"), Some("no-cache"));
    }
    for other in ["\"x\"", "nonsense", ""] {
        let again = ask(&shop, "GET", "/desk", &[("If-None-Match", other)]).await;
        assert_eq!(again.status, 200, "{other}");
    }
    fs::write(dir.path().join("desk/dist/index.html"), "<title>New</title>").unwrap();
    let changed = ask(&shop, "GET", "/desk", &[("If-None-Match", &tag)]).await;
    assert_eq!((changed.status, changed.text()), (200, "<title>New</title>"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_asked_for_by_get_or_head_only() {
    let dir = tempfile::tempdir().unwrap();
    built(dir.path());
    let shop = open(dir.path()).await;
    for path in ["/widget.js", "/desk", "/desk/assets/index-a1b2.js", "/desk/a/route"] {
        let get = ask(&shop, "GET", path, &[]).await;
        let head = ask(&shop, "HEAD", path, &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["content-length", "content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path}");
        }
        for method in ["POST", "PUT", "DELETE"] {
            let answer = ask(&shop, method, path, &[("Content-Length", "0")]).await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_beside_the_built_files_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let (_, page) = built(dir.path());
    let shop = open(dir.path()).await;
    for path in [
        "/desk/../secret.txt",
        "/desk/..%2fsecret.txt",
        "/desk/%2e%2e/secret.txt",
        "/desk/%2e%2e%2fsecret.txt",
        "/desk/assets/../../secret.txt",
        "/desk/assets/..%5c..%5csecret.txt",
        "/desk//etc/passwd",
        "/desk/%2fetc%2fpasswd",
        "/desk/.env",
        "/desk/%00",
        "/desk/index.html%00.js",
        "/desk/c:%5csecret.txt",
    ] {
        let answer = ask(&shop, "GET", path, &[]).await;
        // A slash in disguise is part of a name, and that may be a route of the desk's.
        let refused = matches!(answer.status, 400 | 404) || answer.text() == page;
        assert!(refused, "{path}: {} {}", answer.head, answer.text());
    }
    for path in ["/widget.js/", "/widget.js.map", "/widget", "/deskx", "/Desk", "/assets/x"] {
        assert_eq!(ask(&shop, "GET", path, &[]).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_built_says_how_to_build_it() {
    let dir = tempfile::tempdir().unwrap();
    let shop = open(&dir.path().join("nothing")).await;
    for path in ["/widget.js", "/desk", "/desk/", "/desk/a/route", "/desk/assets/x.js"] {
        let answer = ask(&shop, "GET", path, &[]).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.text().contains("`make web`"), "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    // Built meanwhile, it is there.
    built(&dir.path().join("nothing"));
    assert_eq!(ask(&shop, "GET", "/widget.js", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_shown_where_to_go() {
    let shop = Shop::open().await;
    let html = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let page = get(&shop, "/", &html).await;
    assert!(page.head.contains("text/html; charset=utf-8"), "{page:?}");
    for link in ["href=\"/desk\"", "href=\"/demo/\"", "/widget.js"] {
        assert!(page.body.contains(link), "{page:?}");
    }
    let policy = "content-security-policy: default-src 'none'";
    assert!(page.head.to_lowercase().contains(policy), "{page:?}");
    let text = get(&shop, "/", &[("Accept", "*/*")]).await;
    assert!(text.head.contains("text/plain") && text.body.contains("/demo/"), "{text:?}");
}
