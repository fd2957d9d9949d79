/** Where composed text and unacknowledged messages are kept, per account, site and session. */

import { DRAFTS_MAX, PENDING_MAX } from "./bounds.ts";
import type { Pending, Storage } from "./types.ts";

/** What is kept of one session. */
export interface Draft {
  readonly text: string;
  readonly note: boolean;
  readonly pending: readonly Pending[];
}

export const NO_DRAFT: Draft = { text: "", note: false, pending: [] };

/** The drafts of one operator in one site. */
export class Drafts {
  readonly #storage: Storage;
  readonly #prefix: string;
  readonly #index: string;

  constructor(storage: Storage, account: string, site: string) {
    this.#storage = storage;
    this.#prefix = `vigie.desk.draft.${account}.${site}.`;
    this.#index = `vigie.desk.drafts.${account}.${site}`;
  }

  read(session: string): Draft | undefined {
    const kept = parse(this.#storage.get(this.#prefix + session)) as Partial<Draft> | undefined;
    if (typeof kept?.text !== "string") {
      return undefined;
    }
    const pending = Array.isArray(kept.pending) ? kept.pending.filter(isPending) : [];
    return { text: kept.text, note: kept.note === true, pending: pending.slice(0, PENDING_MAX) };
  }

  write(session: string, draft: Draft): void {
    const key = this.#prefix + session;
    if (draft.text === "" && draft.pending.length === 0) {
      this.#storage.remove(key);
      this.#storage.remove(`${key}.seen`);
      this.#list(this.sessions().filter((one) => one !== session));
    } else {
      this.#storage.set(key, JSON.stringify(draft));
      this.#list([...this.sessions().filter((one) => one !== session), session]);
    }
  }

  /** The sessions that have a draft, the latest last. */
  sessions(): string[] {
    const listed = parse(this.#storage.get(this.#index));
    return Array.isArray(listed) ? listed.filter((one) => typeof one === "string") : [];
  }

  /** Keeps against which offset a message was written. */
  keepSeen(session: string, key: string, seen: number): void {
    const kept = this.#seen(session);
    const latest = Object.entries({ ...kept, [key]: seen }).slice(-PENDING_MAX);
    this.#storage.set(`${this.#prefix}${session}.seen`, JSON.stringify(Object.fromEntries(latest)));
  }

  /** Against which offset a message was written. */
  seen(session: string, key: string): number {
    const seen = this.#seen(session)[key];
    return typeof seen === "number" ? seen : 0;
  }

  #seen(session: string): Record<string, unknown> {
    return (parse(this.#storage.get(`${this.#prefix}${session}.seen`)) ?? {}) as Record<
      string,
      unknown
    >;
  }

  #list(sessions: readonly string[]): void {
    for (const old of sessions.slice(0, -DRAFTS_MAX)) {
      this.#storage.remove(this.#prefix + old);
      this.#storage.remove(`${this.#prefix}${old}.seen`);
    }
    const kept = JSON.stringify(sessions.slice(-DRAFTS_MAX));
    if (kept !== (this.#storage.get(this.#index) ?? "[]")) {
      this.#storage.set(this.#index, kept);
    }
  }
}

function isPending(value: unknown): value is Pending {
  const { key, text, note, state, time } = (value ?? {}) as Partial<Pending>;
  return (
    typeof key === "string" &&
    typeof text === "string" &&
    typeof note === "boolean" &&
    typeof time === "number" &&
    (state === "sending" || state === "unseen" || state === "failed")
  );
}

function parse(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
