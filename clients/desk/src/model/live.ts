/**
 * The live list: a stretch of the order is watched, what is visible and a margin around it. It moves
 * as one scrolls; cards of earlier stretches stay where they were until they are seen again.
 *
 * What it costs depends on the stretch, never on how many sessions there are.
 */

import { batch, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type {
  Alert,
  Alerts,
  Card,
  LiveView,
  OperatorClient,
  Show,
  Sort,
  Totals,
  Watch,
  Window,
} from "@vigie/client";
import {
  KEPT_CARDS_MAX,
  LOOK_EDGE,
  LOOK_MARGIN,
  SEARCH_BYTES_MAX,
  SEARCH_PAUSE_MS,
  VISIBLE_FIRST,
  WINDOW_CARDS_MAX,
} from "./bounds.ts";
import type { Clock, LiveList } from "./types.ts";
import type { Unread } from "./unread.ts";

/** Who is told what the list hears. */
export interface LiveHandlers {
  /** Cards have come. */
  cards(cards: readonly Card[]): void;
  alert(alert: Alert): void;
  quiet(session: string): void;
}

/** See the head of this file. */
export class SparseList implements LiveList {
  readonly show = signal<Show>("all");
  readonly search = signal("");
  readonly sort: Signal<Sort>;
  readonly selected = signal<string | null>(null);
  readonly #totals = signal<Totals | null>(null);
  readonly #size = signal(0);
  readonly #loading = signal(true);
  readonly #version = signal(0);
  readonly #clock: Clock;
  readonly #unread: Unread;
  readonly #handlers: LiveHandlers;
  readonly #offs: (() => void)[] = [];
  #slots = new Map<number, Card>();
  #places = new Map<string, number>();
  #watch: Watch | undefined;
  /** What was asked for last. */
  #window: Window;
  #filter: string;
  /** The filter that the slots are of. */
  #shown: string | undefined;
  #visible = { first: 0, last: VISIBLE_FIRST - 1 };
  #searched = "";
  #alerts: Alerts = "new";
  #asleep = false;
  #view: LiveView | undefined;
  #cancelFrame: (() => void) | undefined;
  #cancelSearch: (() => void) | undefined;

  constructor(clock: Clock, sort: Signal<Sort>, unread: Unread, handlers: LiveHandlers) {
    this.#clock = clock;
    this.sort = sort;
    this.#unread = unread;
    this.#handlers = handlers;
    this.#window = this.#wanted();
    this.#filter = filterOf(this.#window);
    this.#offs.push(
      this.show.subscribe(() => this.#refilter()),
      this.sort.subscribe(() => this.#refilter()),
      this.search.subscribe(() => this.#searchSoon()),
      effect(() => {
        unread.version.value;
        this.#changeSoon();
      }),
    );
  }

  get totals(): ReadonlySignal<Totals | null> {
    return this.#totals;
  }

  get size(): ReadonlySignal<number> {
    return this.#size;
  }

  get loading(): ReadonlySignal<boolean> {
    return this.#loading;
  }

  get version(): ReadonlySignal<number> {
    return this.#version;
  }

  card(index: number): Card | undefined {
    return this.#slots.get(index);
  }

  find(session: string): Card | undefined {
    const place = this.#places.get(session);
    return place === undefined ? undefined : this.#slots.get(place);
  }

  indexOf(session: string): number {
    return this.#places.get(session) ?? -1;
  }

  unread(session: string): number {
    return this.#unread.of(session);
  }

  look(first: number, last: number): void {
    this.#visible = { first: Math.max(0, first), last: Math.max(first, last, 0) };
    if (!this.#covers()) {
      this.#move();
    }
  }

  /** Watches with this client from now on. */
  attach(client: OperatorClient): void {
    this.#window = this.#wanted();
    this.#watch = client.watch(this.#window, {
      change: (view) => {
        this.#view = view;
        this.#changeSoon();
      },
      alert: (alert) => this.#handlers.alert(alert),
      quiet: (session) => this.#handlers.quiet(session),
      failed: () => {
        this.#loading.value = false;
      },
    });
  }

  /** What is to be rung for. */
  ringFor(alerts: Alerts): void {
    if (this.#alerts !== alerts) {
      this.#alerts = alerts;
      this.#move();
    }
  }

  /** Nobody looks at the list: totals and alerts are all that is wanted. */
  sleep(asleep: boolean): void {
    if (this.#asleep !== asleep) {
      this.#asleep = asleep;
      this.#move();
    }
  }

  /** The engine's cards are others than before: what is here is void. */
  renew(): void {
    this.#view = undefined;
    this.#shown = undefined;
    this.#slots = new Map();
    this.#places = new Map();
    this.#loading.value = true;
    this.#version.value += 1;
  }

  stop(): void {
    this.#watch?.stop();
    this.#cancelFrame?.();
    this.#cancelSearch?.();
    for (const off of this.#offs) {
      off();
    }
  }

  #refilter(): void {
    if (filterOf(this.#wanted()) !== this.#filter) {
      this.#visible = { first: 0, last: this.#visible.last - this.#visible.first };
      this.#loading.value = true;
      this.#move();
    }
  }

  #searchSoon(): void {
    this.#cancelSearch?.();
    const search = cutBytes(this.search.value.trim(), SEARCH_BYTES_MAX);
    if (search !== this.#searched) {
      this.#cancelSearch = this.#clock.after(SEARCH_PAUSE_MS, () => {
        this.#searched = search;
        this.#refilter();
      });
    }
  }

  #move(): void {
    this.#window = this.#wanted();
    this.#filter = filterOf(this.#window);
    this.#watch?.move(this.#window);
  }

  #wanted(): Window {
    const search = this.#searched === "" ? {} : { search: this.#searched };
    const filter = { show: this.show.value, sort: this.sort.value, alerts: this.#alerts };
    if (this.#asleep) {
      return { ...filter, first: 1 };
    }
    const skip = Math.max(0, this.#visible.first - LOOK_MARGIN);
    const first = Math.min(WINDOW_CARDS_MAX, this.#visible.last + 1 + LOOK_MARGIN - skip);
    return { ...filter, ...search, skip, first };
  }

  /** Whether what is asked for reaches far enough beyond what is visible. */
  #covers(): boolean {
    const { skip = 0, first = 0 } = this.#window;
    const size = this.#size.value;
    const from = Math.max(0, this.#visible.first - LOOK_EDGE);
    const to = Math.min(
      size === 0 ? Number.POSITIVE_INFINITY : size,
      this.#visible.last + LOOK_EDGE,
    );
    return skip <= from && (to <= skip + first || first >= WINDOW_CARDS_MAX);
  }

  #changeSoon(): void {
    this.#cancelFrame ??= this.#clock.frame(() => {
      this.#cancelFrame = undefined;
      batch(() => this.#change());
    });
  }

  #change(): void {
    const view = this.#view;
    this.#view = undefined;
    if (view !== undefined) {
      this.#take(view);
      this.#handlers.cards(view.cards);
    }
    this.#version.value += 1;
  }

  #take({ cards, totals, window }: LiveView): void {
    this.#totals.value = totals;
    const filter = filterOf(window);
    if (this.#asleep || filter !== this.#filter) {
      // An answer to a question that is no longer asked tells the totals, but no places.
      return;
    }
    if (filter !== this.#shown) {
      this.#slots = new Map();
      this.#places = new Map();
      this.#shown = filter;
    }
    const { skip = 0 } = window;
    this.#size.value = totals.matching;
    this.#loading.value = false;
    this.#clear(skip, skip + (window.first ?? cards.length));
    cards.forEach((card, index) => {
      this.#put(skip + index, card);
    });
    this.#drop(totals.matching);
    if (cards.length === 0 && totals.matching > 0 && skip > 0) {
      // So many have gone that the stretch lies beyond the end.
      const height = this.#visible.last - this.#visible.first;
      const last = totals.matching - 1;
      this.#visible = { first: Math.max(0, last - height), last };
      this.#move();
    }
  }

  #clear(from: number, to: number): void {
    for (let index = from; index < to; index += 1) {
      const card = this.#slots.get(index);
      if (card !== undefined) {
        this.#slots.delete(index);
        this.#places.delete(card.session);
      }
    }
  }

  #put(index: number, card: Card): void {
    const before = this.#places.get(card.session);
    if (before !== undefined) {
      this.#slots.delete(before);
    }
    this.#slots.set(index, card);
    this.#places.set(card.session, index);
  }

  /** Drops what is beyond the end, and what was kept for longest. */
  #drop(size: number): void {
    let over = this.#slots.size - KEPT_CARDS_MAX;
    for (const [index, card] of this.#slots) {
      if (over > 0 || index >= size) {
        this.#slots.delete(index);
        this.#places.delete(card.session);
        over -= 1;
      }
    }
  }
}

function filterOf({ show, search, sort }: Window): string {
  return JSON.stringify([show, sort, search ?? ""]);
}

/** As much of a text as fits into so many bytes, in whole characters. */
export function cutBytes(text: string, max: number): string {
  const encoder = new TextEncoder();
  if (encoder.encode(text).length <= max) {
    return text;
  }
  let bytes = 0;
  let cut = "";
  for (const character of text) {
    bytes += encoder.encode(character).length;
    if (bytes > max) {
      break;
    }
    cut += character;
  }
  return cut;
}
