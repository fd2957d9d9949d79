/** One ticker for everything on the page that shows how long something lasts. */

import { type ReadonlySignal, signal } from "@preact/signals";

const TICK_MS = 1000;

const ticking = signal(Date.now());
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** The time, to the second, while somebody ticks. */
export const now: ReadonlySignal<number> = ticking;

/** Keeps {@link now} going; returns what ends that. */
export function tick(): () => void {
  watchers += 1;
  if (watchers === 1) {
    ticking.value = Date.now();
    timer = setInterval(() => {
      if (!document.hidden) ticking.value = Date.now();
    }, TICK_MS);
  }
  return () => {
    watchers -= 1;
    if (watchers === 0) clearInterval(timer);
  };
}
