use std::collections::BTreeSet;
use std::io::Write;

use super::*;

/// Loads a file of this text with these overrides.
fn load(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Config::load(Some(file.path()), variables(env))
}

fn variables(env: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    env.iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect::<Vec<_>>()
        .into_iter()
}

/// What is wrong with it: key, problem and remedy in one line each.
fn errors(text: &str, env: &[(&str, &str)]) -> Vec<String> {
    match load(text, env) {
        Ok(_) => Vec::new(),
        Err(errors) => {
            errors.iter().map(|e| format!("{} {}; {}", e.key, e.problem, e.remedy)).collect()
        }
    }
}

#[test]
fn the_defaults_are_what_the_documentation_says() {
    let config = Config::load(None, std::iter::empty()).unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.tcp.listen.to_string(), "127.0.0.1:8090");
    assert!(config.tcp.enabled);
    assert_eq!(config.data.database(), Path::new("data/vigie.db"));
    assert_eq!(config.data.size_max, None);
    assert!(config.gateway.workers >= 1);
    assert_eq!(config.gateway.outbound_queue, 1 << 20);
    assert_eq!(config.gateway.heartbeat, Duration::from_secs(25));
    assert_eq!(config.presence.visitor_grace, Duration::from_secs(10));
    assert_eq!(config.presence.operator_grace, Duration::from_secs(30));
    assert_eq!(config.session.close_after, Duration::from_secs(24 * 60 * 60));
    assert!(config.visitor.country_file.is_some());
    assert_eq!(config.http.public_url, None);
    assert_eq!(config.http.web_dir, None);
    assert_eq!(config.desk.sign_in, Duration::from_secs(12 * 60 * 60));
    assert_eq!(config.retention, Retention { keep_closed: None, archive_dir: None });
    let this_machine = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
    assert_eq!(config.metrics.allow, this_machine);
    assert_eq!(config.tracing.format, TracingFormat::Text);
    assert_eq!(config.warnings(), Vec::<String>::new());
}

#[test]
fn every_documented_key_is_read_and_every_key_read_is_documented() {
    let mut errors = Vec::new();
    let settings = Settings::gather(None, std::iter::empty(), &mut errors);
    let mut reader = Reader::new(&settings, &mut errors);
    Config::read(&mut reader);
    let asked: BTreeSet<_> = reader.asked.into_iter().collect();
    let documented: toml::Table = DEFAULT_TOML.parse().unwrap();
    let documented: BTreeSet<_> = documented
        .iter()
        .flat_map(|(section, keys)| {
            keys.as_table().unwrap().keys().map(move |key| format!("{section}.{key}"))
        })
        .collect();
    assert_eq!(asked, documented);
    assert_eq!(errors, []);
}

#[test]
fn the_example_is_a_sound_configuration() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/example.toml");
    let config = Config::load(Some(&example), std::iter::empty()).unwrap();
    assert_eq!(config.data.size_max, Some(20 << 30));
    assert_eq!(config.http.public_url.as_deref(), Some("https://chat.example"));
    assert_eq!(config.warnings().len(), 1, "http.listen is beyond loopback");
}

#[test]
fn the_file_overrides_the_defaults_and_the_environment_overrides_the_file() {
    let config = load(
        "[http]\nlisten = '127.0.0.1:1'\n[tcp]\nlisten = '127.0.0.1:2'\n[presence]\nvisitor_grace_ms = 50",
        &[("VIGIE__TCP__LISTEN", "127.0.0.1:3"), ("HOME", "/"), ("VIGIE_CONFIG", "x")],
    )
    .unwrap();
    assert_eq!(config.http.listen.port(), 1);
    assert_eq!(config.tcp.listen.port(), 3);
    assert_eq!(config.presence.visitor_grace, Duration::from_millis(50));
}

#[test]
fn the_environment_takes_every_kind_of_value() {
    let config = load(
        "",
        &[
            ("VIGIE__TCP__ENABLED", "false"),
            ("VIGIE__GATEWAY__WORKERS", "3"),
            ("VIGIE__GATEWAY__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
            ("VIGIE__VISITOR__COUNTRY_FILE", ""),
            ("VIGIE__TRACING__LEVEL", "warn,vigie::log=debug"),
            ("VIGIE__TRACING__FORMAT", "json"),
            ("VIGIE__DATA__SIZE_MIB_MAX", "2"),
        ],
    )
    .unwrap();
    assert!(!config.tcp.enabled);
    assert_eq!(config.gateway.workers, 3);
    let proxies: Vec<_> = config.gateway.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(config.visitor.country_file, None);
    assert_eq!(config.tracing.format, TracingFormat::Json);
    assert_eq!(config.data.size_max, Some(2 << 20));
    let empty = load("", &[("VIGIE__GATEWAY__TRUSTED_PROXIES", "")]).unwrap();
    assert_eq!(empty.gateway.trusted_proxies, []);
}

#[test]
fn each_mistake_is_named_with_what_would_be_right() {
    for (text, expected) in [
        ("[http]\nlistn = 'x'", "http.listn is not a known key; did you mean http.listen?"),
        ("[htp]\nlisten = 'x'", "htp is not a known section; did you mean [http]?"),
        (
            "[http]\nheartbeat_ms = 1",
            "http.heartbeat_ms is not a known key; did you mean gateway.heartbeat_ms?",
        ),
        ("[http]\nzebra = 1", "http.zebra is not a known key; config/default.toml lists every key"),
        ("zebra = 1", "zebra is not a known section; config/default.toml lists every section"),
        ("http = 1", "http is a section, not a value; write [http] and its keys below"),
        (
            "[http]\nlisten = 8080",
            "http.listen has a value of the wrong kind; write a text in quotes",
        ),
        (
            "[http]\nlisten = ':8080'",
            "http.listen is \":8080\", not an address with a port; write one such as \
             \"127.0.0.1:8080\" or \"[::]:8080\"",
        ),
        (
            "[http]\npublic_url = 'chat.example'",
            "http.public_url is \"chat.example\", not a scheme and a host; write one such as \
             \"https://chat.example\", without a path",
        ),
        (
            "[http]\npublic_url = 'https://example.com/chat'",
            "http.public_url is \"https://example.com/chat\", not a scheme and a host; write one \
             such as \"https://chat.example\", without a path",
        ),
        ("[desk]\nsign_in_ms = 1", "desk.sign_in_ms is 1; write 1000 to 31536000000"),
        ("[gateway]\nheartbeat_ms = 1", "gateway.heartbeat_ms is 1; write 100 to 300000"),
        ("[gateway]\nworkers = -1", "gateway.workers is -1; write 0 to 256"),
        (
            "[gateway]\nworkers = 1.5",
            "gateway.workers has a value of the wrong kind; write a whole number",
        ),
        (
            "[gateway]\ntrusted_proxies = [1]",
            "gateway.trusted_proxies has a value of the wrong kind; write a list of texts: [\"…\", \"…\"]",
        ),
        (
            "[gateway]\ntrusted_proxies = ['lb.local']",
            "gateway.trusted_proxies holds \"lb.local\", not an address or network; write ones \
             such as \"10.0.0.1\" or \"10.0.0.0/8\"",
        ),
        (
            "[tcp]\nenabled = 'yes'",
            "tcp.enabled has a value of the wrong kind; write true or false",
        ),
        (
            "[tcp]\nlisten = '127.0.0.1:8080'",
            "tcp.listen is also http.listen; give it another port",
        ),
        ("[data]\ndir = ''", "data.dir is empty; name a directory; \".\" is the working directory"),
        (
            "[presence]\nvisitor_grace_ms = 3600001",
            "presence.visitor_grace_ms is 3600001; write 0 to 3600000",
        ),
        (
            "[tracing]\nlevel = 'loud'",
            "tracing.level is \"loud\", not a level; write error, warn, info, debug or trace, as \
             in \"info,vigie::gateway=debug\"",
        ),
        (
            "[metrics]\nallow = ['prometheus']",
            "metrics.allow holds \"prometheus\", not an address or network; write ones such as \
             \"10.0.0.1\" or \"10.0.0.0/8\"",
        ),
        ("[tracing]\nformat = 'xml'", "tracing.format is \"xml\"; write \"text\" or \"json\""),
    ] {
        assert_eq!(errors(text, &[]), [expected], "{text}");
    }
}

#[test]
fn a_mistake_in_the_environment_is_named_with_its_variable() {
    for (name, value, expected) in [
        (
            "VIGIE__HTTP__LISTN",
            "x",
            "VIGIE__HTTP__LISTN: http.listn is not a known key; did you mean VIGIE__HTTP__LISTEN?",
        ),
        (
            "VIGIE__HTTP_LISTEN",
            "x",
            "VIGIE__HTTP_LISTEN: http_listen is not a known key; did you mean VIGIE__HTTP__LISTEN?",
        ),
        (
            "VIGIE__GATEWAY__WORKERS",
            "many",
            "VIGIE__GATEWAY__WORKERS: gateway.workers has a value of the wrong kind; write a whole number",
        ),
        (
            "VIGIE__TCP__ENABLED",
            "1",
            "VIGIE__TCP__ENABLED: tcp.enabled has a value of the wrong kind; write true or false",
        ),
    ] {
        let errors = load("", &[(name, value)]).unwrap_err();
        assert_eq!(errors.to_string(), format!("the configuration has an error: {expected}"));
    }
}

#[test]
fn all_errors_are_reported_together_with_their_lines() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"[http]\nlisten = 'x'\n\n[gateway]\nheartbeat = 5\nworkers = 1000\n").unwrap();
    let env = variables(&[("VIGIE__BOTS__TURN_TIMEOUT_MS", "0")]);
    let said = Config::load(Some(file.path()), env).unwrap_err().to_string();
    let path = file.path().display();
    for expected in [
        "the configuration has 4 errors:".to_owned(),
        format!("{path}, line 2: http.listen is \"x\""),
        format!(
            "{path}, line 5: gateway.heartbeat is not a known key; did you mean gateway.heartbeat_ms?"
        ),
        format!("{path}, line 6: gateway.workers is 1000; write 0 to 256"),
        "VIGIE__BOTS__TURN_TIMEOUT_MS: bots.turn_timeout_ms is 0; write 10 to 600000".to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected:?} is not in {said}");
    }
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_an_error_beside_the_others() {
    let missing = Config::load(
        Some(Path::new("/nowhere/vigie.toml")),
        variables(&[("VIGIE__GATEWAY__WORKERS", "x")]),
    )
    .unwrap_err();
    assert_eq!(missing.iter().count(), 2);
    assert!(missing.to_string().contains("/nowhere/vigie.toml: cannot be read"));

    let broken = load("[http]\nlisten = \n", &[]).unwrap_err().to_string();
    assert!(broken.contains("line 2: is not TOML"), "{broken}");
}

#[test]
fn the_effective_configuration_says_where_each_value_comes_from_and_can_be_loaded_again() {
    let env = [("VIGIE__HTTP__LISTEN", "127.0.0.1:9"), ("VIGIE__DATA__DIR", "a \"b\" #c")];
    let (config, text) = explain(None, variables(&env)).unwrap();
    assert!(text.contains("listen = \"127.0.0.1:9\"  # VIGIE__HTTP__LISTEN\n"), "{text}");
    assert!(text.contains("enabled = true  # default\n"), "{text}");
    assert_eq!(load(&text, &[]).unwrap(), config);
}

#[test]
fn an_archive_that_nothing_would_be_written_to_is_warned_of() {
    let warned = |text| load(text, &[]).unwrap().warnings().join("\n");
    let never = warned("[retention]\narchive_dir = 'archive'");
    assert!(never.contains("retention.keep_closed_ms is 0"), "{never}");
    assert_eq!(warned("[retention]\narchive_dir = 'archive'\nkeep_closed_ms = 1000"), "");
    assert_eq!(warned("[retention]\nkeep_closed_ms = 1000"), "");
}

#[test]
fn the_effective_configuration_does_not_tell_the_password_of_redis() {
    for (url, told) in [
        ("redis://127.0.0.1:6379/2", "redis://127.0.0.1:6379/2"),
        ("rediss://ana:secret@redis.example", "rediss://…@redis.example"),
        ("redis+cluster://:secret@a:1,b:2", "redis+cluster://…@a:1,b:2"),
        (
            "redis+sentinel://:secret@a,b/main?sentinel_password=secret",
            "redis+sentinel://…@a,b/main?…",
        ),
    ] {
        let (config, text) = explain(None, variables(&[("VIGIE__REDIS__URL", url)])).unwrap();
        assert_eq!(config.redis.url.as_deref(), Some(url));
        let line = format!("url = \"{told}\"  # VIGIE__REDIS__URL\n");
        assert!(text.contains(&line), "{line:?} is not in {text}");
        assert!(!text.contains("secret") && !format!("{config:?}").contains("secret"));
    }
}

#[test]
fn an_address_of_redis_that_is_none_is_refused_without_being_told() {
    for url in ["http://:secret@a", "redis+sentinel://:secret@a", "redis://:secret@a:port"] {
        let error = load("", &[("VIGIE__REDIS__URL", url)]).unwrap_err().to_string();
        assert!(error.contains("VIGIE__REDIS__URL: redis.url "), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn listening_beyond_loopback_is_warned_of() {
    let warned = |text| load(text, &[]).unwrap().warnings().len();
    assert_eq!(warned("[http]\nlisten = '0.0.0.0:1'\n[tcp]\nlisten = '[::]:2'"), 2);
    assert_eq!(warned("[tcp]\nenabled = false\nlisten = '0.0.0.0:2'"), 0);
    assert_eq!(warned("[http]\nlisten = '[::1]:1'"), 0);
}
