// Runs the machine: sockets, timers and promises on one side, inputs and effects on the other.

import type { Clock } from "./clock.ts";
import type { Codec, Message, NotificationMessage } from "./codec.ts";
import type { Effect, Input, Machinery } from "./effects.ts";
import { refused, VigieError } from "./errors.ts";
import { Machine } from "./machine.ts";
import type { Call, Outcome } from "./outbox.ts";
import type { Connected, ConnectParams, Methods, Problem } from "./protocol.ts";
import type { ConnectionState } from "./state.ts";
import { byteLength } from "./text.ts";
import type { OpenTransport, Transport } from "./transport.ts";

/** A message that a client sends may be this long, in bytes; the server cuts the line at a longer one. */
export const MESSAGE_BYTES_MAX = 65_536;

/** Signals are dropped while more bytes than this wait to be sent. */
export const SIGNAL_BUFFER_MAX = 65_536;

/** Timers cannot be set further ahead than this, in milliseconds: then they look again. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** What a connection is made of. */
export interface ConnectionOptions {
  url: string;
  codec: Codec;
  transport: OpenTransport;
  clock: Clock;
  connect: ConnectParams;
  generation: number | undefined;
  tokens: TokenSource | undefined;
  hooks: Hooks;
}

/** Where tokens come from, for clients that have a function for it. */
export interface TokenSource {
  /** The machine with the layer that knows of tokens. */
  around(machine: Machinery): Machinery;
  /** Asks the function; what comes of it is fed back. */
  ask(ask: number, feed: (input: Input) => void): void;
}

/** Who listens. Called in the order of what happened; never while another call is on. */
export interface Hooks {
  /** `resync`: the log is of another generation than before. */
  connected(connected: Connected, resync: boolean): void;
  state(state: ConnectionState): void;
  push(push: NotificationMessage): void;
}

/** How a call is made. */
export type CallOptions = Omit<Call, "id" | "method" | "params"> & { signal?: AbortSignal };

/** See the head of this file. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #machine: Machinery;
  readonly #inputs: Input[] = [];
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  readonly #listening = new AbortController();
  #busy = false;
  #calls = 0;
  #read = 0;
  #setBack = 0;
  #transport: Transport | undefined;
  #timer: unknown;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { connect, generation, clock, tokens } = options;
    const machine = new Machine({ connect, generation, random: () => clock.random() });
    this.#machine = tokens?.around(machine) ?? machine;
    if (typeof window !== "undefined") {
      const { signal } = this.#listening;
      window.addEventListener("online", () => this.feed({ kind: "network_back" }), { signal });
      window.addEventListener("offline", () => this.feed({ kind: "network_gone" }), { signal });
    }
  }

  /** Calls a method; `settle` is called with what came of it, in order with what else comes. */
  start<M extends keyof Methods>(
    method: M,
    params: Methods[M]["params"],
    options: Omit<CallOptions, "signal">,
    settle: (outcome: Outcome) => void,
  ): number {
    const id = this.expect(settle);
    this.feed({ kind: "call", call: { id, method, params, ...options } });
    return id;
  }

  /** A number for something to be settled. */
  expect(settle: (outcome: Outcome) => void): number {
    this.#calls += 1;
    this.#waiting.set(this.#calls, settle);
    return this.#calls;
  }

  /** Calls a method and waits for its result. */
  call<M extends keyof Methods>(
    method: M,
    params: Methods[M]["params"],
    { signal, ...options }: CallOptions,
  ): Promise<Methods[M]["result"]> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(new VigieError("aborted", "aborted before anything was sent"));
        return;
      }
      const id = this.start(method, params, options, ({ error, result }) => {
        signal?.removeEventListener("abort", abort);
        if (error === undefined) {
          resolve(result as Methods[M]["result"]);
        } else {
          reject(error);
        }
      });
      const abort = () => this.feed({ kind: "abort", call: id });
      signal?.addEventListener("abort", abort);
    });
  }

  /** Sends something momentary, or drops it. */
  signal<M extends "typing" | "draft">(method: M, params: Methods[M]["params"]): void {
    if ((this.#transport?.buffered() ?? 0) <= SIGNAL_BUFFER_MAX) {
      this.feed({ kind: "notify", method, params });
    }
  }

  /** Takes one input after the other, also those that come up while one is being taken. */
  feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#busy) {
      return;
    }
    this.#busy = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        for (const effect of this.#machine.handle(next, this.#now())) {
          this.#perform(effect);
        }
      }
    } finally {
      this.#busy = false;
    }
  }

  /** The clock, which people set back now and then; this one goes on. */
  #now(): number {
    const read = this.#options.clock.now();
    this.#setBack += Math.max(0, this.#read - read);
    this.#read = read;
    return read + this.#setBack;
  }

  #perform(effect: Effect): void {
    const { hooks } = this.#options;
    switch (effect.kind) {
      case "open":
        this.#open(effect.link);
        return;
      case "shut":
        this.#transport?.close();
        this.#transport = undefined;
        return;
      case "send":
        this.#send(effect.link, effect.message);
        return;
      case "ask_token":
        this.#options.tokens?.ask(effect.ask, (input) => this.feed(input));
        return;
      case "connected":
        hooks.connected(effect.connected, effect.resync);
        return;
      case "state":
        if (effect.state.kind === "closed") {
          this.#listening.abort();
        }
        hooks.state(effect.state);
        return;
      case "push":
        hooks.push(effect.push);
        return;
      case "settle": {
        const settle = this.#waiting.get(effect.call);
        this.#waiting.delete(effect.call);
        settle?.(effect.outcome);
        return;
      }
      case "wake":
        this.#wake(effect.at);
        return;
    }
  }

  #open(link: number): void {
    const { url, codec, transport } = this.#options;
    try {
      this.#transport = transport(url, codec.subprotocol, {
        open: () => this.feed({ kind: "opened", link }),
        alive: () => this.feed({ kind: "alive", link }),
        message: (data) => this.#receive(link, data),
        close: (code, reason) => this.feed({ kind: "lost", link, code, reason }),
      });
    } catch (problem) {
      const error = asError(problem);
      this.feed({ kind: "lost", link, code: 0, reason: error.message, error });
    }
  }

  #receive(link: number, data: Uint8Array | string): void {
    let messages: Message[];
    try {
      messages = this.#options.codec.decode(data);
    } catch (problem) {
      const reason = asError(problem, "the server sent what is no message: ").message;
      this.feed({ kind: "lost", link, code: 0, reason });
      return;
    }
    for (const message of messages) {
      this.feed({ kind: "message", link, message });
    }
  }

  #send(link: number, message: Message): void {
    const data = this.#options.codec.encode(message);
    const bytes = typeof data === "string" ? byteLength(data) : data.length;
    if (bytes <= MESSAGE_BYTES_MAX) {
      try {
        this.#transport?.send(data);
      } catch (problem) {
        this.feed({ kind: "lost", link, code: 0, reason: asError(problem).message });
      }
    } else if (message.kind === "request") {
      const text = `not sent: a message has at most ${MESSAGE_BYTES_MAX} bytes, this one ${bytes}`;
      const error = new VigieError("invalid_params", text, { code: -32602 });
      this.feed({ kind: "unsendable", request: message.id as number, error });
    }
  }

  #wake(at: number | undefined): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (at !== undefined) {
      const delay = Math.min(TIMER_MAX_MS, Math.max(0, at - this.#now()));
      this.#timer = clock.setTimeout(() => {
        // A timer may be early by a rounding, and one that is far ahead is set in steps.
        this.#timer = undefined;
        this.feed({ kind: "tick" });
        if (this.#timer === undefined) {
          this.#wake(this.#machine.wakeAt);
        }
      }, delay);
    }
  }
}

/** The error that a notification of the server tells of. */
export function problem({ method, error }: Problem): { method: string; error: VigieError } {
  return { method, error: refused(error) };
}

/** Runs what the program gave us. What it throws is the program's, and must not stop ours. */
export function safely(run: () => void): void {
  try {
    run();
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}

/** What was thrown, as an error that says after what; it may be better the next time. */
export function asError(thrown: unknown, after = ""): VigieError {
  if (thrown instanceof VigieError) {
    return thrown;
  }
  const message = after + (thrown instanceof Error ? thrown.message : String(thrown));
  return new VigieError("disconnected", message, { retry: true, cause: thrown });
}
