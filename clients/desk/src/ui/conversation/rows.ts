/** Puts a thread's items into lines: days between them, and what belongs together side by side. */

import type { ThreadItem } from "../../model/types.ts";
import { sameDay } from "../format.ts";

/** Messages of one author this close to each other share one heading. */
const TOGETHER_MS = 5 * 60 * 1000;

export type ThreadRow =
  | { readonly kind: "day"; readonly key: string; readonly time: number }
  | {
      readonly kind: "item";
      readonly key: string;
      readonly item: ThreadItem;
      /** It goes on from the line above and needs no heading. */
      readonly joined: boolean;
    };

/** The lines of these items, in their order. */
export function threadRows(items: readonly ThreadItem[]): readonly ThreadRow[] {
  const rows: ThreadRow[] = [];
  let above: ThreadItem | undefined;
  for (const item of items) {
    if (above === undefined || !sameDay(above.time, item.time)) {
      rows.push({ kind: "day", key: `day-${item.offset}`, time: item.time });
      above = undefined;
    }
    rows.push({ kind: "item", key: String(item.offset), item, joined: goesOn(above, item) });
    above = item;
  }
  return rows;
}

function goesOn(above: ThreadItem | undefined, item: ThreadItem): boolean {
  if (above === undefined || item.part === "action" || above.part !== item.part) return false;
  return item.time - above.time < TOGETHER_MS && speaker(above) === speaker(item);
}

function speaker({ author }: ThreadItem): string {
  return author.kind === "operator" ? `${author.id ?? ""} ${author.name}` : author.kind;
}
