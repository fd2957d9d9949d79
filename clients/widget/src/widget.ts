import type { ReadonlySignal, Signal } from "@preact/signals-core";
import type { Chat } from "./model/chat.ts";
import type { Row } from "./model/rows.ts";
import type { SiteFace } from "./model/site.ts";
import type { Texts } from "./texts/texts.ts";

/** What every part of the interface works with. All of it is drawn anew when a signal changes. */
export interface Widget {
  readonly chat: Chat;
  readonly texts: ReadonlySignal<Texts>;
  readonly site: ReadonlySignal<SiteFace>;
  readonly rows: ReadonlySignal<readonly Row[]>;
  /** The element that everything is drawn into. */
  readonly root: HTMLElement;
  readonly open: Signal<boolean>;
  /** Whether the menu is. */
  readonly menu: Signal<boolean>;
  /** The conversation is scrolled to its end, and stays there when something comes. */
  readonly atEnd: Signal<boolean>;
  /** The part of the page that a phone's keyboard leaves: its top and its height in pixels. */
  readonly seen: Signal<readonly [number, number]>;
  /** What the visitor is about to say of the conversation. */
  readonly rating: Signal<RatingDraft>;
}

export interface RatingDraft {
  /** 0 until one is chosen. */
  readonly score: number;
  readonly comment: string;
  readonly state?: "sending" | "failed";
}

export const NO_RATING: RatingDraft = { score: 0, comment: "" };
