// A window of the live list, kept up to date by deltas: cards by session, in the window's order.

import type { Card, Live, Sort, Totals, Watching, Window } from "./protocol.ts";

/** A window of the live list as it is now. Each change makes a new one. */
export interface LiveView {
  /** The window's cards, in its order. */
  readonly cards: readonly Card[];
  /** Counts over the whole site; `matching` over what the window shows and searches. */
  readonly totals: Totals;
  /** The window that this is. */
  readonly window: Window;
}

/** The view that a snapshot gives. */
export function snapshot({ cards, totals }: Watching, window: Window): LiveView {
  return { cards: sorted(cards, window.sort), totals, window };
}

/** The view that a delta makes of another. */
export function changed(view: LiveView, { upsert = [], remove = [], totals }: Live): LiveView {
  const gone = new Set([...remove, ...upsert.map((card) => card.session)]);
  if (gone.size === 0) {
    return { ...view, totals };
  }
  const kept = view.cards.filter((card) => !gone.has(card.session));
  return { ...view, totals, cards: sorted([...kept, ...upsert], view.window.sort) };
}

function sorted(cards: readonly Card[], sort: Sort = "newest"): Card[] {
  const order = ORDERS[sort] ?? ORDERS.newest;
  return [...cards].sort((a, b) => order(a, b) || (a.session < b.session ? -1 : 1));
}

const newest = (a: Card, b: Card) => b.started - a.started;

const ORDERS: Record<Sort, (a: Card, b: Card) => number> = {
  newest,
  oldest: (a, b) => a.started - b.started,
  activity: (a, b) => (b.last?.time ?? b.started) - (a.last?.time ?? a.started),
  waiting: (a, b) =>
    (a.waiting ?? b.waiting) === undefined
      ? newest(a, b)
      : (a.waiting ?? Number.POSITIVE_INFINITY) - (b.waiting ?? Number.POSITIVE_INFINITY),
};
