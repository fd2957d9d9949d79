// Signals are sent now and then, never with each keystroke; of what came in between only the last
// counts.

import type { Clock } from "./clock.ts";

/** The shortest time between two `typing` signals about one session. Milliseconds. */
export const TYPING_INTERVAL_MS = 250;

/** The shortest time between two `draft` signals of one turn. Milliseconds. */
export const DRAFT_INTERVAL_MS = 100;

/** Lets one through at once, and the latest of those that follow when the interval is over. */
export class Throttle<T> {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #send: (value: T) => void;
  #timer: unknown;
  #latest: { value: T } | undefined;

  constructor(clock: Clock, interval: number, send: (value: T) => void) {
    this.#clock = clock;
    this.#interval = interval;
    this.#send = send;
  }

  push(value: T): void {
    if (this.#timer === undefined) {
      this.#now(value);
    } else {
      this.#latest = { value };
    }
  }

  /** Forgets what has not been sent. */
  drop(): void {
    this.#latest = undefined;
  }

  #now(value: T): void {
    this.#send(value);
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      const latest = this.#latest;
      this.#latest = undefined;
      if (latest !== undefined) {
        this.#now(latest.value);
      }
    }, this.#interval);
  }
}
