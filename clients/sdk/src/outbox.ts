// The requests that are not answered: what waits to be sent, what was sent, what is tried again.

import { backoff } from "./backoff.ts";
import { disconnected, VigieError } from "./errors.ts";

/** How many calls of the program may wait at once; one more is refused with `full`. */
export const CALLS_MAX = 256;

/** How many requests of one connection may be in work at once: as many as the server takes. */
export const REQUESTS_MAX = 64;

/** The greatest id of a request; after it they begin again at 1. */
export const REQUEST_ID_MAX = 2 ** 32 - 1;

/** How often a visitor's message is tried in one more new session before it fails. */
export const RENEWALS_MAX = 3;

/**
 * What becomes of a call when the connection is lost or the server says "later":
 *
 * - `retry`: it is sent again until it is answered for good. For what may be repeated.
 * - `once`: it fails. It is not even begun without a connection.
 * - `link`: it belongs to this connection and fails with it; "later" is tried later.
 */
export type Policy = "retry" | "once" | "link";

/** A request of the program. */
export interface Call {
  id: number;
  method: string;
  params: unknown;
  policy: Policy;
  /** Calls of one lane are sent one after the other, in the order in which they were made. */
  lane?: string;
  /**
   * A call that means only this place: in another one it fails with `session_closed`. That of a
   * visitor is their session, that of others the generation of the log.
   */
  place?: string;
  /** Only the latest of those of its lane that wait to be sent is wanted. */
  latest?: boolean;
  /** A visitor's message: if the session is closed it is said in a new one. */
  renews?: boolean;
}

/** What came of a call. */
export type Outcome = { result: unknown; error?: never } | { error: VigieError; result?: never };

/** A call that has found its end. */
export interface Settled {
  call: number;
  outcome: Outcome;
}

interface Pending extends Call {
  request: number | undefined;
  notBefore: number;
  failures: number;
  renewals: number;
}

/** See the head of this file. Knows neither sockets nor timers. */
export class Outbox {
  readonly #random: () => number;
  readonly #pending = new Map<number, Pending>();
  readonly #sent = new Map<number, Pending>();
  #ofProgram = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Takes a call in, or refuses it. */
  add(call: Call, online: boolean): Settled[] {
    const refuse = (error: VigieError) => [{ call: call.id, outcome: { error } }];
    if (call.policy !== "retry" && !online) {
      return refuse(disconnected("not sent: not online"));
    }
    if (call.policy !== "link") {
      if (this.#ofProgram >= CALLS_MAX) {
        const message = `not sent: ${CALLS_MAX} calls wait already`;
        return refuse(new VigieError("full", message, { retry: true }));
      }
      this.#ofProgram += 1;
    }
    this.#pending.set(call.id, {
      ...call,
      request: undefined,
      notBefore: 0,
      failures: 0,
      renewals: 0,
    });
    return this.#dropOutdated();
  }

  /** The calls that may be sent now, in order. */
  due(now: number): Call[] {
    const due: Call[] = [];
    const lanes = new Set<string>();
    for (const call of this.#pending.values()) {
      const free = call.lane === undefined || !lanes.has(call.lane);
      if (call.lane !== undefined) {
        lanes.add(call.lane);
      }
      const room = this.#sent.size + due.length < REQUESTS_MAX;
      if (call.request === undefined && free && room && call.notBefore <= now) {
        due.push(call);
      }
    }
    return due;
  }

  /** When one that was put off is to be sent again. */
  dueAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { request, notBefore } of this.#pending.values()) {
      if (request === undefined && notBefore > 0) {
        at = Math.min(at, notBefore);
      }
    }
    return at;
  }

  /** A call was sent. */
  sent({ id }: Call, request: number): void {
    const call = this.#pending.get(id);
    if (call !== undefined) {
      call.request = request;
      call.notBefore = 0;
      this.#sent.set(request, call);
    }
  }

  /**
   * An answer came. Gives what is settled by it, if anything, or `renew`: the call is worth nothing
   * before there is a new session.
   */
  answered(request: number, outcome: Outcome, now: number): Settled | "renew" | undefined {
    const call = this.#sent.get(request);
    if (call === undefined) {
      return undefined;
    }
    this.#sent.delete(request);
    call.request = undefined;
    const { error } = outcome;
    if (error?.name === "session_closed" && call.renews && call.renewals < RENEWALS_MAX) {
      call.renewals += 1;
      return "renew";
    }
    if (error?.retry && call.policy !== "once") {
      call.notBefore = now + backoff(call.failures, this.#random());
      call.failures += 1;
      return undefined;
    }
    this.#remove(call);
    return { call: call.id, outcome };
  }

  /** Forgets a call; says whether it was there. */
  forget(id: number): boolean {
    const call = this.#pending.get(id);
    if (call === undefined) {
      return false;
    }
    this.#remove(call);
    return true;
  }

  /** The connection is lost: what may be repeated waits for the next one. */
  lost(error: VigieError): Settled[] {
    this.#sent.clear();
    for (const call of this.#pending.values()) {
      call.request = undefined;
    }
    const failed = this.#removeWhere((call) => call.policy !== "retry", { error });
    return [...failed, ...this.#dropOutdated()];
  }

  /** There is a connection, in this place. */
  connected(place: string): Settled[] {
    const message = "that session is closed";
    return this.#removeWhere((call) => call.place !== undefined && call.place !== place, {
      error: new VigieError("session_closed", message),
    });
  }

  /** There will be no other connection. */
  closed(outcome: Outcome): Settled[] {
    this.#sent.clear();
    return this.#removeWhere(() => true, outcome);
  }

  #dropOutdated(): Settled[] {
    const last = new Map<string, Pending>();
    for (const call of this.#pending.values()) {
      if (call.latest && call.lane !== undefined && call.request === undefined) {
        last.set(call.lane, call);
      }
    }
    const isOutdated = (call: Pending) =>
      call.latest === true && call.request === undefined && last.get(call.lane ?? "") !== call;
    const message = "not sent: a later one took its place";
    return this.#removeWhere(isOutdated, { error: new VigieError("aborted", message) });
  }

  #removeWhere(matches: (call: Pending) => boolean, outcome: Outcome): Settled[] {
    const removed = Array.from(this.#pending.values()).filter(matches);
    for (const call of removed) {
      this.#remove(call);
    }
    return removed.map(({ id }) => ({ call: id, outcome }));
  }

  #remove(call: Pending): void {
    this.#pending.delete(call.id);
    if (call.request !== undefined) {
      this.#sent.delete(call.request);
    }
    if (call.policy !== "link") {
      this.#ofProgram -= 1;
    }
  }
}
