// What the page's own scripts may do with the widget: `window.Vigie`.

import { effect } from "@preact/signals-core";
import { visitorData } from "./tag.ts";
import type { Widget } from "./widget.ts";

/** What the page can be told, and what it is told with. */
export interface PageEvents {
  open: undefined;
  close: undefined;
  /** Something was said, by anyone. */
  message: { from: "visitor" | "bot" | "operator"; text: string };
  /** How many messages the visitor has not seen. */
  unread: number;
}

/** `window.Vigie`. */
export interface PageApi {
  /** Opens the panel. */
  open(): void;
  /** Closes the panel. */
  close(): void;
  /** Says what the page knows of the visitor; replaces what was said before. */
  setData(data: Record<string, unknown>): void;
  /** Calls back when something happens; returns what ends it. */
  on<E extends keyof PageEvents>(event: E, handler: (value: PageEvents[E]) => void): () => void;
  /** Calls a method by name: `Vigie.push(["open"])` works before the script has loaded as well. */
  push(...calls: [name: string, ...given: unknown[]][]): void;
}

/** Puts the API in the place of the queue that the page may have filled before. */
export function publishApi({ open, chat }: Widget): void {
  const page = window as { Vigie?: unknown };
  // What goes wrong in a handler of the page's stays there.
  const events = new EventTarget();
  const tell = <E extends keyof PageEvents>(event: E, detail: PageEvents[E]) =>
    events.dispatchEvent(new CustomEvent(event, { detail }));
  const api: PageApi = {
    open() {
      open.value = true;
    },
    close() {
      open.value = false;
    },
    setData: (data) => chat.setData(visitorData(Object.entries(data))),
    on(event, handler) {
      const listen = (told: Event) => handler((told as CustomEvent).detail);
      events.addEventListener(event, listen);
      return () => events.removeEventListener(event, listen);
    },
    push(...calls) {
      for (const [name, ...given] of calls) {
        (api[name as keyof PageApi] as (...given: unknown[]) => void)(...given);
      }
    },
  };
  // Nobody listens yet, so nobody is told how things are now.
  effect(() => void tell(open.value ? "open" : "close", undefined));
  effect(() => void tell("unread", chat.unread.value));
  chat.onSaid(({ from, text }) => tell("message", { from, text }));
  const queued = page.Vigie;
  page.Vigie = api;
  if (Array.isArray(queued)) {
    api.push(...queued);
  }
}
