import { useEffect } from "preact/hooks";
import { now, tick } from "../clock.ts";
import { ago, duration, elapsed } from "../format.ts";

/** How long since then, ticking. */
export function Elapsed({ since }: { since: number }) {
  useEffect(tick, []);
  return <span class="ticking">{elapsed(now.value - since)}</span>;
}

/** The same in words, put into a sentence. */
export function Lasting({ since, say }: { since: number; say: (time: string) => string }) {
  useEffect(tick, []);
  return <>{say(duration(now.value - since))}</>;
}

/** How long ago. */
export function Ago({ time }: { time: number }) {
  useEffect(tick, []);
  return <>{ago(time, now.value)}</>;
}
