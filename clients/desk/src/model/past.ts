/** The same visitor's other conversations: the last three at first, all of them page by page. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Event, OperatorClient, PastSession } from "@vigie/client";
import {
  HISTORY_PAGE,
  PAST_EVENTS_MAX,
  PAST_FIRST,
  PAST_MORE,
  PAST_SESSIONS_MAX,
} from "./bounds.ts";
import { threadItem } from "./thread.ts";
import type { Past, ThreadItem } from "./types.ts";

type State = "idle" | "loading" | "loaded" | "failed";

/** See the head of this file. */
export class PastList implements Past {
  readonly #session: string;
  readonly #client: () => OperatorClient;
  readonly #me: ReadonlySignal<string | null>;
  readonly #sessions = signal<readonly PastSession[]>([]);
  readonly #next = signal<number | undefined>(undefined);
  readonly #more = signal(false);
  readonly #state = signal<State>("idle");

  constructor(session: string, client: () => OperatorClient, me: ReadonlySignal<string | null>) {
    this.#session = session;
    this.#client = client;
    this.#me = me;
  }

  get sessions(): ReadonlySignal<readonly PastSession[]> {
    return this.#sessions;
  }

  get more(): ReadonlySignal<boolean> {
    return this.#more;
  }

  get state(): ReadonlySignal<State> {
    return this.#state;
  }

  async load(): Promise<void> {
    if (this.#state.value !== "loaded") {
      await this.#read({ limit: PAST_FIRST });
    }
  }

  async loadMore(): Promise<void> {
    const before = this.#next.value;
    if (before !== undefined && this.#more.value) {
      await this.#read({ before, limit: PAST_MORE });
    } else {
      await this.load();
    }
  }

  async open(session: string): Promise<readonly Event[]> {
    const events: Event[] = [];
    let after: number | undefined = 0;
    while (after !== undefined && events.length < PAST_EVENTS_MAX) {
      const page = await this.#client().history(session, after, HISTORY_PAGE);
      events.push(...page.events);
      after = page.next;
    }
    return events;
  }

  async thread(session: string): Promise<readonly ThreadItem[]> {
    const events = await this.open(session);
    return events.flatMap((event) => threadItem(event, this.#me.value) ?? []);
  }

  async #read(options: { before?: number; limit: number }): Promise<void> {
    if (this.#state.value === "loading") {
      return;
    }
    this.#state.value = "loading";
    try {
      const { sessions, next } = await this.#client().past(this.#session, options);
      const known = options.before === undefined ? [] : this.#sessions.value;
      this.#sessions.value = [...known, ...sessions];
      this.#next.value = next;
      this.#more.value = next !== undefined && this.#sessions.value.length < PAST_SESSIONS_MAX;
      this.#state.value = "loaded";
    } catch {
      this.#state.value = "failed";
    }
  }
}
