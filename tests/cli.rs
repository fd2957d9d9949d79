//! The command line, as a person at a terminal meets it: the real program on a directory of its
//! own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use uuid::Uuid;
use vigie::config::{self, DEFAULT_TOML};
use vigie::core::decide::Operator;
use vigie::core::site::Site;
use vigie::identity::{self, Who};
use vigie::log::redis::RedisLog;
use vigie::log::sqlite::{SqliteLog, SqliteLogOptions};
use vigie::log::{Append, Log};
use vigie::redis::Redis;
use vigie_protocol::event::{
    Author, ChatMessage, CloseCause, Event, EventBody, Millis, VisitorContext,
};
use vigie_protocol::id::{SessionId, VisitorId};
use vigie_protocol::method::Rank;

#[path = "support/redis.rs"]
mod redis;

/// A machine with nothing on it but the program.
struct Machine {
    dir: TempDir,
    cluster: Option<config::Redis>,
}

/// What a command left behind.
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Machine {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), cluster: None }
    }

    /// Two machines of a cluster that has nothing yet.
    fn two_of_a_cluster() -> [Self; 2] {
        let cluster = config::Redis {
            url: Some(redis::shared().url()),
            prefix: redis::prefix(),
            connections: 1,
            timeout: Duration::from_secs(20),
        };
        [(); 2].map(|()| Self { cluster: Some(cluster.clone()), ..Self::new() })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VIGIE") {
                command.env_remove(name);
            }
        }
        if let Some(config::Redis { url: Some(url), prefix, timeout, .. }) = &self.cluster {
            command.env("VIGIE__REDIS__URL", url).env("VIGIE__REDIS__PREFIX", prefix);
            command.env("VIGIE__REDIS__TIMEOUT_MS", timeout.as_millis().to_string());
        }
        command.args(args).current_dir(self.dir.path());
        command
    }

    fn run(&self, args: &[&str]) -> Done {
        self.command(args).output().unwrap().into()
    }

    /// Runs a command that must succeed, and gives what it printed.
    fn print(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {}", done.err);
        done.out
    }

    /// Runs a command that must fail with this code, and gives what it said.
    fn fail(&self, code: i32, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!((done.code, done.out.as_str()), (code, ""), "{args:?}: {}", done.err);
        done.err
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().into()
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("data/vigie.db")
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as Millis
}

/// What `verify` needs of the site `shop`.
fn shop(secret: &str) -> Site {
    Site {
        id: "shop".parse().unwrap(),
        name: String::new(),
        key: String::new(),
        secret: secret.trim().into(),
        origins: Vec::new(),
        native_clients: true,
        settings: Default::default(),
    }
}

#[test]
fn help_teaches_every_command_by_example() {
    let machine = Machine::new();
    assert!(machine.print(&["--help"]).contains("vigie serve --demo"));
    for command in [
        &["serve"][..],
        &["check-config"],
        &["token"],
        &["site", "add"],
        &["site", "list"],
        &["site", "secret"],
        &["operator", "invite"],
        &["operator", "first"],
        &["operator", "list"],
        &["operator", "grant"],
        &["operator", "reset"],
        &["operator", "remove"],
        &["export"],
        &["retention", "run"],
    ] {
        let help = machine.print(&[command, &["--help"]].concat());
        let example = format!("vigie {}", command.join(" "));
        assert!(help.contains("Example:") && help.contains(command[0]), "{example}: {help}");
    }
}

#[test]
fn a_command_that_is_called_in_a_wrong_way_ends_with_2_and_says_how() {
    let machine = Machine::new();
    for args in [
        &["frobnicate"][..],
        &["token", "--site", "shop"],
        &["token", "--site", "Shop!", "--role", "bot", "--id", "b"],
        &["token", "--site", "shop", "--role", "bot", "--id", "b", "--hours", "0"],
        &["site", "add", "shop", "--origin", "shop.example"],
        &["site", "add", "shop", "--key", "with space"],
        &["site", "add", "shop", "--accent", "blue"],
        &["site", "add", "shop", "--greeting", "Hello"],
        &["site", "add", "shop", "--greeting", "in English=Hello"],
        &["site", "add", "shop", "--position", "top"],
        &["operator", "invite"],
        &["operator", "invite", "--site", "shop", "--rank", "owner"],
        &["operator", "grant", "ana", "--site", "shop"],
        &["export", "not-a-uuid"],
        &["export"],
        &["retention"],
    ] {
        assert!(machine.fail(2, args).contains("--help"), "{args:?}");
    }
}

#[test]
fn check_config_prints_what_is_in_force_and_where_it_comes_from() {
    let machine = Machine::new();
    let file = machine.file("vigie.toml", "[http]\nlisten = '127.0.0.1:9000'\n");
    let mut command = machine.command(&["-c", &file, "check-config"]);
    let done = Done::from(command.env("VIGIE__DATA__DIR", "elsewhere").output().unwrap());
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(done.out.contains(&format!("listen = \"127.0.0.1:9000\"  # {file}, line 2")));
    assert!(done.out.contains("dir = \"elsewhere\"  # VIGIE__DATA__DIR"));
    let effective: toml::Table = done.out.parse().unwrap();
    let default: toml::Table = DEFAULT_TOML.parse().unwrap();
    assert_eq!(effective.len(), default.len());
}

#[test]
fn check_config_reports_all_errors_together_and_ends_with_1() {
    let machine = Machine::new();
    let file = machine.file("vigie.toml", "[http]\nlistn = 'x'\n[gateway]\nworkers = 'many'\n");
    let mut command = machine.command(&["check-config", "--config", &file]);
    let done = Done::from(command.env("VIGIE__BOTS__TURN_TIMEOUT_MS", "0").output().unwrap());
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    for expected in [
        "vigie: the configuration has 3 errors:",
        "vigie.toml, line 2: http.listn is not a known key; did you mean http.listen?",
        "vigie.toml, line 4: gateway.workers has a value of the wrong kind; write a whole number",
        "VIGIE__BOTS__TURN_TIMEOUT_MS: bots.turn_timeout_ms is 0; write 10 to 600000",
    ] {
        assert!(done.err.contains(expected), "{expected:?} is not in {}", done.err);
    }
}

#[test]
fn every_command_refuses_a_wrong_configuration() {
    let machine = Machine::new();
    let file = machine.file("vigie.toml", "[htp]\nlisten = 'x'\n");
    for args in [&["serve"][..], &["site", "list"], &[]] {
        let said = machine.fail(1, &[&["-c", &file], args].concat());
        assert!(said.contains("did you mean [http]?"), "{said}");
    }
}

#[test]
fn listening_beyond_this_machine_is_warned_of() {
    let machine = Machine::new();
    let mut command = machine.command(&["check-config"]);
    let done = Done::from(command.env("VIGIE__HTTP__LISTEN", "0.0.0.0:80").output().unwrap());
    assert_eq!(done.code, 0);
    assert!(done.err.contains("warning: http.listen = 0.0.0.0:80 is reachable"), "{}", done.err);
}

#[test]
fn a_site_is_added_listed_and_changed_without_losing_its_key_and_secret() {
    let machine = Machine::new();
    let articles = machine.file("articles/shipping.en.md", "# Shipping\n\nWe ship to Canada.\n");
    let articles = articles.strip_suffix("/shipping.en.md").unwrap();
    let added = machine.print(&[
        "site",
        "add",
        "shop",
        "--name",
        "My Shop",
        "--origin",
        "https://shop.example/",
        "--origin",
        "http://localhost:3000",
        "--knowledge",
        articles,
    ]);
    let key = added.lines().find_map(|line| line.strip_prefix("  public key  ")).unwrap();
    assert!(key.starts_with("pk_"));
    assert!(added.contains("articles    1 read"), "{added}");
    assert!(added.contains("vigie token --site shop --role operator"), "{added}");

    let listed = machine.print(&["site", "list"]);
    let row: Vec<_> = listed.lines().nth(1).unwrap().split("  ").map(str::trim).collect();
    assert_eq!(row, ["shop", key, "My Shop", "https://shop.example http://localhost:3000"]);

    let secret = machine.print(&["site", "secret", "shop"]);
    assert!(!added.contains(secret.trim()) && !listed.contains(secret.trim()));
    let again = machine.fail(1, &["site", "add", "shop"]);
    assert!(again.contains("there is a site shop already; add --update"), "{again}");
    machine.print(&["site", "add", "shop", "--update", "--name", "Our Shop"]);
    assert_eq!(machine.print(&["site", "secret", "shop"]), secret);
    let changed = machine.print(&["site", "list"]);
    assert!(changed.contains(key) && changed.contains("Our Shop"), "{changed}");
    assert!(changed.contains("https://shop.example"), "{changed}");
}

#[test]
fn a_public_key_is_one_sites_only_and_unreadable_knowledge_adds_nothing() {
    let machine = Machine::new();
    machine.print(&["site", "add", "shop", "--key", "front"]);
    let taken = machine.fail(1, &["site", "add", "bank", "--key", "front"]);
    assert!(taken.contains("another site has the public key front"), "{taken}");
    let missing = machine.fail(1, &["site", "add", "bank", "--knowledge", "nowhere"]);
    assert!(missing.contains("nowhere"), "{missing}");
    assert_eq!(machine.print(&["site", "list"]).lines().count(), 2);
}

#[test]
fn a_token_is_what_the_engine_takes() {
    let machine = Machine::new();
    machine.print(&["site", "add", "shop"]);
    let site = shop(&machine.print(&["site", "secret", "shop"]));
    let token = |args: &[&str]| {
        let printed = machine.print(&[&["token", "--site", "shop"], args].concat());
        assert_eq!(printed.lines().count(), 1, "only the token is printed");
        identity::verify(&site, printed.trim(), now()).unwrap()
    };

    let ana = token(&[
        "--role",
        "operator",
        "--id",
        "ana",
        "--name",
        "Ana",
        "--rank",
        "supervisor",
        "--hours",
        "2",
    ]);
    let id = "ana".parse().unwrap();
    assert_eq!(ana.who, Who::Operator(Operator { id, name: "Ana".into(), rank: Rank::Supervisor }));
    let hours = (ana.expires - now()) as f64 / 3_600_000.0;
    assert!((1.9..=2.0).contains(&hours), "{hours}");

    let bot = token(&["--role", "bot", "--id", "b1"]);
    assert_eq!(bot.who, Who::Bot { id: "b1".into(), name: "b1".into() });

    let visitor = VisitorId::from(Uuid::new_v4());
    let known = token(&["--role", "visitor", "--id", &visitor.to_string()]);
    assert_eq!(known.who, Who::Visitor(visitor));
}

#[test]
fn a_token_that_the_engine_would_not_take_is_not_made() {
    let machine = Machine::new();
    let nothing = machine.fail(1, &["token", "--site", "shop", "--role", "bot", "--id", "b"]);
    assert!(nothing.contains("there is no database at data/vigie.db"), "{nothing}");
    assert!(!machine.database().exists());

    machine.print(&["site", "add", "shop"]);
    for (args, expected) in [
        (
            &["--site", "bank", "--role", "bot", "--id", "b"][..],
            "there is no site bank; there is shop",
        ),
        (&["--site", "shop", "--role", "visitor", "--id", "b"], "must be a UUID"),
        (&["--site", "shop", "--role", "bot", "--id", "b", "--name", ""], "--id and --name"),
    ] {
        let said = machine.fail(1, &[&["token"], args].concat());
        assert!(said.contains(expected), "{said}");
    }
}

/// An engine that runs until it is dropped.
struct Engine {
    process: Child,
    out: BufReader<ChildStdout>,
    http: String,
    tcp: String,
}

impl Engine {
    /// Starts one on free ports and waits until it says that it listens.
    fn start(machine: &Machine, args: &[&str]) -> Self {
        let mut process = machine
            .command(&[&["serve"], args].concat())
            .env("VIGIE__HTTP__LISTEN", "127.0.0.1:0")
            .env("VIGIE__TCP__LISTEN", "127.0.0.1:0")
            .env("VIGIE__VISITOR__COUNTRY_FILE", "")
            .env("VIGIE__VISITOR__DEVICE_RULES", "")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let (http, tcp) = line
            .trim_end()
            .strip_prefix("listening http=")
            .and_then(|rest| rest.split_once(" tcp="))
            .unwrap_or_else(|| panic!("{line:?}"));
        Self { process, out, http: http.into(), tcp: tcp.into() }
    }

    /// The next line that it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    /// Asks over HTTP: the status, the head in lower case, the body.
    fn get(&self, path: &str) -> (u16, String, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    /// Takes up an invitation; gives what is answered.
    fn accept(&self, code: &str, login: &str) -> String {
        let body = format!(
            "{{\"invitation\":\"{code}\",\"login\":\"{login}\",\"password\":\"correct horse\",\
             \"display_name\":\"{login}\"}}"
        );
        let head = format!(
            "POST /v1/invitations/accept HTTP/1.1\r\nOrigin: http://{}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n",
            self.http,
            body.len()
        );
        let (status, head, answer) = self.ask(&head, &body);
        assert_eq!(status, 200, "{head}{answer}");
        answer
    }

    fn ask(&self, head: &str, body: &str) -> (u16, String, String) {
        let mut socket = TcpStream::connect(&self.http).unwrap();
        let request = format!("{head}Host: {}\r\nConnection: close\r\n\r\n{body}", self.http);
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), format!("{}\r\n", head.to_lowercase()), body.into())
    }

    /// Sends SIGTERM, and gives the exit code and the rest of what was printed.
    fn stop(mut self) -> (Option<i32>, String) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code(), rest)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn serve_says_where_it_listens_and_stops_in_order_on_sigterm() {
    let machine = Machine::new();
    let engine = Engine::start(&machine, &[]);
    TcpStream::connect(&engine.http).unwrap();
    TcpStream::connect(&engine.tcp).unwrap();
    assert!(machine.database().exists());
    let (code, said) = engine.stop();
    assert_eq!((code, said.lines().count()), (Some(0), 1), "{said}");
    assert!(said.starts_with("first admin: http://127.0.0.1:"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named_with_its_key() {
    let machine = Machine::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = machine.command(&["serve"]);
    command.env("VIGIE__HTTP__LISTEN", taken.local_addr().unwrap().to_string());
    let done = Done::from(command.output().unwrap());
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.contains("vigie: http.listen = 127.0.0.1:"), "{}", done.err);
    assert!(!machine.database().exists());
}

#[test]
fn the_demo_is_served_with_what_to_do_next_and_tokens_outlive_it() {
    let machine = Machine::new();
    let demo = format!("--demo={}/config/demo", env!("CARGO_MANIFEST_DIR"));
    let engine = Engine::start(&machine, &[&demo]);
    let base = format!("http://{}", engine.http);
    let (code, said) = engine.stop();
    assert_eq!(code, Some(0));
    let (shop, desk) = (format!("{base}/demo/"), format!("{base}/desk#invitation="));
    for next in ["chat --site demo", "watch --site demo", "the public key \"demo\"", &shop, &desk] {
        assert!(said.contains(next), "{said}");
    }
    let secret = machine.print(&["site", "secret", "demo"]);
    // Visitors come from its own pages, whichever port it has.
    let listed = machine.print(&["site", "list"]);
    assert!(listed.contains(&base) && listed.contains("http://localhost:8080"), "{listed}");
    Engine::start(&machine, &[&demo]).stop();
    assert_eq!(machine.print(&["site", "secret", "demo"]), secret);
}

#[test]
fn the_demos_pages_are_served_with_the_demo_only() {
    let machine = Machine::new();
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/demo");
    let site = std::fs::read_to_string(from.join("site.toml")).unwrap();
    machine.file("demo/site.toml", &site);
    machine.file("demo/knowledge/care.en.md", "# Care\n\nWash it by hand.\n");
    machine.file("demo/shop/index.html", "<!doctype html><title>Mésange</title>");
    machine.file("demo/shop/hats/index.html", "<!doctype html><title>Hats</title>");
    machine.file("demo/shop/shop.css", "p { margin: 0 }");
    let engine = Engine::start(&machine, &["--demo=demo"]);
    let (status, head, _) = engine.get("/demo");
    assert!(status == 302 && head.contains("location: /demo/\r\n"), "{head}");
    for (path, kind, text) in [
        ("/demo/", "text/html; charset=utf-8", "Mésange"),
        ("/demo/index.html", "text/html; charset=utf-8", "Mésange"),
        ("/demo/hats/", "text/html; charset=utf-8", "Hats"),
        ("/demo/shop.css", "text/css; charset=utf-8", "margin"),
    ] {
        let (status, head, body) = engine.get(path);
        assert!(status == 200 && body.contains(text), "{path}: {head}{body}");
        assert!(head.contains(&format!("content-type: {kind}\r\n")), "{path}: {head}");
        assert!(head.contains("content-security-policy: default-src 'none'; script-src 'self'"));
    }
    for path in ["/demo/hat", "/demo/hats", "/demo/../site.toml", "/demo/knowledge/care.en.md"] {
        assert_eq!(engine.get(path).0, 404, "{path}");
    }
    engine.stop();
    let engine = Engine::start(&machine, &[]);
    for path in ["/demo", "/demo/", "/demo/index.html"] {
        assert_eq!(engine.get(path).0, 404, "{path}");
    }
}

/// The code of a printed link.
fn code(line: &str) -> String {
    line.trim_end().split_once("/desk#invitation=").unwrap_or_else(|| panic!("{line:?}")).1.into()
}

#[test]
fn the_first_admin_is_made_by_a_link_that_each_start_prints_anew_while_there_is_no_account() {
    let machine = Machine::new();
    let old = {
        let mut engine = Engine::start(&machine, &[]);
        code(&engine.line())
    };
    let mut engine = Engine::start(&machine, &[]);
    let line = engine.line();
    let link = line.trim_end().strip_prefix("first admin: ").unwrap().to_owned();
    let new = code(&line);
    assert_eq!(link, format!("http://{}/desk#invitation={new}", engine.http));
    assert_eq!(engine.get(&format!("/v1/invitations/{old}")).0, 404);
    let (status, _, shown) = engine.get(&format!("/v1/invitations/{new}"));
    assert!(status == 200 && shown.contains("\"rank\":\"admin\""), "{shown}");
    let ana = engine.accept(&new, "Ana");
    assert!(ana.contains("\"login\":\"ana\""), "{ana}");
    assert_eq!(engine.get(&format!("/v1/invitations/{new}")).0, 404);
    engine.stop();
    let (_, said) = Engine::start(&machine, &[]).stop();
    assert_eq!(said, "", "there is an account");
    assert_eq!(
        machine.print(&["operator", "list"]),
        "LOGIN  SITES\nana    every (owner, \"Ana\")\n"
    );
}

#[test]
fn the_first_admins_link_can_be_printed_again_in_the_place_of_the_earlier_one() {
    let machine = Machine::new();
    let mut engine = Engine::start(&machine, &[]);
    let old = code(&engine.line());
    let link = machine.print(&["operator", "first"]);
    assert!(link.starts_with("http://127.0.0.1:8080/desk#invitation="), "{link}");
    assert_eq!(engine.get(&format!("/v1/invitations/{old}")).0, 404);
    engine.accept(&code(&link), "Ana");
    let said = machine.fail(1, &["operator", "first"]);
    assert!(said.contains("there is an account already"), "{said}");
}

#[test]
fn in_a_cluster_the_first_admins_link_stays_good_when_other_engines_start() {
    let [one, other] = Machine::two_of_a_cluster();
    let mut first = Engine::start(&one, &[]);
    let link = code(&first.line());
    let mut second = Engine::start(&other, &[]);
    let said = second.line();
    assert!(
        said.starts_with("first admin: the engine of this cluster that started first"),
        "{said}"
    );
    assert!(said.contains("`vigie operator first`"), "{said}");
    let again = code(&other.print(&["operator", "first"]));
    assert_eq!(first.get(&format!("/v1/invitations/{link}")).0, 404, "it was asked for another");
    first.stop();
    // A third finds the one that was printed last.
    let mut third = Engine::start(&one, &[]);
    assert!(third.line().contains("started first"));
    third.accept(&again, "Ana");
    assert!(second.stop().0 == Some(0) && third.stop().0 == Some(0));
    assert_eq!(Engine::start(&other, &[]).stop().1, "", "there is an account");
}

#[test]
fn in_a_cluster_sites_operators_and_tokens_are_those_of_all_its_machines() {
    let [one, other] = Machine::two_of_a_cluster();
    assert!(other.print(&["site", "list"]).contains("no site yet"));
    let nothing = other.fail(1, &["token", "--site", "shop", "--role", "bot", "--id", "b"]);
    assert!(nothing.contains("there is no site shop, nor any other"), "{nothing}");
    one.file("articles/shipping.en.md", "# Shipping\n\nWe ship to Canada.\n");
    one.print(&["site", "add", "shop", "--key", "front", "--knowledge", "articles"]);
    assert!(other.print(&["site", "list"]).contains("front"));
    assert!(other.fail(1, &["site", "add", "shop"]).contains("there is a site shop already"));
    let taken = other.fail(1, &["site", "add", "bank", "--key", "front"]);
    assert!(taken.contains("another site has the public key front"), "{taken}");

    let secret = other.print(&["site", "secret", "shop"]);
    let token = one.print(&["token", "--site", "shop", "--role", "bot", "--id", "b"]);
    assert!(identity::verify(&shop(&secret), token.trim(), now()).is_ok());

    let link = one.print(&["operator", "invite", "--site", "shop", "--rank", "supervisor"]);
    Engine::start(&other, &[]).accept(&code(&link), "Ana");
    assert_eq!(
        one.print(&["operator", "list"]),
        "LOGIN  SITES\nana    shop (supervisor, \"Ana\")\n"
    );
    other.print(&["operator", "remove", "ana"]);
    assert!(one.print(&["operator", "list"]).contains("no account yet"));
    assert!(!one.database().exists() && !other.database().exists());
}

#[test]
fn a_redis_that_does_not_answer_is_named_in_one_sentence() {
    let [mut machine, _] = Machine::two_of_a_cluster();
    let url = format!("redis://:secret-password@127.0.0.1:{}", redis::free_port());
    machine.cluster = machine.cluster.map(|cluster| config::Redis { url: Some(url), ..cluster });
    let session = SessionId::from(Uuid::new_v4()).to_string();
    for args in [
        &["site", "add", "shop"][..],
        &["site", "list"],
        &["operator", "invite", "--site", "shop"],
        &["operator", "list"],
        &["token", "--site", "shop", "--role", "bot", "--id", "b"],
        &["export", &session],
        &["serve"],
    ] {
        let mut command = machine.command(args);
        command.env("VIGIE__HTTP__LISTEN", "127.0.0.1:0").env("VIGIE__TCP__ENABLED", "false");
        let done = Done::from(command.output().unwrap());
        assert_eq!((done.code, done.out.as_str()), (1, ""), "{args:?}: {}", done.err);
        let said = done.err.lines().last().unwrap_or_default();
        assert!(said.starts_with("vigie: Redis does not answer: "), "{args:?}: {}", done.err);
        assert!(said.contains("redis.url") && !done.err.contains("secret-password"), "{said}");
    }
}

#[test]
fn operators_are_invited_listed_granted_reset_and_removed() {
    let machine = Machine::new();
    machine.print(&["site", "add", "shop"]);
    machine.print(&["site", "add", "bank"]);
    assert!(machine.print(&["operator", "list"]).contains("no account yet"));
    let link = machine.print(&["operator", "invite", "--site", "shop", "--rank", "supervisor"]);
    assert!(
        link.starts_with("http://127.0.0.1:8080/desk#invitation=") && link.lines().count() == 1
    );
    let engine = Engine::start(&machine, &[]);
    engine.accept(&code(&link), "Ana");
    let listed = machine.print(&["operator", "list"]);
    assert_eq!(listed, "LOGIN  SITES\nana    shop (supervisor, \"Ana\")\n");

    machine.print(&["operator", "grant", "ana", "--site", "bank", "--rank", "agent"]);
    machine.print(&["operator", "grant", "ANA", "--site", "shop", "--rank", "admin"]);
    let listed = machine.print(&["operator", "list"]);
    assert!(listed.contains("bank (agent, \"Ana\"), shop (admin, \"Ana\")"), "{listed}");

    let reset = code(&machine.print(&["operator", "reset", "ana"]));
    let (_, _, shown) = engine.get(&format!("/v1/invitations/{reset}"));
    assert!(shown.contains("\"login\":\"ana\""), "{shown}");
    machine.print(&["operator", "remove", "ana", "--site", "bank"]);
    let again = machine.fail(1, &["operator", "remove", "ana", "--site", "bank"]);
    assert!(again.contains("ana is no operator of bank"), "{again}");
    machine.print(&["operator", "remove", "ana"]);
    assert!(machine.print(&["operator", "list"]).contains("no account yet"));
    assert_eq!(engine.get(&format!("/v1/invitations/{reset}")).0, 404);
}

#[test]
fn an_operator_or_site_that_is_not_there_is_named() {
    let machine = Machine::new();
    for args in [&["list"][..], &["reset", "ana"], &["invite", "--site", "shop"]] {
        let said = machine.fail(1, &[&["operator"], args].concat());
        assert!(said.contains("there is no database"), "{said}");
    }
    machine.print(&["site", "add", "shop"]);
    for args in [
        &["reset", "ana"][..],
        &["grant", "ana", "--site", "shop", "--rank", "agent"],
        &["remove", "ana"],
        &["reset", "a n a"],
    ] {
        let said = machine.fail(1, &[&["operator"], args].concat());
        assert!(said.contains("there is no account a") && said.contains("operator list"), "{said}");
    }
    let said = machine.fail(1, &["operator", "invite", "--site", "bank"]);
    assert!(said.contains("there is no site bank; there is shop"), "{said}");
    let mut command = machine.command(&["operator", "invite", "--site", "shop"]);
    let done = Done::from(command.env("VIGIE__HTTP__LISTEN", "127.0.0.1:0").output().unwrap());
    assert!(done.code == 1 && done.err.contains("http.public_url"), "{}", done.err);
    let mut command = machine.command(&["operator", "invite", "--site", "shop"]);
    command.env("VIGIE__HTTP__PUBLIC_URL", "https://chat.example");
    let done = Done::from(command.output().unwrap());
    assert!(done.out.starts_with("https://chat.example/desk#invitation="), "{}", done.out);
}

#[test]
fn a_sites_widget_is_set_from_the_command_line() {
    let machine = Machine::new();
    machine.print(&[
        "site",
        "add",
        "shop",
        "--key",
        "shop",
        "--accent",
        "#2F6FB0",
        "--greeting",
        "en=Hello!",
        "--title",
        "fr=Aide = aide",
    ]);
    machine.print(&[
        "site",
        "add",
        "shop",
        "--update",
        "--position",
        "left",
        "--scheme",
        "dark",
        "--greeting",
        "lv=Sveiki!",
    ]);
    let engine = Engine::start(&machine, &[]);
    let (_, _, site) = engine.get("/v1/sites/shop");
    let widget = "\"widget\":{\"accent\":\"#2f6fb0\",\"greeting\":{\"en\":\"Hello!\",\"lv\":\"Sveiki!\"},\
                  \"position\":\"left\",\"scheme\":\"dark\",\"title\":{\"fr\":\"Aide = aide\"}}";
    assert!(site.contains(widget), "{site}");
}

#[test]
fn sites_and_tokens_are_made_while_the_engine_runs() {
    let machine = Machine::new();
    let engine = Engine::start(&machine, &[]);
    machine.print(&["site", "add", "shop"]);
    machine.print(&["token", "--site", "shop", "--role", "bot", "--id", "b"]);
    assert_eq!(engine.stop().0, Some(0));
}

/// More than two pages of a session.
const EVENTS: u64 = 2100;

async fn talk(machine: &Machine) -> (SessionId, Vec<Event>) {
    let visitor = VisitorId::from(Uuid::new_v4());
    let session = SessionId::nth(visitor, 1);
    let event = |offset| Event {
        offset,
        time: 1_700_000_000_000 + offset,
        author: Author::Visitor {},
        body: match offset {
            1 => EventBody::SessionStarted {
                visitor,
                ordinal: 1,
                context: VisitorContext::default(),
            },
            _ => EventBody::Message(ChatMessage {
                text: format!("Question {offset}: «où est ma commande?»\n"),
                epoch: 1,
                key: Some(format!("k{offset}").parse().unwrap()),
                turn: None,
                choices: Vec::new(),
            }),
        },
    };
    let events: Vec<_> = (1..=EVENTS).map(event).collect();
    let log: Box<dyn Log> = match &machine.cluster {
        Some(cluster) => Box::new(RedisLog::open(Redis::open(cluster).unwrap(), None).unwrap()),
        None => Box::new(SqliteLog::open(machine.database(), SqliteLogOptions::default()).unwrap()),
    };
    for page in events.chunks(300) {
        let append = Append {
            site: "shop".parse().unwrap(),
            session,
            expected: page[0].offset - 1,
            mark: 0,
            events: page.to_vec(),
        };
        log.append(append).await.unwrap();
    }
    (session, events)
}

#[actix_rt::test]
async fn export_prints_every_event_of_a_session_as_json_lines() {
    let machine = Machine::new();
    let (session, events) = talk(&machine).await;
    let printed = machine.print(&["export", &session.to_string()]);
    let exported: Vec<Event> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported, events);

    let unknown = SessionId::from(Uuid::new_v4()).to_string();
    assert!(machine.fail(1, &["export", &unknown]).contains("there is no session"));
}

#[actix_rt::test]
async fn in_a_cluster_a_session_is_exported_by_any_machine() {
    let [one, other] = Machine::two_of_a_cluster();
    let (session, events) = talk(&one).await;
    let printed = other.print(&["export", &session.to_string()]);
    let exported: Vec<Event> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported, events);

    let unknown = SessionId::from(Uuid::new_v4()).to_string();
    let said = other.fail(1, &["export", &unknown]);
    assert!(said.contains("there is no session") && said.contains("in the Redis of"), "{said}");
}

#[actix_rt::test]
async fn a_reader_that_has_enough_ends_an_export_without_an_error() {
    let machine = Machine::new();
    let (session, _) = talk(&machine).await;
    let mut export = machine
        .command(&["export", &session.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(export.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let done = Done::from(export.wait_with_output().unwrap());
    assert_eq!((done.code, done.err.as_str()), (0, ""));
}

/// As [`talk`], closed at the end, long ago.
async fn talk_and_close(machine: &Machine) -> SessionId {
    let (session, _) = talk(machine).await;
    let log = SqliteLog::open(machine.database(), SqliteLogOptions::default()).unwrap();
    let close = Event {
        offset: EVENTS + 1,
        time: 1_700_000_100_000,
        author: Author::System {},
        body: EventBody::SessionClosed { cause: CloseCause::Away },
    };
    let site = "shop".parse().unwrap();
    log.append(Append { site, session, expected: EVENTS, mark: 0, events: vec![close] })
        .await
        .unwrap();
    session
}

#[actix_rt::test]
async fn a_session_is_exported_from_the_archive_as_it_was_from_the_log() {
    let machine = Machine::new();
    let [one, other] = [talk_and_close(&machine).await, talk_and_close(&machine).await];
    let (open, _) = talk(&machine).await;
    let before = machine.print(&["export", &one.to_string()]);
    assert_eq!(before.lines().count() as u64, EVENTS + 1);
    let config = machine
        .file("vigie.toml", "[retention]\nkeep_closed_ms = 86400000\narchive_dir = 'archive'");
    let run = ["-c", &config, "retention", "run"];
    assert_eq!(machine.print(&run), "2 sessions archived in archive and removed\n");
    assert_eq!(machine.print(&run), "0 sessions archived in archive and removed\n");

    let gone = machine.fail(1, &["export", &one.to_string()]);
    assert!(gone.contains("there is no session") && gone.contains("--archive"), "{gone}");
    for archive in ["archive", "archive/2023-11-14.jsonl.gz"] {
        assert_eq!(machine.print(&["export", "--archive", archive, &one.to_string()]), before);
        let listed = machine.print(&["export", "--archive", archive]);
        let listed: Vec<serde_json::Value> =
            listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ids: Vec<_> = listed.iter().map(|line| line["session"].as_str().unwrap()).collect();
        assert_eq!(ids, [one.to_string(), other.to_string()]);
        assert_eq!(listed[0]["closed"], 1_700_000_100_000_u64);
    }
    assert_eq!(machine.print(&["export", &open.to_string()]).lines().count() as u64, EVENTS);
    let unknown = machine.fail(1, &["export", "--archive", "archive", &open.to_string()]);
    assert!(unknown.contains("there is no session"), "{unknown}");
    let nowhere = machine.fail(1, &["export", "--archive", "nowhere"]);
    assert!(nowhere.contains("nowhere cannot be read"), "{nowhere}");
}

#[actix_rt::test]
async fn an_archive_that_ends_in_the_middle_gives_what_is_whole_and_says_so() {
    let machine = Machine::new();
    let session = talk_and_close(&machine).await;
    let before = machine.print(&["export", &session.to_string()]);
    let config =
        machine.file("vigie.toml", "[retention]\nkeep_closed_ms = 1000\narchive_dir = 'archive'");
    machine.print(&["-c", &config, "retention", "run"]);
    let file = machine.dir.path().join("archive/2023-11-14.jsonl.gz");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, [&whole[..], &whole[..whole.len() / 2]].concat()).unwrap();
    assert_eq!(machine.print(&["export", "--archive", "archive", &session.to_string()]), before);
    let listed = machine.run(&["export", "--archive", "archive"]);
    assert_eq!((listed.code, listed.out.lines().count()), (1, 1));
    assert!(listed.err.contains("2023-11-14.jsonl.gz cannot be read"), "{}", listed.err);
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let torn = machine.fail(1, &["export", "--archive", "archive", &session.to_string()]);
    assert!(torn.contains("2023-11-14.jsonl.gz cannot be read"), "{torn}");
}

#[actix_rt::test]
async fn retention_by_hand_says_what_is_missing_and_removes_nothing_that_it_cannot_archive() {
    let machine = Machine::new();
    let keep = ("VIGIE__RETENTION__KEEP_CLOSED_MS", "1000");
    let never = machine.fail(1, &["retention", "run"]);
    assert!(
        never.contains("retention.keep_closed_ms is 0") && never.contains("VIGIE__"),
        "{never}"
    );
    let mut nothing = machine.command(&["retention", "run"]);
    let nothing = Done::from(nothing.envs([keep]).output().unwrap());
    assert!(nothing.err.contains("there is no database"), "{}", nothing.err);

    let session = talk_and_close(&machine).await;
    let in_the_way = machine.file("archive", "");
    let to_a_file = ("VIGIE__RETENTION__ARCHIVE_DIR", in_the_way.as_str());
    let mut refused = machine.command(&["retention", "run"]);
    let refused = Done::from(refused.envs([keep, to_a_file]).output().unwrap());
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("retention.archive_dir"), "{}", refused.err);
    machine.print(&["export", &session.to_string()]);

    let mut removed = machine.command(&["retention", "run"]);
    let removed = Done::from(removed.envs([keep]).output().unwrap());
    assert_eq!((removed.code, removed.out.as_str()), (0, "1 session removed\n"));
    machine.fail(1, &["export", &session.to_string()]);
}
