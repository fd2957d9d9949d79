//! What people are drawn from. Weights say how common something is among the rest of its table.

/// A country that visitors come from.
pub(super) struct Country {
    /// ISO 3166-1 alpha-2.
    pub(super) code: &'static str,
    /// How common.
    pub(super) weight: u32,
    /// A network of a large provider of this country: first address and length of its prefix.
    pub(super) network: ([u8; 4], u32),
    /// What is spoken there, the most common first; BCP 47.
    pub(super) languages: &'static [&'static str],
    /// How search engines are called there.
    pub(super) search_domain: &'static str,
}

const fn country(
    code: &'static str,
    weight: u32,
    network: ([u8; 4], u32),
    languages: &'static [&'static str],
    search_domain: &'static str,
) -> Country {
    Country { code, weight, network, languages, search_domain }
}

pub(super) const COUNTRIES: &[Country] = &[
    country("FR", 36, ([90, 0, 0, 0], 11), &["fr-FR", "fr", "en-GB"], "fr"),
    country("DE", 12, ([84, 128, 0, 0], 10), &["de-DE", "de", "en-GB"], "de"),
    country("GB", 10, ([86, 128, 0, 0], 11), &["en-GB"], "co.uk"),
    country("BE", 7, ([81, 240, 0, 0], 14), &["fr-BE", "nl-BE"], "be"),
    country("CH", 6, ([85, 0, 0, 0], 14), &["de-CH", "fr-CH", "it-CH"], "ch"),
    country("US", 8, ([73, 0, 0, 0], 10), &["en-US", "es-US"], "com"),
    country("CA", 5, ([99, 224, 0, 0], 12), &["en-CA", "fr-CA"], "ca"),
    country("NL", 5, ([84, 82, 0, 0], 15), &["nl-NL", "en-GB"], "nl"),
    country("ES", 5, ([88, 0, 0, 0], 12), &["es-ES", "ca-ES"], "es"),
    country("IT", 5, ([79, 0, 0, 0], 12), &["it-IT"], "it"),
    country("LV", 4, ([87, 110, 0, 0], 16), &["lv", "lv-LV", "ru-LV"], "lv"),
    country("LT", 2, ([78, 56, 0, 0], 14), &["lt-LT", "en-GB"], "lt"),
    country("SE", 3, ([90, 224, 0, 0], 13), &["sv-SE", "en-GB"], "se"),
    country("PL", 3, ([83, 0, 0, 0], 12), &["pl-PL"], "pl"),
    country("PT", 2, ([81, 193, 0, 0], 16), &["pt-PT"], "pt"),
    country("JP", 2, ([126, 0, 0, 0], 10), &["ja-JP"], "co.jp"),
    country("BR", 2, ([177, 32, 0, 0], 14), &["pt-BR"], "com.br"),
    country("AU", 1, ([1, 120, 0, 0], 13), &["en-AU"], "com.au"),
    country("MA", 1, ([105, 128, 0, 0], 12), &["fr-MA", "ar-MA"], "co.ma"),
];

/// Browsers as they name themselves: phones, tablets, desktops.
pub(super) const USER_AGENTS: &[(&str, u32)] = &[
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
        18,
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
        18,
    ),
    (
        "Mozilla/5.0 (Linux; Android 15; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
        6,
    ),
    ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", 3),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.7204.119 Mobile/15E148 Safari/604.1",
        3,
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1",
        4,
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
        3,
    ),
    ("Mozilla/5.0 (Android 14; Tablet; rv:139.0) Gecko/139.0 Firefox/139.0", 1),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
        18,
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
        8,
    ),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", 5),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
        8,
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
        5,
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", 3),
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
        1,
    ),
];

/// Search engines; `{country}` is how they are called in the visitor's country.
pub(super) const SEARCHES: &[(&str, u32)] = &[
    ("https://www.google.{country}/", 20),
    ("https://www.bing.com/", 3),
    ("https://duckduckgo.com/", 3),
    ("https://www.ecosia.org/", 2),
    ("https://www.qwant.com/", 1),
];

/// Pages of other sites with a link to the shop.
pub(super) const LINKS: &[&str] = &[
    "https://blog-velo.example/essais/sacoches-rollier",
    "https://touring-notes.example/gear/best-canvas-panniers",
    "https://radreise.example/forum/thema/4711",
    "https://lyon-made.example/workshops/mesange",
    "https://news.cycling.example/2025/05/slow-bags",
    "https://l.instagram.com/",
    "https://www.facebook.com/",
    "https://old.reddit.com/r/bicycletouring/",
];

/// Pages of the demo shop: path and title.
pub(super) const PAGES: &[(&str, &str)] = &[
    ("/", "Mésange: bags for bicycles, sewn in Lyon"),
    ("/#panniers", "Rollier, the pannier: Mésange"),
    ("/#handlebar-bags", "Pinson, the handlebar bag: Mésange"),
    ("/#saddle-bags", "Moineau, the saddle bag: Mésange"),
    ("/#backpacks", "Hulotte, the backpack: Mésange"),
    ("/#shipping", "Shipping and returns: Mésange"),
    ("/#workshop", "The workshop: Mésange"),
    ("/#cart", "Your cart: Mésange"),
];
