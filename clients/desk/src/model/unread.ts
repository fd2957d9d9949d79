/**
 * How many messages of visitors an operator has not looked at.
 *
 * Counted are the sessions that concern the operator: those that are open in a tab, and those that
 * rang. A site's other conversations, which the bot leads by itself, would only be noise.
 */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Card } from "@vigie/client";
import { UNREAD_SESSIONS_MAX } from "./bounds.ts";
import { askedOf } from "./card.ts";

interface Count {
  /** How many messages the visitor had said when the operator looked last. */
  looked: number;
  /** How many they have said by now. */
  asked: number;
  /** Whether a tab is open. */
  open: boolean;
  /** How many were unread when the log became another one, until it says how many there are. */
  before?: number;
}

/** The counts of one site. */
export class Unread {
  readonly #counts = new Map<string, Count>();
  readonly #total = signal(0);
  readonly #version = signal(0);

  /** Over all sessions. */
  get total(): ReadonlySignal<number> {
    return this.#total;
  }

  /** Rises with every change. */
  get version(): ReadonlySignal<number> {
    return this.#version;
  }

  /** Of one session. */
  of(session: string): number {
    const count = this.#counts.get(session);
    return count === undefined ? 0 : (count.before ?? Math.max(0, count.asked - count.looked));
  }

  /** It rang: its latest message, at least, was not looked at. */
  rang(card: Card): void {
    const { session } = card;
    const asked = askedOf(card);
    const count = this.#counts.get(session);
    if (count === undefined) {
      this.#set(session, { looked: Math.max(0, asked - 1), asked, open: false });
    } else if (count.before !== undefined) {
      this.said(session, asked);
    } else {
      this.#set(session, { ...count, asked: Math.max(count.asked, asked) });
    }
  }

  /** A tab was opened; what was said so far is unread only if it rang. */
  opened(session: string): void {
    const count = this.#counts.get(session);
    this.#set(session, count === undefined ? NEW_TAB : { ...count, open: true });
  }

  /** The tab was closed: the session concerns the operator again when it rings. */
  closed(session: string): void {
    this.#delete(session);
  }

  /** The operator looks at it, and sees so many messages of the visitor. */
  looked(session: string, asked: number): void {
    const count = this.#counts.get(session);
    if (count?.open) {
      this.#set(session, { looked: asked, asked: Math.max(asked, count.asked), open: true });
    } else {
      this.#delete(session);
    }
  }

  /** How many messages the visitor has said by now. */
  said(session: string, asked: number): void {
    const count = this.#counts.get(session);
    if (count !== undefined && asked > count.asked) {
      const { before = 0, looked: known, open } = count;
      const looked = Number.isFinite(known) ? known : Math.max(0, asked - before);
      this.#set(session, { looked, asked, open });
    }
  }

  /** Somebody has taken it over, or it is gone: it concerns the operator only if it is open. */
  quiet(session: string): void {
    if (this.#counts.get(session)?.open === false) {
      this.#delete(session);
    }
  }

  /** The log is another one: what was said is counted anew, what was unread stays so. */
  renew(): void {
    for (const [session, { open }] of this.#counts) {
      const looked = Number.POSITIVE_INFINITY;
      this.#set(session, { looked, asked: 0, open, before: this.of(session) });
    }
  }

  #set(session: string, count: Count): void {
    const before = this.of(session);
    this.#counts.set(session, count);
    if (this.#counts.size > UNREAD_SESSIONS_MAX) {
      const oldest = [...this.#counts].find(([, { open }]) => !open)?.[0];
      if (oldest !== undefined) {
        this.#delete(oldest);
      }
    }
    this.#changed(this.of(session) - before);
  }

  #delete(session: string): void {
    const before = this.of(session);
    if (this.#counts.delete(session)) {
      this.#changed(-before);
    }
  }

  #changed(by: number): void {
    if (by !== 0) {
      // Callers may be effects: what is changed here must not run them again.
      this.#total.value = this.#total.peek() + by;
      this.#version.value = this.#version.peek() + 1;
    }
  }
}

/** Looked at, however many there turn out to be at first. */
const NEW_TAB: Count = { looked: Number.POSITIVE_INFINITY, asked: 0, open: true };
