// The list model against a board that answers windows as the engine does, with 10,000 cards on it.

import { signal } from "@preact/signals";
import type {
  Card,
  LiveView,
  OperatorClient,
  Sort,
  Watch,
  WatchHandlers,
  Window,
} from "@vigie/client";
import { beforeEach, describe, expect, it } from "vitest";
import {
  KEPT_CARDS_MAX,
  LOOK_MARGIN,
  SEARCH_PAUSE_MS,
  VISIBLE_FIRST,
  WINDOW_CARDS_MAX,
} from "../../src/model/bounds.ts";
import { SparseList } from "../../src/model/live.ts";
import { Unread } from "../../src/model/unread.ts";
import { card } from "./fixtures.ts";
import { HandClock } from "./support.ts";

const TOTALS = { all: 1, waiting: 0, bot: 0, mine: 0, others: 0 };

/** All cards of a site, newest first, and one watcher of them. */
class Board {
  cards: Card[];
  /** The windows that were asked for. */
  asked: Window[] = [];
  #window: Window = {};
  handlers: WatchHandlers | undefined;
  /** Answers wait until `answer` if this is set. */
  slow = false;

  constructor(size: number) {
    this.cards = Array.from({ length: size }, (_, index) =>
      card(`s${index}`, { started: 1_000_000 - index, country: index % 2 === 0 ? "FR" : "LV" }),
    );
  }

  get client(): OperatorClient {
    const watch = (window: Window, handlers: WatchHandlers): Watch => {
      this.handlers = handlers;
      this.#ask(window);
      return { view: undefined, move: (next) => this.#ask(next), stop: () => {} };
    };
    return { watch } as Partial<OperatorClient> as OperatorClient;
  }

  /** What the watcher is told after something has changed. */
  answer(window = this.#window): void {
    this.handlers?.change(this.#view(window));
  }

  get window(): Window {
    return this.#window;
  }

  #ask(window: Window): void {
    this.asked.push(window);
    this.#window = window;
    if (!this.slow) {
      this.answer();
    }
  }

  #view(window: Window): LiveView {
    const { skip = 0, first = 50, search, show } = window;
    const matching = this.cards.filter(
      ({ country, control }) =>
        (search === undefined || country === search) &&
        (show !== "mine" || control.holder.kind === "operator"),
    );
    const totals = { all: this.cards.length, waiting: 0, bot: 0, mine: 0, others: 0 };
    return {
      cards: matching.slice(skip, skip + first),
      totals: { ...totals, matching: matching.length },
      window,
    };
  }
}

let clock: HandClock;
let board: Board;
let list: SparseList;
let told: string[];
const sort = signal<Sort>("newest");

beforeEach(() => {
  clock = new HandClock();
  board = new Board(10_000);
  told = [];
  list = new SparseList(clock, sort, new Unread(), {
    cards: (cards) => told.push(`${cards.length} cards`),
    alert: () => {},
    quiet: () => {},
  });
  list.attach(board.client);
  list.look(0, 19);
  clock.paint();
});

const shown = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => list.card(first + index)?.session);

describe("a list of 10,000", () => {
  it("loads what is visible and a margin, and knows how many there are", () => {
    expect(list.size.value).toBe(10_000);
    expect(list.loading.value).toBe(false);
    expect(list.card(0)?.session).toBe("s0");
    expect(shown(0, VISIBLE_FIRST + LOOK_MARGIN).indexOf(undefined)).toBe(
      VISIBLE_FIRST + LOOK_MARGIN,
    );
    expect(list.card(5_000)).toBeUndefined();
    expect(list.indexOf("s7")).toBe(7);
    expect(list.find("s7")?.session).toBe("s7");
    expect(list.indexOf("s5000")).toBe(-1);
  });

  it("asks for another stretch only when one scrolls near the end of the one it has", () => {
    const before = board.asked.length;
    for (let first = 0; first < 20; first += 1) {
      list.look(first, first + 19);
    }
    expect(board.asked.length).toBe(before);
    for (let first = 20; first < 200; first += 1) {
      list.look(first, first + 19);
      clock.paint();
      expect(shown(first, first + 19)).toEqual(
        Array.from({ length: 20 }, (_, index) => `s${first + index}`),
      );
    }
    expect(board.asked.length - before).toBeLessThan(10);
  });

  it("keeps what was there while it scrolls, within a bound", () => {
    for (let first = 0; first <= 8_000; first += 100) {
      list.look(first, first + 19);
      clock.paint();
    }
    let kept = 0;
    for (let index = 0; index < 10_000; index += 1) {
      kept += list.card(index) === undefined ? 0 : 1;
    }
    expect(list.card(7_900)?.session).toBe("s7900");
    expect(list.card(0)).toBeUndefined();
    expect(kept).toBeLessThanOrEqual(KEPT_CARDS_MAX);
  });

  it("never asks for more than a window may hold", () => {
    list.look(0, 5_000);
    expect(board.window.first).toBe(WINDOW_CARDS_MAX);
  });

  it("shows no session at two places when the order shifts", () => {
    list.look(100, 119);
    clock.paint();
    board.cards.unshift(card("fresh", { started: 2_000_000 }));
    board.answer();
    clock.paint();
    const places = new Map<string, number>();
    for (let index = 0; index < 300; index += 1) {
      const session = list.card(index)?.session;
      if (session !== undefined) {
        expect(places.has(session)).toBe(false);
        expect(list.indexOf(session)).toBe(index);
        places.set(session, index);
      }
    }
    expect(list.card(100)?.session).toBe("s99");
  });

  it("tells many deltas as one change a frame", () => {
    clock.paint();
    const before = list.version.value;
    for (let delta = 0; delta < 100; delta += 1) {
      board.answer();
    }
    expect(list.version.value).toBe(before);
    expect(clock.paint()).toBe(1);
    expect(list.version.value).toBe(before + 1);
  });

  it("searches when typing has paused, from the top", () => {
    list.look(500, 519);
    clock.paint();
    list.search.value = "L";
    clock.pass(SEARCH_PAUSE_MS - 1);
    list.search.value = " LV ";
    clock.pass(SEARCH_PAUSE_MS - 1);
    expect(board.window.search).toBeUndefined();
    clock.pass(1);
    expect(board.window).toMatchObject({ search: "LV", skip: 0 });
    clock.paint();
    expect(list.size.value).toBe(5_000);
    expect(shown(0, 2)).toEqual(["s1", "s3", "s5"]);
  });

  it("shows the old list until the new filter is answered, and takes no late answer for it", () => {
    board.slow = true;
    const before = board.window;
    list.show.value = "mine";
    expect(list.loading.value).toBe(true);
    expect(list.card(0)?.session).toBe("s0");
    board.answer(before);
    clock.paint();
    expect(list.loading.value).toBe(true);
    board.answer();
    clock.paint();
    expect(list.loading.value).toBe(false);
    expect(list.size.value).toBe(0);
    expect(list.card(0)).toBeUndefined();
  });

  it("goes back to the end when so many leave that the stretch lies beyond it", () => {
    list.look(9_000, 9_019);
    clock.paint();
    board.cards.length = 30;
    board.answer();
    clock.paint();
    clock.paint();
    expect(list.size.value).toBe(30);
    expect(list.card(29)?.session).toBe("s29");
    expect(list.card(9_000)).toBeUndefined();
  });

  it("forgets every stretch when the engine's cards are others than before", () => {
    list.look(5_000, 5_019);
    clock.paint();
    expect(list.find("s0")).toBeDefined();
    board.handlers?.change({ cards: [], totals: { ...TOTALS, matching: 1 }, window: board.window });
    list.renew();
    expect([list.find("s0"), list.find("s5000"), list.loading.value]).toEqual([
      undefined,
      undefined,
      true,
    ]);
    clock.paint();
    expect(list.loading.value).toBe(true);
    board.answer();
    clock.paint();
    expect([list.find("s0"), list.card(5_000)?.session]).toEqual([undefined, "s5000"]);
    expect(list.loading.value).toBe(false);
  });

  it("asks for totals and alerts alone while nobody looks", () => {
    list.sleep(true);
    expect(board.window).toEqual({ show: "all", sort: "newest", alerts: "new", first: 1 });
    list.ringFor("all");
    expect(board.window.alerts).toBe("all");
    list.sleep(false);
    clock.paint();
    expect(shown(0, 1)).toEqual(["s0", "s1"]);
  });

  it("is cheap: a delta costs less than a millisecond, wherever one has scrolled to", () => {
    const deltas = 2_000;
    const costs = [0, 5_000, 9_900].map((first) => {
      list.look(first, first + 39);
      clock.paint();
      const views = Array.from({ length: 20 }, (_, index) => {
        const one = board.cards[first + index];
        if (one !== undefined) {
          board.cards[first + index] = { ...one, messages: one.messages + 1 };
        }
        return board.cards.slice(Math.max(0, first - LOOK_MARGIN), first + 40 + LOOK_MARGIN);
      });
      const watched = { totals: list.totals.value, window: board.window };
      const series = () => {
        const begin = performance.now();
        for (let delta = 0; delta < deltas; delta += 1) {
          const cards = views[delta % views.length] ?? [];
          board.handlers?.change({ ...watched, cards } as LiveView);
          clock.paint();
        }
        return (performance.now() - begin) / deltas;
      };
      // A busy machine makes one series slow, a slow list all of them.
      return Math.min(series(), series(), series());
    });
    console.info(
      `ms per delta, by scroll position: ${costs.map((ms) => ms.toFixed(4)).join(", ")}`,
    );
    expect(Math.max(...costs)).toBeLessThan(1);
  });
});
