// How a conversation is laid out: what one person says in a row stands together, days are
// separated, what waits to be sent stands at the end.

import { sameDay } from "../text/times.ts";
import type { Entry, Speaker, Told } from "./conversation.ts";
import type { Unsent } from "./outbox.ts";

/** A pause after which the same person's words form a new group. Milliseconds. */
export const GROUP_PAUSE = 5 * 60_000;

/** One message as it is shown. */
export interface Bubble {
  readonly key?: string | undefined;
  readonly text: string;
  readonly time: number;
  readonly state?: Unsent["state"];
}

export interface DayRow {
  readonly kind: "day";
  /** Rows keep their id from one drawing to the next. */
  readonly id: string | number;
  readonly time: number;
}

export interface GroupRow {
  readonly kind: "group";
  /** The first message's key or time: the same before and after it is in the log. */
  readonly id: string | number;
  readonly from: Speaker;
  readonly name: string;
  readonly bubbles: readonly Bubble[];
}

export interface ToldRow {
  readonly kind: "told";
  readonly id: string | number;
  readonly told: Told;
}

export type Row = DayRow | GroupRow | ToldRow;

/** Lays out what was said and told, and what waits. */
export function layOut(entries: readonly Entry[], waiting: readonly Unsent[]): Row[] {
  const rows: Row[] = [];
  let before: number | undefined;
  let group: (GroupRow & { bubbles: Bubble[] }) | undefined;
  const own = waiting.map(
    (unsent) => ({ ...unsent, kind: "said", from: "visitor", name: "" }) as const,
  );
  for (const entry of [...entries, ...own]) {
    const { time } = entry;
    const newDay = before === undefined || !sameDay(before, time);
    const pause = time - (before ?? 0) >= GROUP_PAUSE;
    if (newDay) {
      rows.push({ kind: "day", id: `day ${time}`, time });
    }
    before = time;
    if (entry.kind === "told") {
      group = undefined;
      rows.push({ kind: "told", id: `told ${entry.offset}`, told: entry });
    } else if (!newDay && !pause && group?.from === entry.from && group.name === entry.name) {
      group.bubbles.push(entry);
    } else {
      const { from, name, key } = entry;
      group = { kind: "group", id: key ?? time, from, name, bubbles: [entry] };
      rows.push(group);
    }
  }
  return rows;
}
