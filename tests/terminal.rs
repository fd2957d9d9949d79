//! `vigie chat` and `vigie watch` as scripts use them: the real programs through pipes, against a
//! real engine; with `VIGIE_CLUSTER=3` against three over one Redis, each program at the next.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by its panic")]

use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

#[path = "support/redis.rs"]
mod redis;

use redis::RedisServer;

/// How long anything may take that should happen at once. Generous: machines are busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a list is read before it is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// A running program whose lines are read as they come.
struct Program {
    process: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    seen: Vec<String>,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (tell, output) = channel();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { input: process.stdin.take(), process, output, seen: vec![] }
    }

    fn enter(&mut self, line: &str) -> &mut Self {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        self
    }

    /// Waits for a line that holds these words, and returns it.
    fn sees(&mut self, words: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{words:?} did not come:\n{}", self.seen.join("\n"))
                }
            }
        }
    }

    /// Asks for the list until a line of it holds these words: a list shows what its node knows by
    /// then, and what happens at another node is known a moment later.
    fn lists(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            self.enter("list");
            let patience = Instant::now() + ASK_AGAIN;
            while let Ok(line) =
                self.output.recv_timeout(patience.saturating_duration_since(Instant::now()))
            {
                self.seen.push(line);
                if self.seen.last().is_some_and(|line| line.contains(words)) {
                    return;
                }
            }
        }
        panic!("{words:?} was not listed:\n{}", self.seen.join("\n"));
    }

    /// Ends the input; the program must then end by itself. Returns whether it succeeded.
    fn ends(mut self) -> bool {
        drop(self.input.take());
        while self.output.recv_timeout(PATIENCE).is_ok() {}
        self.process.wait().unwrap().success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The demo shop: one engine, or several over one Redis.
struct Shop {
    data: TempDir,
    redis: Option<RedisServer>,
    engines: Vec<Program>,
    /// Host and port of each.
    addresses: Vec<String>,
    next: Cell<usize>,
}

impl Shop {
    fn open() -> Self {
        let nodes = std::env::var("VIGIE_CLUSTER").map_or(1, |nodes| nodes.parse().unwrap());
        let mut shop = Self {
            data: tempfile::tempdir().unwrap(),
            redis: (nodes > 1).then(RedisServer::start),
            engines: vec![],
            addresses: vec![],
            next: Cell::new(0),
        };
        for _ in 0..nodes {
            let (engine, address) = shop.serve("127.0.0.1:0");
            shop.engines.push(engine);
            shop.addresses.push(address);
        }
        shop
    }

    /// Starts an engine; returns it with the address that it has.
    fn serve(&self, address: &str) -> (Program, String) {
        let mut command = self.vigie();
        command.args(["serve", "--demo"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env("VIGIE__HTTP__LISTEN", address).env("VIGIE__TCP__LISTEN", "127.0.0.1:0");
        let mut engine = Program::start(command);
        let listening = engine.sees("listening ");
        let http = listening.split_whitespace().find_map(|word| word.strip_prefix("http="));
        (engine, http.unwrap().to_owned())
    }

    /// Ends every engine as a power cut would.
    fn kill(&mut self) {
        for engine in &mut self.engines {
            engine.process.kill().unwrap();
            engine.process.wait().unwrap();
        }
    }

    /// Starts them again where they were.
    fn reopen(&mut self) {
        let engines = self.addresses.iter().map(|address| self.serve(address).0).collect();
        self.engines = engines;
    }

    /// Where the next program connects to.
    fn address(&self) -> String {
        let next = self.next.replace(self.next.get() + 1);
        format!("ws://{}/ws", self.addresses[next % self.addresses.len()])
    }

    fn program(&self, arguments: &[&str]) -> Program {
        let mut command = self.vigie();
        command.args(arguments).args(["--connect", &self.address()]).current_dir(self.data.path());
        Program::start(command)
    }

    fn vigie(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VIGIE") {
                command.env_remove(name);
            }
        }
        command.env("VIGIE__DATA__DIR", self.data.path());
        if let Some(redis) = &self.redis {
            command.env("VIGIE__REDIS__URL", redis.url());
        }
        command
    }

    fn visitor(&self) -> Program {
        self.program(&["chat", "--site", "demo", "--resume", "visitor", "--language", "en"])
    }

    fn operator(&self, name: &str) -> Program {
        self.program(&["watch", "--site", "demo", "--id", &name.to_lowercase(), "--name", name])
    }
}

#[test]
fn an_operator_observes_takes_over_answers_and_hands_back_through_pipes() {
    let shop = Shop::open();
    let mut visitor = shop.visitor();
    visitor.enter("How long does shipping take?");
    visitor.sees("Plume (bot): ");

    let mut ana = shop.operator("Ana");
    ana.lists("1) ");
    ana.enter("open 1").sees("Visitor: How long does shipping take?");
    ana.sees("Plume (bot): ");
    ana.enter("note looks like a regular").sees("note by Ana: looks like a regular");
    ana.enter("take").sees("Ana takes over");
    visitor.sees("Ana from the Mésange workshop");
    ana.enter("say Hello, this is Ana.");
    visitor.sees("Live agent Ana: Hello, this is Ana.");
    visitor.enter("At last, a human");
    ana.sees("Visitor: At last, a human");

    let mut bob = shop.operator("Bob");
    bob.lists("Ana |");
    bob.enter("take 1").sees("Ana was faster");
    assert!(bob.ends());

    ana.enter("release").sees("Ana hands back to the bot");
    visitor.sees("Ana has handed you back to Plume");
    visitor.enter("Do you ship to Canada?").sees("Plume (bot): ");
    ana.sees("Visitor: Do you ship to Canada?");
    let heard = visitor.seen.join("\n");
    assert!(!heard.contains("regular"), "a note is for operators only:\n{heard}");
    assert!(visitor.ends());
    assert!(ana.ends());
}

#[test]
fn a_visitor_who_comes_back_goes_on_where_they_were_and_picks_a_choice_by_number() {
    let shop = Shop::open();
    let mut first = shop.visitor();
    first.enter("How long does shipping take?").sees("Plume (bot): ");
    let choice = first.sees("  1) ");
    assert!(first.ends());

    let mut again = shop.visitor();
    again.sees("You: How long does shipping take?");
    let label = choice.trim_start_matches("  1) ").to_owned();
    again.enter("1").sees(&format!("You: {label}"));
    again.sees("Plume (bot): ");
    again.enter("/human").sees("You asked for a human.");
    assert!(again.ends());
}

#[test]
fn both_survive_a_restart_of_the_engine() {
    let mut shop = Shop::open();
    let mut visitor = shop.visitor();
    visitor.enter("hello").sees("Plume (bot): ");
    let mut ana = shop.operator("Ana");
    ana.lists("1) ");
    ana.enter("open 1").sees("Visitor: hello");

    shop.kill();
    visitor.sees("The connection is lost");
    ana.sees("-- offline");
    visitor.enter("Are you still there?");

    shop.reopen();
    visitor.sees("You: Are you still there?");
    visitor.sees("Plume (bot): ");
    ana.sees("Visitor: Are you still there?");
    let greetings = ana.seen.iter().filter(|line| line.contains("Visitor: hello")).count();
    assert_eq!(greetings, 1, "what was seen before is not told again:\n{}", ana.seen.join("\n"));
}

#[test]
fn who_is_turned_away_is_told_why() {
    let shop = Shop::open();
    for arguments in [&["chat", "--site", "nowhere"][..], &["watch", "--token", "no.such.token"]] {
        let mut command = shop.vigie();
        command.args(arguments).args(["--connect", &shop.address()]).stdin(Stdio::null());
        let done = command.output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(said.starts_with("vigie: "), "{said}");
    }
}
