import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Chat } from "./model/chat.ts";
import type { SiteFace } from "./model/site.ts";
import type { Texts } from "./texts/texts.ts";

/** What every part of the interface works with. */
export interface Widget {
  readonly chat: Chat;
  readonly texts: ReadonlySignal<Texts>;
  readonly site: ReadonlySignal<SiteFace>;
  /** The heading: the site's title for its widget, or its name. */
  readonly title: ReadonlySignal<string>;
  /** The first words, before the visitor has said anything. */
  readonly greeting: ReadonlySignal<string>;
  readonly open: Signal<boolean>;
  /** Whether a person has just opened it, so that the focus may be moved. */
  readonly asked: Signal<boolean>;
}
