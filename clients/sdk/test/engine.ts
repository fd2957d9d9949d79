// A real engine for tests: on free ports, with a folder of its own that goes when it is done with.
// Tests of the other packages use it as well.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** How long anything may take that should happen at once. Generous: machines are busy. */
export const PATIENCE_MS = 20_000;

/** The origin that the sites of a test engine let in. */
export const ORIGIN = "http://shop.example";

// From the folder and not from `import.meta.url`: where tests run as in a browser, that is no file.
const PROGRAM = process.env.VIGIE_BIN ?? join(import.meta.dirname, "../../../target/debug/vigie");

const run = promisify(execFile);

/** What a site is added with. */
export interface SiteOptions {
  /** Who answers; `peer` by default: only bots that connect. */
  bot?: "knowledge" | "peer";
  /** Origins beside {@link ORIGIN}. */
  origins?: string[];
}

/** A running engine. */
export class Engine {
  /** Settings of the environment, such as `VIGIE__GATEWAY__HEARTBEAT_MS`. */
  readonly settings: Record<string, string>;
  readonly #data: string;
  readonly #secrets = new Map<string, Promise<string>>();
  #process: ChildProcess | undefined;
  #arguments: string[] = [];
  /** `host:port` of HTTP and WebSocket. */
  http = "127.0.0.1:0";
  /** `host:port` of TCP. */
  tcp = "127.0.0.1:0";
  /** What it has printed on stdout since it was started last. */
  lines: string[] = [];

  private constructor(data: string, settings: Record<string, string>, args: string[]) {
    this.#data = data;
    this.#arguments = args;
    this.settings = settings;
  }

  /** Starts an engine, and adds the site `shop` with the key `shop`. */
  static async start(
    settings: Record<string, string> = {},
    options: { site?: SiteOptions | null; arguments?: string[] } = {},
  ): Promise<Engine> {
    if (!existsSync(PROGRAM)) {
      throw new Error(
        `${PROGRAM} is missing: build it with \`cargo build\`, or name another in VIGIE_BIN`,
      );
    }
    const data = await mkdtemp(join(tmpdir(), "vigie-test-"));
    const engine = new Engine(data, settings, options.arguments ?? []);
    if (options.site !== null) {
      await engine.addSite("shop", options.site);
    }
    await engine.serve();
    return engine;
  }

  /** Starts the program again, at the same addresses and with the same data. */
  async serve(): Promise<void> {
    const environment = this.#environment();
    const child = spawn(PROGRAM, ["serve", ...this.#arguments], {
      env: { ...environment, VIGIE__HTTP__LISTEN: this.http, VIGIE__TCP__LISTEN: this.tcp },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    this.lines = [];
    let problems = "";
    child.stderr.on("data", (text: Buffer) => {
      problems = (problems + text.toString()).slice(-4_000);
    });
    const listening = new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        this.lines.push(line);
        const [, http, tcp] = /^listening http=(\S+) tcp=(\S+)/.exec(line) ?? [];
        if (http !== undefined && tcp !== undefined) {
          this.http = http;
          this.tcp = tcp;
          resolve();
        }
      });
      child.once("exit", (code) => reject(new Error(`the engine ended with ${code}: ${problems}`)));
    });
    await within("the engine to listen", listening);
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Asks it to end. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Stops every thread of it: sockets stay open, nothing answers. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  /** Goes on after {@link Engine.freeze}. */
  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Ends it and removes its data. */
  async dispose(): Promise<void> {
    await this.#end("SIGKILL");
    await rm(this.#data, { recursive: true, force: true });
  }

  /** Address of the WebSocket. */
  get ws(): string {
    return `ws://${this.http}/ws`;
  }

  /** Runs a command of the program on the engine's data; returns what it prints. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await run(PROGRAM, args, { env: this.#environment() });
    return stdout.trim();
  }

  /** Adds a site whose id is its public key too. */
  async addSite(id: string, { bot = "peer", origins = [] }: SiteOptions = {}): Promise<void> {
    const allowed = [ORIGIN, ...origins].flatMap((origin) => ["--origin", origin]);
    await this.command("site", "add", id, "--key", id, "--bot", bot, ...allowed);
  }

  /** Makes a token for somebody of a site. */
  token(
    role: "operator" | "bot",
    id: string,
    options: { site?: string; rank?: string; name?: string } = {},
  ): Promise<string> {
    const { site = "shop", rank, name } = options;
    const more = [...(rank ? ["--rank", rank] : []), ...(name ? ["--name", name] : [])];
    return this.command("token", "--site", site, "--role", role, "--id", id, ...more);
  }

  /** Makes a token as a site's own systems would, with these claims; the secret is asked for once. */
  async mint(claims: Record<string, unknown>, site = "shop"): Promise<string> {
    const asked = this.#secrets.get(site) ?? this.command("site", "secret", site);
    this.#secrets.set(site, asked);
    const secret = await asked;
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const body = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ site, ...claims })}`;
    return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      VIGIE__DATA__DIR: this.#data,
      VIGIE__VISITOR__COUNTRY_FILE: "",
      VIGIE__VISITOR__DEVICE_RULES: "",
      VIGIE__GATEWAY__DRAIN_TIMEOUT_MS: "200",
      ...this.settings,
    };
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      child.kill("SIGCONT");
      child.kill(signal);
      await within("the engine to end", gone);
    }
  }
}

/** Waits until `look` returns something other than undefined or false. */
export async function eventually<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) {
      return found;
    }
    if (Date.now() > until) {
      throw new Error(`waited in vain for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits for a promise, but not for ever. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
