// Proof that nothing is missing, in the events of a session and in the deltas of the live list.

/** How often in a row what is missing is asked for before the connection is given up. */
export const REPAIRS_MAX = 5;

/**
 * What to do with something that came: `accept` it as the next one; `ignore` what is known or will
 * come again; ask again from the last one (`gap`); or give the connection up (`hopeless`).
 */
export type Verdict = "accept" | "ignore" | "gap" | "hopeless";

/** How far somebody has come in a session's log. */
export class Follow {
  /** The last offset that was accepted. */
  last: number;
  #repairing = false;
  #repairs = 0;

  constructor(last: number) {
    this.last = last;
  }

  /** Judges an event; if it is accepted, it is the last one from then on. */
  judge(prev: number, offset: number): Verdict {
    if (offset <= this.last) {
      return "ignore";
    }
    if (prev <= this.last) {
      this.last = offset;
      this.#repairs = 0;
      return "accept";
    }
    if (this.#repairing) {
      return "ignore";
    }
    if (this.#repairs === REPAIRS_MAX) {
      return "hopeless";
    }
    this.#repairing = true;
    this.#repairs += 1;
    return "gap";
  }

  /** What was asked for comes from here on. */
  asked(): void {
    this.#repairing = false;
  }
}

/** Which revision of the live list one has, if any. */
export class Revision {
  #last: number | undefined;

  /** A snapshot has come. */
  snapshot(revision: number): void {
    this.#last = revision;
  }

  /** The next that counts is a snapshot. */
  forget(): void {
    this.#last = undefined;
  }

  /** Judges a delta; after a gap all are ignored until the next snapshot. */
  judge(revision: number): Verdict {
    if (this.#last === undefined || revision <= this.#last) {
      return "ignore";
    }
    const next = revision === this.#last + 1;
    this.#last = next ? revision : undefined;
    return next ? "accept" : "gap";
  }
}
