// The life of a token that comes from a function, as a layer around the machine: no socket is opened
// before there is a token, and a new one is presented before the old one expires. Pure like the
// machine. Only the clients of operators and bots bring it in: a visitor's page does not carry it.

import type { Message } from "./codec.ts";
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

/** A socket that is not opened before its token is there. */
interface Held {
  link: number;
  until: number;
}

/** When a token expires, and when a new one is asked for. */
interface Expiry {
  expires: number;
  refreshAt: number;
}

/** A refresh under way: who waits for it, and the call that presents the token. */
interface Refreshing {
  waiters: number[];
  call?: number;
}

/** See the head of this file. */
export class Tokens implements Machinery {
  readonly #machine: Machinery;
  #held: Held | undefined;
  /** The link whose `connect` is not answered yet. */
  #opening: number | undefined;
  /** A token was refused by the attempt before this one. */
  #refused = false;
  /** Known while online. */
  #expiry: Expiry | undefined;
  #clockAhead = 0;
  #refreshing: Refreshing | undefined;
  #asks = 0;
  #ownCalls = 0;
  #wakeAt: number | undefined;
  #effects: Effect[] = [];

  constructor(machine: Machinery) {
    this.#machine = machine;
  }

  handle(input: Input, now: number): Effect[] {
    this.#effects = [];
    this.#take(input, now);
    const at = this.#due();
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
    switch (input.kind) {
      case "token":
        if (input.ask === this.#asks) {
          this.#token(input, now);
        }
        return;
      case "token_failed":
        if (input.ask === this.#asks) {
          this.#failed(input.error, now);
        }
        return;
      case "refresh":
        this.#refresh([input.call], now);
        return;
      case "message":
        this.#pass(this.#mended(input.link, input.message) ?? input, now);
        return;
      case "lost":
        this.#pass(input.code === CLOSE_TOKEN_EXPIRED ? { ...input, code: 0 } : input, now);
        return;
      case "tick":
        this.#tick(now);
        return;
      default:
        this.#pass(input, now);
    }
  }

  /** Gives the machine an input, and looks at what comes of it. */
  #pass(input: Input, now: number): void {
    for (const effect of this.#machine.handle(input, now)) {
      switch (effect.kind) {
        case "open":
          this.#held = { link: effect.link, until: now + TOKEN_MAX_MS };
          this.#ask();
          break;
        case "settle":
          if (effect.call >= 0) {
            this.#effects.push(effect);
          } else if (effect.call === this.#refreshing?.call) {
            this.#refreshed(effect.outcome, now);
          }
          break;
        case "connected":
          this.#connected(effect.connected, now);
          this.#effects.push(effect);
          break;
        case "state":
          this.#changed(effect.state, now);
          this.#effects.push(effect);
          break;
        case "wake":
          break;
        default:
          this.#effects.push(effect);
      }
    }
  }

  #ask(): void {
    this.#asks += 1;
    this.#effects.push({ kind: "ask_token", ask: this.#asks });
  }

  #token(input: Extract<Input, { kind: "token" }>, now: number): void {
    if (this.#held !== undefined) {
      const { link } = this.#held;
      this.#held = undefined;
      this.#opening = link;
      this.#pass(input, now);
      this.#effects.push({ kind: "open", link });
    } else if (this.#refreshing !== undefined && this.#refreshing.call === undefined) {
      this.#ownCalls -= 1;
      this.#refreshing.call = this.#ownCalls;
      const params = { token: input.token };
      const call = { id: this.#ownCalls, method: "refresh", params, policy: "link" } as const;
      this.#pass({ kind: "call", call }, now);
    }
  }

  #failed(error: VigieError, now: number): void {
    if (this.#held !== undefined) {
      const { link } = this.#held;
      this.#pass({ kind: "lost", link, code: 0, reason: error.message, error }, now);
    } else if (this.#refreshing !== undefined && this.#refreshing.call === undefined) {
      this.#refreshed({ error }, now);
    }
  }

  /** What is only about the token ends the connection, and not the client: there are others. */
  #mended(link: number, message: Message): Input | undefined {
    let reason: string | undefined;
    if (message.kind === "notification" && message.method === "bye") {
      const bye = message.params as Bye;
      reason = bye.code === CLOSE_TOKEN_EXPIRED ? bye.reason : undefined;
    } else if (message.kind === "response" && message.error && link === this.#opening) {
      const again = !this.#refused && isAboutToken(refused(message.error));
      this.#refused ||= again;
      reason = again ? message.error.message : undefined;
    }
    return reason === undefined ? undefined : { kind: "lost", link, code: 0, reason };
  }

  #connected({ identity, time }: Connected, now: number): void {
    this.#refused = false;
    this.#clockAhead = time - now;
    if (identity.role !== "visitor") {
      this.#expireAt(identity.expires, now);
    }
  }

  #changed(state: ConnectionState, now: number): void {
    this.#opening = undefined;
    if (state.kind !== "online") {
      this.#held = undefined;
      this.#expiry = undefined;
      const error =
        state.kind === "closed"
          ? (state.error ?? new VigieError("closed", state.reason))
          : disconnected("the connection was lost before there was a new token");
      this.#refreshed({ error }, now);
    }
  }

  #refresh(waiters: number[], now: number): void {
    if (this.#expiry === undefined) {
      const text = "not sent: not online; the next connection asks for a new token anyway";
      this.#settle(waiters, { error: disconnected(text) });
      return;
    }
    const { waiters: others = [], call } = this.#refreshing ?? {};
    const asked = this.#refreshing !== undefined && call === undefined;
    this.#refreshing = { waiters: [...others, ...waiters] };
    if (!asked) {
      this.#ask();
    }
    if (call !== undefined) {
      // A token that is being presented is older than the wish for a new one.
      this.#pass({ kind: "abort", call }, now);
    }
  }

  #refreshed(outcome: Outcome, now: number): void {
    const { waiters = [] } = this.#refreshing ?? {};
    this.#refreshing = undefined;
    if (this.#expiry !== undefined) {
      const fresh = outcome.error === undefined ? (outcome.result as Refreshed) : this.#expiry;
      this.#expireAt(fresh.expires, now);
    }
    this.#settle(waiters, outcome.error === undefined ? { result: undefined } : outcome);
  }

  /** A token is refreshed after two thirds of what is left of its life. */
  #expireAt(expires: number, now: number): void {
    const left = Math.max(0, expires - (now + this.#clockAhead));
    this.#expiry = { expires, refreshAt: now + Math.max(REFRESH_PAUSE_MS, (left * 2) / 3) };
  }

  #settle(waiters: readonly number[], outcome: Outcome): void {
    for (const call of waiters) {
      this.#effects.push({ kind: "settle", call, outcome });
    }
  }

  #tick(now: number): void {
    if (this.#held === undefined) {
      this.#pass({ kind: "tick" }, now);
    } else if (now >= this.#held.until) {
      const reason = "the token function did not answer in time";
      this.#pass({ kind: "lost", link: this.#held.link, code: 0, reason }, now);
    }
    if (this.#expiry !== undefined && now >= this.#expiry.refreshAt) {
      // Should the function never answer, it is asked again.
      this.#expiry.refreshAt = now + TOKEN_MAX_MS;
      this.#refresh([], now);
    }
  }

  #due(): number | undefined {
    const { wakeAt } = this.#machine;
    if (this.#held !== undefined) {
      return this.#held.until;
    }
    return this.#expiry === undefined || wakeAt === undefined
      ? wakeAt
      : Math.min(this.#expiry.refreshAt, wakeAt);
  }
}
