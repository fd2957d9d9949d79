// Messages that the engine has not acknowledged. Each lies under a name of its own in the shelf
// that all tabs share, so that tabs never overwrite each other, and keeps the key that it is sent
// under: whoever sends it again, it is said once.

import { computed, type ReadonlySignal, signal } from "@preact/signals-core";
import type { Shelf } from "./shelf.ts";

/** The most messages that wait to be sent; more are refused before they are written down. */
export const UNSENT_MAX = 50;

/** How long the tab that wrote a message has it to itself. Milliseconds. */
export const ADOPT_AFTER = 10_000;

const PREFIX = "unsent:";

/** A message of the visitor that has no event yet. */
export interface Unsent {
  readonly key: string;
  readonly text: string;
  /** When it was written. */
  readonly time: number;
  /** The tab that wrote it. */
  readonly tab: string;
  /** The session that it was first sent to: another one cannot know that its key was used. */
  readonly session?: string;
  /** It was refused, or its session ended: it waits for the visitor to try again. */
  readonly failed?: boolean;
}

/** The messages that wait, shared over the tabs of a site. */
export class Outbox {
  /** In the order in which they were written. */
  readonly unsent: ReadonlySignal<readonly Unsent[]>;
  readonly #shelf: Shelf;
  readonly #tab: string;
  readonly #entries = signal<ReadonlyMap<string, Unsent>>(new Map());

  constructor(shelf: Shelf, tab: string) {
    this.#shelf = shelf;
    this.#tab = tab;
    this.unsent = computed(() =>
      [...this.#entries.value.values()].sort(
        (a, b) => a.time - b.time || a.key.localeCompare(b.key),
      ),
    );
    for (const name of shelf.names(PREFIX)) {
      this.#read(name);
    }
    shelf.onChange((name) => {
      if (name.startsWith(PREFIX)) {
        this.#read(name);
      }
    });
  }

  /** Writes a message down. */
  add(key: string, text: string, time: number): void {
    // Two messages of one moment stay in order.
    const last = this.unsent.value.at(-1)?.time ?? 0;
    this.#put({ key, text, time: Math.max(time, last + 1), tab: this.#tab });
  }

  /** Changes what is known of a message that is still there. */
  update(key: string, change: Partial<Unsent>): void {
    const entry = this.#entries.value.get(key);
    if (entry !== undefined) {
      this.#put({ ...entry, ...change });
    }
  }

  /** The visitor wants it sent, as if they had just written it here. */
  retry(key: string, now: number): void {
    const entry = this.#entries.value.get(key);
    if (entry !== undefined) {
      this.#put({ key, text: entry.text, time: now, tab: this.#tab });
    }
  }

  /** It is in the log, or the visitor has dropped it. */
  remove(key: string): void {
    this.#shelf.remove(PREFIX + key);
    this.#forget(key);
  }

  /** The first message that this tab should send now. */
  due(now: number): Unsent | undefined {
    return this.unsent.value.find(
      (entry) => !entry.failed && (entry.tab === this.#tab || now - entry.time >= ADOPT_AFTER),
    );
  }

  #put(entry: Unsent): void {
    // What the shelf has no room for is still sent, as long as the page lives.
    this.#shelf.set(PREFIX + entry.key, JSON.stringify(entry));
    this.#entries.value = new Map(this.#entries.value).set(entry.key, entry);
  }

  #read(name: string): void {
    const key = name.slice(PREFIX.length);
    const entry = parse(this.#shelf.get(name));
    if (entry?.key === key) {
      this.#entries.value = new Map(this.#entries.value).set(key, entry);
    } else {
      this.#forget(key);
    }
  }

  #forget(key: string): void {
    const entries = new Map(this.#entries.value);
    if (entries.delete(key)) {
      this.#entries.value = entries;
    }
  }
}

function parse(text: string | undefined): Unsent | undefined {
  try {
    const entry: Unsent = JSON.parse(text ?? "");
    const fits = typeof entry.key === "string" && typeof entry.text === "string" && entry.time > 0;
    return fits ? entry : undefined;
  } catch {
    return undefined;
  }
}
