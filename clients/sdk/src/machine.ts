// The connection as a state machine without sockets, timers or promises: `handle(input, now)` says
// what is to be done, somebody else does it. So every course of events can be played in a test.

import { backoff } from "./backoff.ts";
import type { Message, NotificationMessage, ResponseMessage } from "./codec.ts";
import type { Effect, Input, MachineOptions, Machinery } from "./effects.ts";
import { disconnected, type ErrorName, isAboutToken, refused, VigieError } from "./errors.ts";
import { type Call, Outbox, type Outcome, REQUEST_ID_MAX, type Settled } from "./outbox.ts";
import type { Bye, Connected, ConnectParams } from "./protocol.ts";
import { Pulse } from "./pulse.ts";
import type { ConnectionState } from "./state.ts";

/** How long it may take from opening the socket to the answer of `connect`. Milliseconds. */
export const OPEN_MAX_MS = 15_000;

/** A connection that lasted this long was worth it: the next attempt comes soon. Milliseconds. */
export const WORTHWHILE_MS = 10_000;

/** After "as many connections as the node takes", the range of the wait begins further up. */
const BUSY_FAILURES = 4;

const CLOSE_BUSY = 4004;
const CLOSE_RESYNC = 4009;

type Phase =
  | { kind: "idle" }
  | { kind: "opening"; until: number; connectId?: number }
  | { kind: "online"; since: number }
  | { kind: "waiting"; until: number }
  | { kind: "closed" };

/** See the head of this file. */
export class Machine implements Machinery {
  readonly #options: MachineOptions;
  readonly #outbox: Outbox;
  #connect: ConnectParams;
  #phase: Phase = { kind: "idle" };
  #link = 0;
  #requests = 0;
  #failures = 0;
  #attempt = 0;
  /** Of the log; null before there is one to compare with. */
  #generation: number | undefined | null;
  #pulse: Pulse | undefined;
  #wakeAt: number | undefined;
  #effects: Effect[] = [];

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#connect = options.connect;
    this.#generation = options.generation ?? null;
    this.#outbox = new Outbox(options.random);
  }

  handle(input: Input, now: number): Effect[] {
    this.#effects = [];
    this.#take(input, now);
    if (this.#phase.kind === "online") {
      this.#flush(now);
    }
    this.#wake();
    return this.#effects;
  }

  get wakeAt(): number | undefined {
    return this.#wakeAt;
  }

  #take(input: Input, now: number): void {
    if ("link" in input && !(input.link === this.#link && this.#hasSocket())) {
      // That socket is gone.
      return;
    }
    switch (input.kind) {
      case "start":
        if (this.#phase.kind === "idle") {
          this.#begin(now);
        }
        return;
      case "opened":
        this.#opened(now);
        return;
      case "alive":
        this.#pulse?.heard(now);
        return;
      case "message":
        this.#pulse?.heard(now);
        this.#message(input.message, now);
        return;
      case "lost":
        this.#lost(input.code, input.reason, now, input.error);
        return;
      case "token":
        this.#token(input.token, now);
        return;
      case "describe":
        this.#connect = { ...this.#connect, ...input.connect };
        return;
      case "call":
        this.#call(input.call);
        return;
      case "unsendable":
        this.#answered(input.request, { error: input.error }, now);
        return;
      case "abort":
        this.#abort(input.call);
        return;
      case "notify":
        if (this.#phase.kind === "online") {
          this.#send({ kind: "notification", method: input.method, params: input.params }, now);
        }
        return;
      case "refresh":
        this.#fail(input.call, "unsupported", "give a function as token to have it refreshed");
        return;
      case "renew":
        this.#renew(input.reason, now);
        return;
      case "retry_now":
        this.#retry(now);
        return;
      case "network_back":
        this.#probe(now);
        this.#retry(now);
        return;
      case "network_gone":
        this.#probe(now);
        return;
      case "tick":
        this.#tick(now);
        return;
      case "close":
        this.#close("closed by this program");
        return;
    }
  }

  #begin(now: number): void {
    this.#attempt += 1;
    this.#tell({ kind: "connecting", attempt: this.#attempt });
    this.#link += 1;
    this.#phase = { kind: "opening", until: now + OPEN_MAX_MS };
    this.#effects.push({ kind: "open", link: this.#link });
  }

  /** The socket was not opened before this token was there. */
  #token(token: string, now: number): void {
    if (this.#phase.kind === "opening") {
      this.#phase.until = now + OPEN_MAX_MS;
      this.#connect = { ...this.#connect, token };
    }
  }

  #opened(now: number): void {
    if (this.#phase.kind === "opening" && this.#phase.connectId === undefined) {
      this.#phase.connectId = this.#request("connect", this.#connect, now);
    }
  }

  #message(message: Message, now: number): void {
    switch (message.kind) {
      case "request":
        this.#asked(message.id, message.method, now);
        return;
      case "response":
        this.#response(message, now);
        return;
      case "notification":
        if (message.method === "bye") {
          const { code, reason } = message.params as Bye;
          this.#lost(code, reason, now);
          return;
        }
        this.#effects.push({ kind: "push", push: message });
    }
  }

  #asked(id: number | string, method: string, now: number): void {
    const message = "a client answers nothing but ping";
    const refusal = { error: { code: -32601, message, retry: false } };
    this.#send({ kind: "response", id, ...(method === "ping" ? { result: {} } : refusal) }, now);
  }

  #response({ id, error, result }: ResponseMessage, now: number): void {
    if (this.#phase.kind === "opening" && id === this.#phase.connectId) {
      if (error === undefined) {
        this.#connected(result as Connected, now);
      } else {
        this.#refused(refused(error), now);
      }
      return;
    }
    if (this.#pulse?.answered(id)) {
      return;
    }
    if (id === null && error !== undefined) {
      // What we sent could not be read as a request: whoever sent it waits in vain.
      const push: NotificationMessage = {
        kind: "notification",
        method: "error",
        params: { method: "", error },
      };
      this.#effects.push({ kind: "push", push });
      return;
    }
    if (typeof id === "number") {
      this.#answered(id, error === undefined ? { result } : { error: refused(error) }, now);
    }
  }

  #connected(connected: Connected, now: number): void {
    const { identity, heartbeat, generation } = connected;
    const resync = this.#generation !== null && this.#generation !== generation;
    this.#generation = generation;
    this.#attempt = 0;
    this.#pulse = new Pulse(Math.max(1, heartbeat), now);
    this.#phase = { kind: "online", since: now };
    let place = String(generation);
    if (identity.role === "visitor") {
      place = identity.session;
      this.#connect = { ...this.#connect, resume: identity.resume };
    }
    this.#settle(this.#outbox.connected(place));
    this.#effects.push({ kind: "connected", connected, resync });
    this.#tell({ kind: "online", identity });
  }

  /** `connect` was refused. */
  #refused(error: VigieError, now: number): void {
    const { resume, ...forgotten } = this.#connect;
    const mendable = isAboutToken(error) && resume !== undefined;
    if (mendable) {
      this.#connect = forgotten;
    }
    if (mendable || error.retry) {
      this.#lost(0, error.message, now);
    } else {
      this.#close(error.message, error);
    }
  }

  #lost(code: number, reason: string, now: number, error?: VigieError): void {
    const final = code >= 4500 && code < 5000;
    if (final || error?.retry === false) {
      this.#close(reason, error ?? new VigieError("closed", reason, { code }));
      return;
    }
    if (code === CLOSE_BUSY) {
      this.#failures = Math.max(this.#failures, BUSY_FAILURES);
    } else if (code === CLOSE_RESYNC) {
      this.#failures = Math.min(this.#failures, 1);
    }
    this.#leave(now, reason);
    const wait = backoff(this.#failures, this.#options.random());
    this.#failures += 1;
    this.#phase = { kind: "waiting", until: now + wait };
    this.#tell({ kind: "waiting", attempt: this.#attempt + 1, until: now + wait, reason });
  }

  /** Drops the connection for a new one that is opened at once. */
  #renew(reason: string, now: number): void {
    if (this.#phase.kind === "online") {
      this.#leave(now, reason);
      this.#begin(now);
    } else {
      this.#retry(now);
    }
  }

  #retry(now: number): void {
    if (this.#phase.kind === "waiting") {
      this.#begin(now);
    }
  }

  /** Takes down what belongs to the present connection. */
  #leave(now: number, reason: string): void {
    if (this.#phase.kind === "online" && now - this.#phase.since >= WORTHWHILE_MS) {
      this.#failures = 0;
    }
    const error = disconnected(`the connection was lost before the answer came: ${reason}`);
    this.#shut(this.#outbox.lost(error));
  }

  #shut(settled: readonly Settled[]): void {
    if (this.#hasSocket()) {
      this.#effects.push({ kind: "shut", link: this.#link });
    }
    this.#settle(settled);
    this.#pulse = undefined;
  }

  #close(reason: string, error?: VigieError): void {
    if (this.#phase.kind === "closed") {
      return;
    }
    this.#shut(this.#outbox.closed({ error: error ?? new VigieError("closed", reason) }));
    this.#phase = { kind: "closed" };
    this.#tell({ kind: "closed", reason, ...(error === undefined ? {} : { error }) });
  }

  #call(call: Call): void {
    if (this.#phase.kind === "closed") {
      this.#fail(call.id, "closed", "not sent: this client is closed");
    } else {
      this.#settle(this.#outbox.add(call, this.#phase.kind === "online"));
    }
  }

  #abort(call: number): void {
    if (this.#outbox.forget(call)) {
      this.#fail(call, "aborted", "aborted; what was sent before may be said");
    }
  }

  #answered(request: number, outcome: Outcome, now: number): void {
    const done = this.#outbox.answered(request, outcome, now);
    if (done === "renew") {
      this.#renew("a new session is wanted", now);
    } else if (done !== undefined) {
      this.#settle([done]);
    }
  }

  #flush(now: number): void {
    for (const call of this.#outbox.due(now)) {
      this.#outbox.sent(call, this.#request(call.method, call.params, now));
    }
  }

  #tick(now: number): void {
    switch (this.#phase.kind) {
      case "opening":
        if (now >= this.#phase.until) {
          this.#lost(0, "the server did not answer in time", now);
        }
        return;
      case "waiting":
        if (now >= this.#phase.until) {
          this.#begin(now);
        }
        return;
      case "online":
        this.#look(now);
        return;
    }
  }

  #look(now: number): void {
    const beat = this.#pulse?.beat(now);
    if (beat === "dead") {
      this.#lost(0, "the server has gone silent", now);
    } else if (beat !== "well") {
      this.#ping(now, beat === "probe");
    }
  }

  /** There is reason to doubt the connection: its other end must answer soon. */
  #probe(now: number): void {
    if (this.#phase.kind === "online") {
      this.#ping(now, true);
    }
  }

  #ping(now: number, inDoubt: boolean): void {
    this.#pulse?.pinged(this.#request("ping", {}, now), now, inDoubt);
  }

  #send(message: Message, now: number): void {
    this.#pulse?.sent(now);
    this.#effects.push({ kind: "send", link: this.#link, message });
  }

  #request(method: string, params: unknown, now: number): number {
    this.#requests = (this.#requests % REQUEST_ID_MAX) + 1;
    this.#send({ kind: "request", id: this.#requests, method, params }, now);
    return this.#requests;
  }

  #hasSocket(): boolean {
    return this.#phase.kind === "opening" || this.#phase.kind === "online";
  }

  #fail(call: number, name: ErrorName, message: string): void {
    this.#settle([{ call, outcome: { error: new VigieError(name, message) } }]);
  }

  #settle(settled: readonly Settled[]): void {
    for (const one of settled) {
      this.#effects.push({ kind: "settle", ...one });
    }
  }

  #tell(state: ConnectionState): void {
    this.#effects.push({ kind: "state", state });
  }

  #wake(): void {
    const at = this.#due();
    if (at !== this.#wakeAt) {
      this.#wakeAt = at;
      this.#effects.push({ kind: "wake", at });
    }
  }

  #due(): number | undefined {
    switch (this.#phase.kind) {
      case "opening":
      case "waiting":
        return this.#phase.until;
      case "online":
        return Math.min(this.#pulse?.due() ?? Number.POSITIVE_INFINITY, this.#outbox.dueAt());
      default:
        return undefined;
    }
  }
}
