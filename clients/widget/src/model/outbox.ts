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
  /** `sent` is acknowledged, its event on the way. `failed` waits for the visitor to try again. */
  readonly state: "sending" | "sent" | "failed";
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
      [...this.#entries.value.values()].sort((a, b) => a.time - b.time || (a.key < b.key ? -1 : 1)),
    );
    const read = (name: string) => {
      if (name.startsWith(PREFIX)) {
        this.#keep(name.slice(PREFIX.length), parse(shelf.get(name)));
      }
    };
    shelf.names().forEach(read);
    shelf.onChange(read);
    this.dropSent();
  }

  /**
   * What is acknowledged is said, whether or not its event comes; but for this session, whose log
   * has lost what came last: there it is said again, which costs nothing if it is there.
   */
  dropSent(lossy = ""): void {
    for (const { key, state, session } of this.unsent.value) {
      if (state === "sent") {
        session === lossy ? this.update(key, { state: "sending" }) : this.remove(key);
      }
    }
  }

  /** Writes a message down, as one of this tab's; one that has failed begins anew. */
  add(key: string, text: string, time: number): void {
    // Two messages of one moment stay in order.
    const last = this.unsent.value.at(-1)?.time ?? 0;
    this.#put({ key, text, time: Math.max(time, last + 1), tab: this.#tab, state: "sending" });
  }

  /** Changes what is known of a message that is still there. */
  update(key: string, change: Partial<Unsent>): void {
    const entry = this.#entries.value.get(key);
    if (entry !== undefined) {
      this.#put({ ...entry, ...change });
    }
  }

  /** It is in the log. */
  remove(key: string): void {
    this.#shelf.remove(PREFIX + key);
    this.#keep(key, undefined);
  }

  /** The first message that this tab should send now. */
  due(now: number): Unsent | undefined {
    return this.unsent.value.find(
      ({ state, tab, time }) =>
        state === "sending" && (tab === this.#tab || now - time >= ADOPT_AFTER),
    );
  }

  #put(entry: Unsent): void {
    this.#shelf.set(PREFIX + entry.key, JSON.stringify(entry));
    this.#keep(entry.key, entry);
  }

  #keep(key: string, entry: Unsent | undefined): void {
    const entries = new Map(this.#entries.value);
    if (entry === undefined) {
      entries.delete(key);
    } else {
      entries.set(key, entry);
    }
    this.#entries.value = entries;
  }
}

function parse(text: string | undefined): Unsent | undefined {
  return text ? JSON.parse(text) : undefined;
}
