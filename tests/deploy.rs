//! The files of `config/cluster`: without a container engine, all of them that can be run is run.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use saphyr::{LoadableYamlNode, Yaml};
use tempfile::TempDir;

use self::redis_server::free_port;

#[path = "support/redis.rs"]
mod redis_server;

/// How long anything may take that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);

/// How many ports are tried: another program may take a free one first.
const PORTS_TRIED_MAX: usize = 20;

/// What is built on a machine, and never copied from it.
const BUILT: [&str; 4] = ["node_modules", "dist", "target", ".git"];

/// One instruction of the Dockerfile.
struct Instruction {
    /// The name or number of its stage.
    stage: String,
    name: String,
    rest: String,
}

#[test]
fn the_image_is_built_by_what_make_runs() {
    let file = dockerfile();
    let run = |stage: &str| {
        let of_stage = file.iter().filter(|line| line.stage == stage && line.name == "RUN");
        of_stage.map(|line| line.rest.clone()).collect::<Vec<_>>()
    };
    assert_eq!(run("web")[1..], ["make setup web"]);
    let mut build = Command::new("make");
    let would_run = printed(build.args(["-n", "CARGO=cargo", "build"]).current_dir(root()));
    let engine = run("engine");
    assert_eq!(engine.len(), 1);
    assert!(would_run.lines().any(|line| line == engine[0]), "{engine:?} is not in {would_run}");
}

#[test]
fn what_the_image_copies_is_there_and_enough_to_build_it() {
    let web = context_of("web");
    let make = Command::new("make").args(["-n", "setup", "web"]).current_dir(&web).output();
    let would_run = succeeded(make.unwrap());
    for step in ["npm ci", "--prefix config/data", "--workspace widget", "--workspace desk"] {
        assert!(would_run.contains(step), "{step} is not in {would_run}");
    }

    let engine = context_of("engine");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--offline", "--no-deps", "--format-version=1"]);
    let workspace: serde_json::Value =
        serde_json::from_str(&printed(cargo.current_dir(&engine))).unwrap();
    let packages = workspace["packages"].as_array().unwrap();
    let targets = packages.iter().flat_map(|package| package["targets"].as_array().unwrap());
    // Tests are not part of the image, nor of what is built for it.
    let built = targets.filter(|target| target["kind"] != serde_json::json!(["test"]));
    let sources: Vec<_> = built.map(|target| target["src_path"].as_str().unwrap()).collect();
    assert!(sources.iter().any(|source| source.ends_with("src/main.rs")), "{sources:?}");
    for source in sources {
        assert!(Path::new(source).exists(), "{source} is not copied");
    }
    for included in included_files(&engine) {
        assert!(included.exists(), "{} is not copied", included.display());
    }
}

#[test]
fn what_the_image_takes_from_its_stages_is_what_they_build() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let defaults: toml::Table = vigie::config::DEFAULT_TOML.parse().unwrap();
    let data =
        ["country_file", "device_rules"].map(|key| defaults["visitor"][key].as_str().unwrap());
    let mut taken = 0;
    for line in dockerfile().iter().filter(|line| line.name == "COPY") {
        let Some(rest) = line.rest.strip_prefix("--from=") else { continue };
        let (stage, paths) = rest.split_once(' ').unwrap();
        let path = paths.split(' ').next().unwrap().strip_prefix("/vigie/").unwrap();
        taken += 1;
        match stage {
            "web" => assert!(makefile.contains(path) || data.contains(&path), "{path}"),
            "engine" => assert_eq!(path, "target/release/vigie"),
            other => panic!("there is no stage {other}"),
        }
    }
    assert_eq!(taken, 5, "widget, desk, two data files, the program");
}

#[test]
fn the_settings_of_image_and_compose_file_are_taken() {
    let mut settings = image_settings();
    let compose = compose();
    settings.extend(environment(&compose["services"]["vigie-1"]));
    let mut check = Command::new(env!("CARGO_BIN_EXE_vigie"));
    check.arg("check-config").envs(&settings);
    let effective = printed(&mut check);
    for name in settings.keys() {
        assert!(effective.contains(&format!("# {name}\n")), "{name} is not in force: {effective}");
    }
    let slip = check.env("VIGIE__REDIS__URI", "redis://redis:6379").output().unwrap();
    assert!(!slip.status.success(), "a key that there is not would be refused");
}

#[test]
fn the_parts_of_the_compose_file_fit_each_other() {
    let compose = compose();
    let services = &compose["services"];
    let names: Vec<_> =
        services.as_mapping().unwrap().keys().map(|name| name.as_str().unwrap()).collect();
    let engines: Vec<_> = names.iter().filter(|name| name.starts_with("vigie-")).collect();
    assert_eq!(engines.len(), 3);
    for engine in &engines {
        assert_eq!(services[**engine], services["vigie-1"], "all engines are the same");
    }

    let mut settings = image_settings();
    settings.extend(environment(&services["vigie-1"]));
    assert_eq!(settings["VIGIE__REDIS__URL"], "redis://redis:6379");
    let subnet = compose["networks"]["front"]["ipam"]["config"][0]["subnet"].as_str().unwrap();
    assert_eq!(settings["VIGIE__GATEWAY__TRUSTED_PROXIES"], subnet);
    assert_eq!(compose["networks"]["back"]["internal"].as_bool(), Some(true));
    assert_eq!(texts(&services["proxy"]["networks"]), ["front"]);
    assert_eq!(texts(&services["redis"]["networks"]), ["back"]);
    assert_eq!(texts(&services["vigie-1"]["networks"]), ["front", "back"]);
    for port in texts(&services["proxy"]["ports"]) {
        assert!(port.starts_with("127.0.0.1:"), "{port} is open to other machines");
    }
    for name in &names {
        for volume in texts(&services[*name]["volumes"]) {
            let (source, _) = volume.split_once(':').unwrap();
            match source.strip_prefix("./") {
                Some(file) => assert!(folder().join(file).is_file(), "{file}"),
                None => assert!(compose["volumes"].contains_mapping_key(source), "{source}"),
            }
        }
    }
    let build = &services["vigie-1"]["build"];
    assert_eq!(folder().join(build["context"].as_str().unwrap()).canonicalize().unwrap(), root());
    assert!(root().join(build["dockerfile"].as_str().unwrap()).is_file());

    // The proxy knows each engine by its name and the ports of the image.
    let proxy = fs::read_to_string(folder().join("haproxy.cfg")).unwrap();
    for key in ["HTTP", "TCP"] {
        let listen = &settings[&format!("VIGIE__{key}__LISTEN")];
        let port = listen.strip_prefix("0.0.0.0:").unwrap();
        for engine in &engines {
            assert!(proxy.contains(&format!("server {engine} {engine}:{port}")), "{engine}:{port}");
        }
    }
    assert_eq!(proxy.matches("    server ").count(), 2 * engines.len());
}

#[test]
fn the_health_check_of_the_image_tells_an_engine_that_lives_from_one_that_does_not() {
    let check = dockerfile().into_iter().find(|line| line.name == "HEALTHCHECK").unwrap().rest;
    let check: Vec<String> = serde_json::from_str(check.split_once("CMD ").unwrap().1).unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(&data);
    let ask = |address: SocketAddr| {
        let script = check[2].replace("/8080 ", &format!("/{} ", address.port()));
        assert_ne!(script, check[2]);
        Command::new(&check[0]).args([&check[1], &script]).output().unwrap().status.success()
    };
    assert!(ask(engine.http));
    engine.process.kill().unwrap();
    engine.process.wait().unwrap();
    assert!(!ask(engine.http));
}

#[test]
fn redis_takes_its_configuration_and_keeps_all_or_refuses() {
    set_up();
    let data = tempfile::tempdir().unwrap();
    let mut redis = Redis::start(&data, &["--maxmemory", "8mb"]);
    let mut link = redis.connect();
    for (setting, value) in [
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("maxmemory-policy", "noeviction"),
        ("save", ""),
        ("client-output-buffer-limit", "pubsub 268435456 67108864 60"),
    ] {
        let (_, got): (String, String) =
            redis::cmd("CONFIG").arg("GET").arg(setting).query(&mut link).unwrap();
        assert!(got.contains(value) && got.is_empty() == value.is_empty(), "{setting} is {got}");
    }
    let mut kept = 0;
    let refused = loop {
        let set = redis::cmd("SET").arg(kept).arg("x".repeat(100_000)).query::<()>(&mut link);
        match set {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 1000, "it takes more than it has room for");
    };
    assert!(refused.to_string().contains("OOM"), "{refused}");
    let there = |link: &mut redis::Connection| redis::cmd("DBSIZE").query::<u64>(link).unwrap();
    assert!(kept > 10 && there(&mut link) == kept, "nothing is evicted");

    // What is taken is written at once, unless the disk is busy; not written, it would die with the
    // process.
    let began = Instant::now();
    while info(&mut link, "persistence").get::<u64>("aof_buffer_length") != Some(0) {
        assert!(began.elapsed() < PATIENCE, "what was taken is not written");
        std::thread::sleep(POLL);
    }
    redis.process.kill().unwrap();
    redis.process.wait().unwrap();
    let redis = Redis::start(&data, &[]);
    assert_eq!(there(&mut redis.connect()), kept, "what was taken outlives the process");
}

#[test]
fn the_proxy_takes_its_configuration() {
    set_up();
    let mut check = Command::new("haproxy");
    printed(check.args(["-c", "-f"]).arg(folder().join("haproxy.cfg")));
    let broken = tempfile::NamedTempFile::new().unwrap();
    let text = fs::read_to_string(folder().join("haproxy.cfg")).unwrap();
    fs::write(&broken, text.replace("leastconn", "whoever")).unwrap();
    let refused = Command::new("haproxy").arg("-c").arg("-f").arg(broken.path()).output().unwrap();
    assert!(!refused.status.success(), "what it does not know it would refuse");
}

/// An engine alone.
struct Engine {
    process: Child,
    http: SocketAddr,
}

impl Engine {
    fn start(data: &TempDir) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .arg("serve")
            .env("VIGIE__HTTP__LISTEN", "127.0.0.1:0")
            .env("VIGIE__TCP__ENABLED", "false")
            .env("VIGIE__DATA__DIR", data.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let http = line.trim().strip_prefix("listening http=").unwrap().parse().unwrap();
        Self { process, http }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A Redis with the cluster's configuration, but for its port and directory.
struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    fn start(data: &TempDir, further: &[&str]) -> Self {
        (0..PORTS_TRIED_MAX)
            .find_map(|_| Self::start_at(free_port(), data, further))
            .expect("redis-server goes on at one of the ports")
    }

    /// `None` if it ended: another program has taken the port.
    fn start_at(port: u16, data: &TempDir, further: &[&str]) -> Option<Self> {
        let text = fs::read_to_string(folder().join("redis.conf")).unwrap();
        let here = text.replace("\ndir /data\n", &format!("\ndir {}\n", data.path().display()));
        assert_ne!(text, here, "the volume is at /data");
        let configuration = data.path().join("redis.conf");
        fs::write(&configuration, here).unwrap();
        let process = Command::new("redis-server")
            .arg(configuration)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(further)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut redis = Self { process, port };
        let began = Instant::now();
        while !redis.serves() {
            if redis.process.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(began.elapsed() < PATIENCE, "redis-server does not serve");
            std::thread::sleep(POLL);
        }
        Some(redis)
    }

    /// Whether it is this one that answers at the port.
    fn serves(&self) -> bool {
        self.try_connect().is_ok_and(|mut link| {
            info(&mut link, "server").get::<u32>("process_id") == Some(self.process.id())
        })
    }

    fn connect(&self) -> redis::Connection {
        self.try_connect().unwrap()
    }

    fn try_connect(&self) -> redis::RedisResult<redis::Connection> {
        drop(TcpStream::connect(("127.0.0.1", self.port))?);
        let mut link =
            redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?.get_connection()?;
        redis::cmd("PING").query::<String>(&mut link)?;
        Ok(link)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a Redis tells of itself.
fn info(link: &mut redis::Connection, section: &str) -> redis::InfoDict {
    redis::cmd("INFO").arg(section).query(link).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> PathBuf {
    root().join("config/cluster")
}

/// Installs what is missing.
fn set_up() {
    let done = Command::new(root().join("tests/deploy/setup.sh")).output().unwrap();
    succeeded(done);
}

fn printed(command: &mut Command) -> String {
    succeeded(command.output().unwrap())
}

fn succeeded(done: Output) -> String {
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The Dockerfile's instructions, continued lines joined.
fn dockerfile() -> Vec<Instruction> {
    let text = fs::read_to_string(folder().join("Dockerfile")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", "");
    let mut stage = String::new();
    let mut instructions = Vec::new();
    for line in joined.lines() {
        let (name, rest) = line.split_once(' ').unwrap();
        if name == "FROM" {
            stage = rest.split_once(" AS ").map_or_else(|| "last".into(), |(_, name)| name.into());
        }
        let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        instructions.push(Instruction { stage: stage.clone(), name: name.into(), rest });
    }
    instructions
}

/// A directory with what a stage of the image copies from the repository, and nothing else.
fn context_of(stage: &str) -> PathBuf {
    let context = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy").join(stage);
    let _ = fs::remove_dir_all(&context);
    fs::create_dir_all(&context).unwrap();
    for line in dockerfile().iter().filter(|line| line.stage == stage && line.name == "COPY") {
        if line.rest.starts_with("--from=") {
            continue;
        }
        let paths: Vec<_> = line.rest.split(' ').collect();
        let (target, sources) = paths.split_last().unwrap();
        for source in sources {
            let into = context.join(target);
            let is_folder = target.ends_with('/');
            let into =
                if is_folder { into.join(Path::new(source).file_name().unwrap()) } else { into };
            copy(&root().join(source), &into);
        }
    }
    context
}

/// As Docker copies: what Dockerfile.dockerignore names is left out.
fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if !BUILT.contains(&name.to_str().unwrap()) {
            copy(&entry.path(), &to.join(&name));
        }
    }
}

/// The files that sources under `src` directories of a workspace include as text.
fn included_files(workspace: &Path) -> Vec<PathBuf> {
    let mut included = Vec::new();
    let mut folders = ["src", "protocol/src", "clients/rust/src", "load/src"]
        .map(|folder| workspace.join(folder))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                for part in text.split("include_str!(\"").skip(1) {
                    let name = part.split('"').next().unwrap();
                    included.push(path.parent().unwrap().join(name));
                }
            }
        }
    }
    assert!(included.iter().any(|path| path.ends_with("config/default.toml")));
    included
}

/// The settings that the image brings with it.
fn image_settings() -> BTreeMap<String, String> {
    let file = dockerfile();
    let settings = file.iter().filter(|line| line.name == "ENV").flat_map(|line| {
        line.rest.split(' ').map(|setting| {
            let (name, value) = setting.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
    });
    settings.collect()
}

/// A service's settings, with the defaults of what the machine may name.
fn environment(service: &Yaml<'_>) -> BTreeMap<String, String> {
    let variables = service["environment"].as_mapping().unwrap().iter().map(|(name, value)| {
        let value = value.as_str().expect("what looks like a number is written in quotes");
        let default = value.strip_prefix("${").and_then(|value| value.strip_suffix('}'));
        let value = default.map_or(value, |value| value.split_once(":-").unwrap().1);
        (name.as_str().unwrap().to_owned(), value.to_owned())
    });
    variables.collect()
}

fn compose() -> Yaml<'static> {
    let text = fs::read_to_string(folder().join("compose.yaml")).unwrap();
    let mut documents = Yaml::load_from_str(Box::leak(text.into_boxed_str())).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// The texts of a list; none if there is no list.
fn texts<'a>(list: &'a Yaml<'_>) -> Vec<&'a str> {
    let items = list.as_sequence().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item.as_str().unwrap()).collect()
}
