// How a conversation is laid out: what one person says in a row stands together, days are
// separated, what waits to be sent stands at the end.

import { sameDay } from "../text/times.ts";
import type { Waiting } from "./chat.ts";
import type { Entry, Said, Speaker, Told } from "./conversation.ts";

/** A pause after which the same person's words form a new group. Milliseconds. */
export const GROUP_PAUSE = 5 * 60_000;

/** One message as it is shown. */
export interface Bubble {
  /** Stays the same from the writing of a message to its place in the log. */
  readonly id: string;
  readonly text: string;
  readonly time: number;
  readonly state: Waiting["state"];
}

export interface DayRow {
  readonly kind: "day";
  readonly id: string;
  readonly time: number;
}

export interface GroupRow {
  readonly kind: "group";
  readonly id: string;
  readonly from: Speaker;
  readonly name: string;
  readonly bubbles: readonly Bubble[];
}

export interface ToldRow {
  readonly kind: "told";
  readonly id: string;
  readonly told: Told;
}

export type Row = DayRow | GroupRow | ToldRow;

/** Lays out what was said and told, and what waits. */
export function layOut(entries: readonly Entry[], waiting: readonly Waiting[]): Row[] {
  const layout = new Layout();
  for (const entry of entries) {
    if (entry.kind === "told") {
      layout.tell(entry);
    } else {
      const { time, text } = entry;
      layout.say(entry, { id: entry.key ?? String(entry.offset), text, time, state: "sent" });
    }
  }
  for (const { key, text, time, state } of waiting) {
    layout.say({ from: "visitor", name: "" }, { id: key, text, time, state });
  }
  return layout.rows;
}

class Layout {
  readonly rows: Row[] = [];
  #day: number | undefined;
  #group: (GroupRow & { bubbles: Bubble[] }) | undefined;

  tell(told: Told): void {
    this.#dayOf(told.time);
    this.#group = undefined;
    this.rows.push({ kind: "told", id: `told ${told.offset}`, told });
  }

  say({ from, name }: Pick<Said, "from" | "name">, bubble: Bubble): void {
    this.#dayOf(bubble.time);
    const group = this.#group;
    const last = group?.bubbles.at(-1)?.time ?? 0;
    const goesOn = group?.from === from && group.name === name && bubble.time - last < GROUP_PAUSE;
    if (group !== undefined && goesOn) {
      group.bubbles.push(bubble);
    } else {
      this.#group = { kind: "group", id: bubble.id, from, name, bubbles: [bubble] };
      this.rows.push(this.#group);
    }
  }

  #dayOf(time: number): void {
    if (this.#day === undefined || !sameDay(this.#day, time)) {
      this.#group = undefined;
      this.rows.push({ kind: "day", id: `day ${time}`, time });
    }
    this.#day = time;
  }
}
