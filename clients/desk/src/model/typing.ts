/** Marks of somebody typing: each is taken down when no further signal keeps it up. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Clock } from "./types.ts";

/** A mark that expires. */
export class Mark {
  readonly #value = signal<string | null>(null);
  readonly #clock: Clock;
  readonly #shownFor: number;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, shownFor: number) {
    this.#clock = clock;
    this.#shownFor = shownFor;
  }

  get value(): ReadonlySignal<string | null> {
    return this.#value;
  }

  /** Puts it up anew. */
  show(text: string): void {
    this.#cancel?.();
    this.#value.value = text;
    this.#cancel = this.#clock.after(this.#shownFor, () => this.hide());
  }

  /** Takes it down. */
  hide(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#value.value = null;
  }
}
