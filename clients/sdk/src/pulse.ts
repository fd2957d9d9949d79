// Whether the other end is still there, also when only one direction is lost. Knows no timer:
// `due` says when to look again, `beat` what is to be done then.

/**
 * How long a ping may stay unanswered when there is a reason to doubt the connection: the machine
 * slept, or the browser says that the network changed. Milliseconds.
 */
export const PROBE_MS = 5_000;

/** A look that comes this much too late shows that this program slept, not that the server did. */
const LATE_MS = 2_000;

/** What a beat found to be done: nothing, a ping, a ping in doubt, or a farewell. */
export type Beat = "well" | "ping" | "probe" | "dead";

/** Signs of life of one connection. All times are given by the caller. */
export class Pulse {
  readonly #heartbeat: number;
  #heard: number;
  #sent: number;
  #ping: { id: number; until: number; inDoubt: boolean } | undefined;

  constructor(heartbeat: number, now: number) {
    this.#heartbeat = heartbeat;
    this.#heard = now;
    this.#sent = now;
  }

  heard(now: number): void {
    this.#heard = now;
  }

  sent(now: number): void {
    this.#sent = now;
  }

  /** A ping was sent. In doubt, its answer must come sooner. */
  pinged(id: number, now: number, inDoubt = false): void {
    const patience = inDoubt ? Math.min(PROBE_MS, this.#heartbeat) : this.#heartbeat;
    this.#ping = { id, until: now + patience, inDoubt };
  }

  /** Whether this was the answer to the ping. */
  answered(id: number | string | null): boolean {
    if (this.#ping === undefined || this.#ping.id !== id) {
      return false;
    }
    this.#ping = undefined;
    return true;
  }

  /** When to look next. */
  due(): number {
    const next = this.#ping?.until ?? this.#sent + this.#heartbeat;
    return Math.min(next, this.#heard + 2 * this.#heartbeat);
  }

  /** Looks. After a sleep the connection gets one more chance: what is due then is a probe. */
  beat(now: number): Beat {
    const due = this.due();
    if (now < due) {
      return "well";
    }
    if (now >= due + LATE_MS && this.#ping?.inDoubt !== true) {
      this.#heard = now;
      return "probe";
    }
    const silent = now >= this.#heard + 2 * this.#heartbeat;
    const unanswered = this.#ping !== undefined && now >= this.#ping.until;
    return silent || unanswered ? "dead" : "ping";
  }
}
