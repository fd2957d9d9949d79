//! `vigie chat` and `vigie watch` as scripts use them: the real programs through pipes, against a
//! real engine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by its panic")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take that should happen at once. Generous: machines are busy.
const PATIENCE: Duration = Duration::from_secs(30);

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

/// The demo shop.
struct Shop {
    data: TempDir,
    engine: Program,
    address: String,
}

impl Shop {
    fn open() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = vigie(data.path());
        command.args(["serve", "--demo"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env("VIGIE__HTTP__LISTEN", "127.0.0.1:0");
        command.env("VIGIE__TCP__LISTEN", "127.0.0.1:0");
        let mut engine = Program::start(command);
        let listening = engine.sees("listening ");
        let http = listening.split_whitespace().find_map(|word| word.strip_prefix("http="));
        let address = format!("ws://{}/ws", http.unwrap());
        Self { data, engine, address }
    }

    fn program(&self, arguments: &[&str]) -> Program {
        let mut command = vigie(self.data.path());
        command.args(arguments).args(["--connect", &self.address]).current_dir(self.data.path());
        Program::start(command)
    }

    fn visitor(&self) -> Program {
        self.program(&["chat", "--site", "demo", "--resume", "visitor", "--language", "en"])
    }

    fn operator(&self, name: &str) -> Program {
        self.program(&["watch", "--site", "demo", "--id", &name.to_lowercase(), "--name", name])
    }
}

fn vigie(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VIGIE") {
            command.env_remove(name);
        }
    }
    command.env("VIGIE__DATA__DIR", data);
    command
}

#[test]
fn an_operator_observes_takes_over_answers_and_hands_back_through_pipes() {
    let shop = Shop::open();
    let mut visitor = shop.visitor();
    visitor.enter("How long does shipping take?");
    visitor.sees("Plume (bot): ");

    let mut ana = shop.operator("Ana");
    ana.enter("list").sees("1) ");
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
    bob.enter("list").sees("Ana |");
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
    ana.enter("list").sees("1) ");
    ana.enter("open 1").sees("Visitor: hello");

    shop.engine.process.kill().unwrap();
    shop.engine.process.wait().unwrap();
    visitor.sees("The connection is lost");
    ana.sees("-- offline");
    visitor.enter("Are you still there?");

    let address = shop.address.trim_start_matches("ws://").trim_end_matches("/ws").to_owned();
    let mut command = vigie(shop.data.path());
    command.args(["serve", "--demo"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env("VIGIE__HTTP__LISTEN", address).env("VIGIE__TCP__LISTEN", "127.0.0.1:0");
    shop.engine = Program::start(command);
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
        let mut command = vigie(shop.data.path());
        command.args(arguments).args(["--connect", &shop.address]).stdin(Stdio::null());
        let done = command.output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(said.starts_with("vigie: "), "{said}");
    }
}
