//! An origin: who a page belongs to, as browsers send it.

use actix_web::http::Uri;

/// `scheme://host` or `scheme://host:port` of the web, in lower case and without a slash at its end.
pub fn origin(text: &str) -> Option<String> {
    let origin = text.trim_end_matches('/').to_ascii_lowercase();
    let uri: Option<Uri> = origin.parse().ok();
    let sound = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && origin.matches('/').count() == 2
            && uri.query().is_none()
    });
    sound.then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host_as_browsers_send_it() {
        for (text, expected) in [
            ("https://shop.example", Some("https://shop.example")),
            ("https://Shop.Example/", Some("https://shop.example")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("shop.example", None),
            ("https://shop.example/path", None),
            ("https://shop.example?x=1", None),
            ("https://user@shop.example", None),
            ("ftp://shop.example", None),
            ("https://", None),
            ("null", None),
            ("*", None),
        ] {
            assert_eq!(origin(text).as_deref(), expected, "{text}");
        }
    }
}
