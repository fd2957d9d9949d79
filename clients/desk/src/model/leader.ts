/**
 * Which of a browser's tabs rings.
 *
 * With Web Locks exactly one tab holds the lock; one that may not play sounds hands it on as soon as
 * another tab says that it may. Without them (pages by plain HTTP) tabs agree over a
 * BroadcastChannel; without that, each tab is on its own.
 */

import type { Clock, Leader } from "./types.ts";

const LOCK = "vigie-desk-rings";
const CHANNEL = "vigie-desk-tabs";

/** How often a tab says that it is there, where there are no locks. */
export const HERE_EVERY_MS = 20_000;

/** A tab that has said nothing for so long is taken for gone. Browsers slow hidden tabs to a minute. */
export const GONE_AFTER_MS = 150_000;

/** Tabs that are remembered. */
const TABS_MAX = 64;

/** What a browser offers for it; parts may be missing. */
export interface LeaderMeans {
  readonly locks?: Pick<LockManager, "request">;
  readonly channel?: (name: string) => BroadcastChannel;
}

/** The best leader that the browser allows. */
export function openLeader(means: LeaderMeans, clock: Clock, id: string): Leader {
  const channel = means.channel?.(CHANNEL);
  if (means.locks !== undefined) {
    return new LockLeader(means.locks, channel);
  }
  return channel === undefined ? ALONE : new ChannelLeader(channel, clock, id);
}

const ALONE: Leader = { leads: () => true, setFit: () => {}, stop: () => {} };

class LockLeader implements Leader {
  readonly #locks: Pick<LockManager, "request">;
  readonly #channel: BroadcastChannel | undefined;
  readonly #ended = new AbortController();
  #fit = false;
  #release: (() => void) | undefined;

  constructor(locks: Pick<LockManager, "request">, channel: BroadcastChannel | undefined) {
    this.#locks = locks;
    this.#channel = channel;
    channel?.addEventListener("message", ({ data }) => this.#heard(data));
    this.#queue();
  }

  leads(): boolean {
    return this.#release !== undefined;
  }

  setFit(fit: boolean): void {
    this.#fit = fit;
    if (fit && !this.#ended.signal.aborted) {
      this.#channel?.postMessage("fit");
    }
  }

  stop(): void {
    this.#ended.abort();
    this.#release?.();
    this.#release = undefined;
    this.#channel?.close();
  }

  #queue(): void {
    this.#locks
      .request(LOCK, { signal: this.#ended.signal }, () => this.#hold())
      .catch(() => {
        // Aborted by `stop`.
      });
  }

  #hold(): Promise<void> {
    if (!this.#fit) {
      this.#channel?.postMessage("who-is-fit");
    }
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  #heard(word: unknown): void {
    if (word === "who-is-fit" && this.#fit) {
      this.#channel?.postMessage("fit");
    } else if (word === "fit" && !this.#fit && this.#release !== undefined) {
      const release = this.#release;
      this.#release = undefined;
      this.#queue();
      release();
    }
  }
}

interface Tab {
  readonly fit: boolean;
  readonly since: number;
  heard: number;
}

/** What a tab says of itself; `ask`: the others are to say the same. */
interface Word {
  readonly id: string;
  readonly fit: boolean;
  readonly since: number;
  readonly ask: boolean;
  readonly gone: boolean;
}

class ChannelLeader implements Leader {
  readonly #channel: BroadcastChannel;
  readonly #clock: Clock;
  readonly #id: string;
  readonly #since: number;
  readonly #others = new Map<string, Tab>();
  #fit = false;
  #stopped = false;
  #cancel: () => void = () => {};

  constructor(channel: BroadcastChannel, clock: Clock, id: string) {
    this.#channel = channel;
    this.#clock = clock;
    this.#id = id;
    this.#since = clock.now();
    channel.addEventListener("message", ({ data }) => this.#heard(data as Partial<Word>));
    this.#say({ ask: true });
    this.#beat();
  }

  leads(): boolean {
    const gone = this.#clock.now() - GONE_AFTER_MS;
    const mine = rank({ fit: this.#fit, since: this.#since }, this.#id);
    return [...this.#others].every(([id, tab]) => tab.heard < gone || mine < rank(tab, id));
  }

  setFit(fit: boolean): void {
    this.#fit = fit;
    this.#say({});
  }

  stop(): void {
    if (!this.#stopped) {
      this.#cancel();
      this.#say({ gone: true });
      this.#stopped = true;
      this.#channel.close();
    }
  }

  #beat(): void {
    this.#cancel = this.#clock.after(HERE_EVERY_MS, () => {
      this.#say({});
      this.#beat();
    });
  }

  #say({ ask = false, gone = false }: Partial<Word>): void {
    const word: Word = { id: this.#id, fit: this.#fit, since: this.#since, ask, gone };
    if (!this.#stopped) {
      this.#channel.postMessage(word);
    }
  }

  #heard({ id, fit, since, ask, gone }: Partial<Word>): void {
    if (typeof id !== "string" || typeof since !== "number" || typeof fit !== "boolean") {
      return;
    }
    if (gone) {
      this.#others.delete(id);
    } else {
      this.#others.set(id, { fit, since, heard: this.#clock.now() });
    }
    const [oldest] = this.#others.keys();
    if (this.#others.size > TABS_MAX && oldest !== undefined) {
      this.#others.delete(oldest);
    }
    if (ask) {
      this.#say({});
    }
  }
}

/** The lowest leads: those that may play sounds first, then the oldest. */
function rank({ fit, since }: Pick<Tab, "fit" | "since">, id: string): string {
  return `${fit ? 0 : 1} ${String(since).padStart(16, "0")} ${id}`;
}
