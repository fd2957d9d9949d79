// Many visitors at once: the load generator, as a program beside the engine.

import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import type { Engine } from "./engine.ts";
import { until } from "./wait.ts";

const PROGRAM = resolve(
  import.meta.dirname,
  "../../..",
  process.env.VIGIE_LOAD_BIN ?? "target/debug/vigie-load",
);
const COME_WITHIN_MS = 180_000;
const STAY_SECONDS = 600;

/** How many come, how fast, and how much they say. All of them per second but `visitors`. */
export interface Size {
  visitors: number;
  arrive: number;
  say: number;
}

export class Crowd {
  readonly #process: ChildProcess;
  #output = "";

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
  }

  /** Resolves once all of them are there. */
  static async gather(engine: Engine, { visitors, arrive, say }: Size): Promise<Crowd> {
    const to = `${engine.url.replace("http", "ws")}/ws`;
    const numbers = {
      "--visitors": visitors,
      "--per-second": arrive,
      "--messages-per-second": say,
      "--duration": STAY_SECONDS,
    };
    const args = ["chat", "--to", to, ...Object.entries(numbers).flat().map(String)];
    const crowd = new Crowd(spawn(PROGRAM, args, { stdio: ["ignore", "ignore", "pipe"] }));
    await until("the crowd is there", () => crowd.#gathered(), COME_WITHIN_MS);
    return crowd;
  }

  #gathered(): true | undefined {
    if (this.#process.exitCode !== null) throw new Error(`the crowd left:\n${this.#output}`);
    return this.#output.includes("are there") || undefined;
  }

  async leave(): Promise<void> {
    const gone = new Promise((done) => this.#process.once("exit", done));
    this.#process.kill("SIGKILL");
    await gone;
  }
}
