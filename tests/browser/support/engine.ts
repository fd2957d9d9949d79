// The real program, on ports and in a directory of its own, with the demo shop. It can be stopped,
// killed and started again on the same ports and data.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Door } from "./door.ts";
import { Elsewhere } from "./elsewhere.ts";
import { type Card, liveCards } from "./probe.ts";
import { until } from "./wait.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const PROGRAM = resolve(ROOT, process.env.VIGIE_BIN ?? "target/debug/vigie");
const START_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 15_000;

/** An entry of a session's log, as `vigie export` prints it. */
export interface Entry {
  offset: number;
  author: { kind: "visitor" | "operator" | "bot" | "system"; id?: string; name?: string };
  body: { type: string; text?: string; [field: string]: unknown };
}

export class Engine {
  /** Where visitors come in. Cut it, and they are offline; the desk is not. */
  readonly shop: Door;
  /** Where operators come in. */
  readonly desk: Door;
  /** A site apart from the engine, whose pages have the widget too. */
  readonly elsewhere: Elsewhere;
  /** What the program has printed since it was started last. */
  output = "";

  readonly #dir: string;
  readonly #ports: { http: number; tcp: number };
  readonly #settings: Record<string, string>;
  #process: ChildProcess | undefined;

  /** Starts an engine with an empty directory. `settings` are keys of the configuration: `presence.visitor_grace_ms`. */
  static async start(settings: Record<string, string | number> = {}): Promise<Engine> {
    if (!existsSync(PROGRAM)) {
      throw new Error(`${PROGRAM} is missing: run \`make test-browser\`, or name it: VIGIE_BIN`);
    }
    const ports = { http: await freePort(), tcp: await freePort() };
    const [shop, desk] = [await Door.open(ports.http), await Door.open(ports.http)];
    const dir = await mkdtemp(join(tmpdir(), "vigie-browser-"));
    const elsewhere = await Elsewhere.open(shop.url);
    const engine = new Engine(dir, ports, { shop, desk, elsewhere }, settings);
    await engine.#layOutDemo();
    await engine.restart();
    return engine;
  }

  private constructor(
    dir: string,
    ports: { http: number; tcp: number },
    ways: { shop: Door; desk: Door; elsewhere: Elsewhere },
    settings: Record<string, string | number>,
  ) {
    this.#dir = dir;
    this.#ports = ports;
    this.shop = ways.shop;
    this.desk = ways.desk;
    this.elsewhere = ways.elsewhere;
    this.#settings = Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [
        `VIGIE__${key.replace(".", "__").toUpperCase()}`,
        String(value),
      ]),
    );
  }

  /** Without any door between. */
  get url(): string {
    return `http://127.0.0.1:${this.#ports.http}`;
  }

  async restart(): Promise<void> {
    if (this.#process) throw new Error("the engine runs; stop or kill it first");
    this.output = "";
    const child = spawn(PROGRAM, ["serve", `--demo=${join(this.#dir, "demo")}`], {
      cwd: ROOT,
      env: this.#environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    await until(
      "the engine listens",
      () => {
        if (child.exitCode !== null) throw new Error(`the engine ended:\n${this.output}`);
        return this.#printed(/^listening http=(\S+) tcp=(\S+)$/m);
      },
      START_WITHIN_MS,
    );
  }

  /** Asks the program to end, and waits until it has. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends the program at once, as a power failure would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async close(): Promise<void> {
    if (this.#process) await this.#end("SIGKILL");
    await Promise.all([this.shop, this.desk, this.elsewhere].map((way) => way.close()));
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** The code of the printed link that makes the first admin. */
  async firstInvitation(): Promise<string> {
    return await until("the first invitation", () =>
      this.#printed(/^first admin: \S+#invitation=(\S+)$/m)?.at(1),
    );
  }

  /** What `vigie …` prints, on this engine's data. */
  async command(...args: string[]): Promise<string> {
    const run = promisify(execFile);
    const { stdout } = await run(PROGRAM, args, {
      cwd: ROOT,
      env: this.#environment(),
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }

  async token(name: string, role = "operator"): Promise<string> {
    const id = name.toLowerCase();
    const args = ["token", "--site", "demo", "--role", role, "--id", id, "--name", name];
    return (await this.command(...args)).trim();
  }

  /** The live sessions, as an operator sees them. */
  async cards(): Promise<Card[]> {
    return await liveCards(this.#ports.http, await this.token("Probe"));
  }

  /** The one live session; waits until there is one. */
  async session(): Promise<string> {
    return await until("a live session", async () => {
      const cards = await this.cards();
      if (cards.length > 1) throw new Error(`${cards.length} sessions are live, not one`);
      return cards[0]?.session;
    });
  }

  /** A session's log as it is on disk. */
  async log(session: string): Promise<Entry[]> {
    const lines = (await this.command("export", session)).trim().split("\n");
    return lines.map((line) => JSON.parse(line) as Entry);
  }

  #printed(pattern: RegExp): RegExpMatchArray | undefined {
    return this.output.match(pattern) ?? undefined;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child) return;
    child.kill(signal);
    await until(
      "the engine ends",
      () => (child.exitCode !== null || child.signalCode !== null ? true : undefined),
      STOP_WITHIN_MS,
    );
    this.#process = undefined;
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      VIGIE__HTTP__LISTEN: `127.0.0.1:${this.#ports.http}`,
      VIGIE__TCP__LISTEN: `127.0.0.1:${this.#ports.tcp}`,
      VIGIE__HTTP__WEB_DIR: join(ROOT, "clients"),
      VIGIE__DATA__DIR: join(this.#dir, "data"),
      VIGIE__GATEWAY__TRUSTED_PROXIES: "127.0.0.1",
      ...this.#settings,
    };
  }

  /** The demo as it is in the sources, for pages that come through this engine's doors. */
  async #layOutDemo(): Promise<void> {
    const demo = join(this.#dir, "demo");
    await cp(join(ROOT, "config/demo"), demo, { recursive: true });
    const file = join(demo, "site.toml");
    const origins = JSON.stringify([this.url, this.shop.url, this.elsewhere.url]);
    const site = await readFile(file, "utf8");
    await writeFile(file, site.replace(/^origins = .*$/m, `origins = ${origins}`));
  }
}

/** Below those that systems give to connections going out: nobody takes it before the engine does. */
const PORTS = { from: 12_000, below: 32_000 };

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.below - PORTS.from));
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
}
