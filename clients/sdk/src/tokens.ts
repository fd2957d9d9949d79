// The life of a token that comes from a function, as a layer around the machine: no socket is opened
// before there is a token, and a new one is presented before the old one expires. Pure like the
// machine. Only the clients of operators and bots bring it in: a visitor's page does not carry it.

import type { Effect, Input, Machinery } from "./effects.ts";
import { disconnected, isAboutToken, refused, VigieError } from "./errors.ts";
import type { Outcome } from "./outbox.ts";
import type { Bye, Connected, Refreshed } from "./protocol.ts";
import type { ConnectionState } from "./state.ts";

/** How long the token function may take. Milliseconds. */
export const TOKEN_MAX_MS = 30_000;

/** The shortest time between two attempts to refresh a token. Milliseconds. */
export const REFRESH_PAUSE_MS = 1_000;

const CLOSE_TOKEN_EXPIRED = 4503;

/** See the head of this file. */
export class Tokens implements Machinery {
  readonly #machine: Machinery;
  #effects: Effect[] = [];
  #wakeAt: number | undefined;
  #asks = 0;
  #link = 0;
  /** The socket is not opened before its token is there; until then that may come. */
  #heldUntil: number | undefined;
  /** The answer of `connect` has not come. */
  #opening = false;
  /** A token was refused by the attempt before this one. */
  #refused = false;
  /** When the token expires; known while online. */
  #expires: number | undefined;
  #refreshAt = Number.POSITIVE_INFINITY;
  #clockAhead = 0;
  /** The calls that wait for a refresh. */
  #waiters: number[] = [];
  /** A refresh waits for the function. */
  #asking = false;
  /** The call of our own that presents a token; counts down from -1. */
  #presenting = 0;

  constructor(machine: Machinery) {
    this.#machine = machine;
  }

  handle(input: Input, now: number): Effect[] {
    this.#effects = [];
    this.#take(input, now);
    const { wakeAt } = this.#machine;
    const at = this.#heldUntil ?? (wakeAt && Math.min(wakeAt, this.#refreshAt));
    if (at !== this.#wakeAt) {
      this.#wakeAt = at;
      this.#effects.push({ kind: "wake", at });
    }
    return this.#effects;
  }

  get wakeAt(): number | undefined {
    return this.#wakeAt;
  }

  #take(input: Input, now: number): void {
    if ("ask" in input && input.ask !== this.#asks) {
      // Nobody waits for that token any more.
      return;
    }
    switch (input.kind) {
      case "token":
        this.#token(input, now);
        return;
      case "token_failed":
        this.#failed(input.error, now);
        return;
      case "refresh":
        this.#wish(input.call, now);
        return;
      case "tick":
        this.#tick(input, now);
        return;
      default:
        this.#pass(this.#mended(input), now);
    }
  }

  /** Gives the machine an input, and looks at what comes of it. */
  #pass(input: Input, now: number): void {
    for (const effect of this.#machine.handle(input, now)) {
      if (effect.kind === "open") {
        this.#link = effect.link;
        this.#heldUntil = now + TOKEN_MAX_MS;
        this.#ask();
      } else if (effect.kind === "settle" && effect.call < 0) {
        // Of a token that was presented; not of one that was called off for a newer one.
        if (!this.#asking) {
          this.#refreshed(effect.outcome, now);
        }
      } else if (effect.kind !== "wake") {
        if (effect.kind === "connected") {
          this.#connected(effect.connected, now);
        } else if (effect.kind === "state") {
          this.#changed(effect.state);
        }
        this.#effects.push(effect);
      }
    }
  }

  #ask(): void {
    this.#asks += 1;
    this.#effects.push({ kind: "ask_token", ask: this.#asks });
  }

  #token(input: Extract<Input, { kind: "token" }>, now: number): void {
    if (this.#heldUntil !== undefined) {
      this.#heldUntil = undefined;
      this.#opening = true;
      this.#pass(input, now);
      this.#effects.push({ kind: "open", link: this.#link });
    } else if (this.#asking) {
      this.#asking = false;
      this.#presenting -= 1;
      const call = {
        id: this.#presenting,
        method: "refresh",
        params: { token: input.token },
        policy: "link",
      } as const;
      this.#pass({ kind: "call", call }, now);
    }
  }

  #failed(error: VigieError, now: number): void {
    if (this.#heldUntil !== undefined) {
      this.#pass(lost(this.#link, error.message, error), now);
    } else if (this.#asking) {
      this.#refreshed({ error }, now);
    }
  }

  /** What is only about the token ends the connection and not the client: there are others. */
  #mended(input: Input): Input {
    if (input.kind === "lost" && input.code === CLOSE_TOKEN_EXPIRED) {
      return lost(input.link, input.reason);
    }
    if (input.kind !== "message") {
      return input;
    }
    const { link, message } = input;
    if (message.kind === "notification" && message.method === "bye") {
      const { code, reason } = message.params as Bye;
      return code === CLOSE_TOKEN_EXPIRED ? lost(link, reason) : input;
    }
    const error = message.kind === "response" && this.#opening && message.error;
    if (error && link === this.#link && !this.#refused && isAboutToken(refused(error))) {
      this.#refused = true;
      return lost(link, error.message);
    }
    return input;
  }

  #connected({ identity, time }: Connected, now: number): void {
    this.#refused = false;
    this.#clockAhead = time - now;
    if (identity.role !== "visitor") {
      this.#expireAt(identity.expires, now);
    }
  }

  #changed(state: ConnectionState): void {
    this.#opening = false;
    if (state.kind !== "online") {
      this.#heldUntil = undefined;
      this.#expires = undefined;
      this.#refreshAt = Number.POSITIVE_INFINITY;
      const error =
        state.kind === "closed"
          ? (state.error ?? new VigieError("closed", state.reason))
          : disconnected("the connection was lost");
      this.#settle({ error });
    }
  }

  #wish(call: number, now: number): void {
    this.#waiters.push(call);
    if (this.#expires === undefined) {
      // The next connection asks for a new token anyway.
      this.#settle({ error: disconnected("not sent: not online") });
    } else if (!this.#asking) {
      this.#refresh(now);
    }
  }

  #refresh(now: number): void {
    this.#asking = true;
    this.#ask();
    // A token that is being presented is older than the wish for a new one.
    this.#pass({ kind: "abort", call: this.#presenting }, now);
  }

  #refreshed({ error, result }: Outcome, now: number): void {
    if (this.#expires !== undefined) {
      this.#expireAt(error === undefined ? (result as Refreshed).expires : this.#expires, now);
    }
    this.#settle(error === undefined ? { result: undefined } : { error });
  }

  /** A token is refreshed after two thirds of what is left of its life. */
  #expireAt(expires: number, now: number): void {
    const left = Math.max(0, expires - (now + this.#clockAhead));
    this.#expires = expires;
    this.#refreshAt = now + Math.max(REFRESH_PAUSE_MS, (left * 2) / 3);
  }

  #settle(outcome: Outcome): void {
    this.#asking = false;
    for (const call of this.#waiters.splice(0)) {
      this.#effects.push({ kind: "settle", call, outcome });
    }
  }

  #tick(tick: Input, now: number): void {
    if (this.#heldUntil === undefined) {
      this.#pass(tick, now);
    } else if (now >= this.#heldUntil) {
      this.#pass(lost(this.#link, "the token function did not answer in time"), now);
    }
    if (now >= this.#refreshAt) {
      // Should the function never answer, it is asked again.
      this.#refreshAt = now + TOKEN_MAX_MS;
      this.#refresh(now);
    }
  }
}

function lost(link: number, reason: string, error?: VigieError): Input {
  return { kind: "lost", link, code: 0, reason, error };
}
