/**
 * What an operator writes in one session: the composed text, and what waits to be sent.
 *
 * It outlives its tab in the desk, a reload and an expired sign-in: everything that the engine has
 * not acknowledged is in storage, each message with its key, and is sent again under that key.
 */

import { type Signal, signal } from "@preact/signals";
import { newKey, type OperatorClient, VigieError } from "@vigie/client";
import { PENDING_MAX, TEXT_BYTES_MAX } from "./bounds.ts";
import { type Drafts, NO_DRAFT } from "./drafts.ts";
import { refusalOf, unseenOf } from "./refusal.ts";
import type { Clock, Pending, Refusal, Unseen } from "./types.ts";

/** See the head of this file. */
export class Composition {
  readonly session: string;
  readonly text: Signal<string>;
  readonly noteMode: Signal<boolean>;
  readonly pending: Signal<readonly Pending[]>;
  readonly unseen = signal<Unseen | null>(null);
  /** Whether a thread is open that will show what is said. */
  shown = false;
  /** How many attempts are on their way. */
  #running = 0;
  /** How far the thread has come. */
  #arrivedTo = 0;
  #client: OperatorClient | undefined;
  readonly #drafts: Drafts;
  readonly #clock: Clock;
  readonly #counts = new Map<string, number>();
  readonly #offsets = new Map<string, number>();
  readonly #off: () => void;

  constructor(session: string, drafts: Drafts, clock: Clock) {
    this.session = session;
    this.#drafts = drafts;
    this.#clock = clock;
    const draft = drafts.read(session) ?? NO_DRAFT;
    this.text = signal(draft.text);
    this.noteMode = signal(draft.note);
    this.pending = signal(draft.pending);
    const keep = () =>
      drafts.write(session, {
        text: this.text.value,
        note: this.noteMode.value,
        pending: this.pending.value,
      });
    const offs = [this.text, this.noteMode, this.pending].map((part) => part.subscribe(keep));
    this.#off = () => {
      for (const off of offs) {
        off();
      }
    };
    this.#tellUnseen();
  }

  /** Nothing is composed and nothing waits: it may be forgotten. */
  get idle(): boolean {
    return this.#running === 0 && this.text.value === "" && this.pending.value.length === 0;
  }

  /** There is a client: what was on its way with another is sent again. */
  attach(client: OperatorClient): void {
    if (this.#client === client) {
      return;
    }
    this.#client = client;
    for (const { key, state } of this.pending.value) {
      if (state === "sending") {
        this.#run(key, this.#drafts.seen(this.session, key), false);
      }
    }
  }

  /** Sends what is composed; returns what speaks against it. */
  send(seen: number): Refusal | null {
    const text = this.text.value;
    const note = this.noteMode.value;
    const action = note ? "note" : "send";
    if (text.trim() === "") {
      return null;
    }
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > TEXT_BYTES_MAX) {
      return { action, kind: "too-long", bytes, max: TEXT_BYTES_MAX };
    }
    if (this.pending.value.length >= PENDING_MAX) {
      return { action, kind: "too-many" };
    }
    const key = newKey();
    const time = this.#clock.now();
    this.#drafts.keepSeen(this.session, key, seen);
    this.pending.value = [...this.pending.value, { key, text, note, state: "sending", time }];
    this.text.value = "";
    this.#run(key, seen, false);
    return null;
  }

  /** Says what waits for confirmation, in the order in which it was written. */
  confirm(seen: number): void {
    for (const { key, state } of this.pending.value) {
      if (state === "unseen") {
        this.#again(key, seen, true);
      }
    }
  }

  /** Sends what was refused once more, under its key. */
  retry(key: string, seen: number): void {
    if (this.#find(key)?.state !== "sending") {
      this.#again(key, seen, false);
    }
  }

  /** Drops what was refused; its text goes back into an empty composer. */
  discard(key: string): void {
    const found = this.#find(key);
    if (found === undefined || found.state === "sending") {
      return;
    }
    if (this.text.value.trim() === "") {
      this.text.value = found.text;
      this.noteMode.value = found.note;
    }
    this.#remove(key);
  }

  /** The log has come to `offset`, with what was sent under these keys. */
  arrived(keys: ReadonlySet<string>, offset: number): void {
    for (const { key } of this.pending.value) {
      const at = this.#offsets.get(key);
      if (keys.has(key) || (at !== undefined && at <= offset)) {
        this.#remove(key);
      }
    }
    this.#arrivedTo = Math.max(this.#arrivedTo, offset);
  }

  /**
   * The log is another one, of which nothing was seen. What was acknowledged and has not come in the
   * thread may be lost with the other: it is said again, which costs nothing if it is there.
   */
  renew(): void {
    const acknowledged = [...this.#offsets.keys()];
    this.#offsets.clear();
    this.#arrivedTo = 0;
    for (const { key } of this.pending.value) {
      this.#drafts.keepSeen(this.session, key, 0);
    }
    for (const key of acknowledged) {
      this.#run(key, 0, false);
    }
  }

  stop(): void {
    this.#off();
  }

  #again(key: string, seen: number, confirm: boolean): void {
    const found = this.#find(key);
    if (found === undefined) {
      return;
    }
    const { key: _, text, note, time } = found;
    this.#change({ key, text, note, time, state: "sending" });
    this.#drafts.keepSeen(this.session, key, seen);
    this.#run(key, seen, confirm);
  }

  #run(key: string, seen: number, confirm: boolean): void {
    const client = this.#client;
    const found = this.#find(key);
    if (client === undefined || found === undefined) {
      return;
    }
    const said = found.note
      ? client.note(this.session, found.text, { key })
      : client.say(this.session, found.text, { key, seen, confirm });
    this.#running += 1;
    said
      .then(
        ({ offset }) => this.#said(key, offset),
        (error: unknown) => this.#refused(key, error),
      )
      .finally(() => {
        this.#running -= 1;
      });
  }

  #said(key: string, offset: number): void {
    if (offset <= this.#arrivedTo || !this.shown) {
      this.#remove(key);
    } else if (this.#find(key) !== undefined) {
      // It stays in sight until the thread shows it.
      this.#offsets.set(key, offset);
    }
  }

  #refused(key: string, error: unknown): void {
    const found = this.#find(key);
    if (found === undefined || (error instanceof VigieError && error.name === "closed")) {
      return;
    }
    const count = unseenOf(error);
    if (count !== undefined) {
      this.#counts.set(key, count);
      this.#change({ ...found, state: "unseen" });
    } else {
      const refusal = refusalOf(found.note ? "note" : "send", error);
      this.#change({ ...found, state: "failed", refusal });
    }
  }

  #find(key: string): Pending | undefined {
    return this.pending.value.find((one) => one.key === key);
  }

  #change(changed: Pending): void {
    this.pending.value = this.pending.value.map((one) => (one.key === changed.key ? changed : one));
    this.#tellUnseen();
  }

  #remove(key: string): void {
    this.#counts.delete(key);
    this.#offsets.delete(key);
    this.pending.value = this.pending.value.filter((one) => one.key !== key);
    this.#tellUnseen();
  }

  #tellUnseen(): void {
    const waits = this.pending.value.find(({ state }) => state === "unseen");
    this.unseen.value =
      waits === undefined ? null : { key: waits.key, count: this.#counts.get(waits.key) ?? 1 };
  }
}
