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
  setData(data: Record<string, string>): void;
  /** Calls back when something happens; returns what ends it. */
  on<E extends keyof PageEvents>(event: E, handler: (value: PageEvents[E]) => void): () => void;
  /** Calls a method by name: `Vigie.push(["open"])` works before the script has loaded as well. */
  push(...calls: Call[]): void;
}

type Call = [name: string, ...given: unknown[]];

type Handlers = { [E in keyof PageEvents]: Set<(value: PageEvents[E]) => void> };

/** Puts the API in the place of the queue that the page may have filled before. */
export function publishApi(widget: Widget): void {
  const page = window as { Vigie?: unknown };
  const queued: unknown = page.Vigie;
  const api = pageApi(widget);
  page.Vigie = api;
  if (Array.isArray(queued)) {
    api.push(...queued);
  }
}

function pageApi(widget: Widget): PageApi {
  const handlers: Handlers = {
    open: new Set(),
    close: new Set(),
    message: new Set(),
    unread: new Set(),
  };
  report(widget, handlers);
  const api: PageApi = {
    open() {
      widget.open.value = true;
    },
    close() {
      widget.open.value = false;
    },
    setData: (data) => widget.chat.setData(visitorData(Object.entries(data))),
    on(event, handler) {
      handlers[event].add(handler);
      return () => void handlers[event].delete(handler);
    },
    push(...calls) {
      for (const [name, ...given] of calls) {
        const method = Object.hasOwn(api, name) ? api[name as keyof PageApi] : undefined;
        if (method === undefined) {
          console.warn(`Vigie: there is no method ${name}`);
        } else {
          (method as (...given: unknown[]) => unknown)(...given);
        }
      }
    },
  };
  return api;
}

function report({ open, chat }: Widget, handlers: Handlers): void {
  function tell<E extends keyof PageEvents>(event: E, value: PageEvents[E]): void {
    for (const handler of handlers[event]) {
      try {
        handler(value);
      } catch (error) {
        // A fault of the page's must not stop the chat.
        console.error(error);
      }
    }
  }
  let wasOpen = open.peek();
  effect(() => {
    if (open.value !== wasOpen) {
      wasOpen = open.value;
      tell(wasOpen ? "open" : "close", undefined);
    }
  });
  effect(() => tell("unread", chat.unread.value));
  chat.onSaid(({ from, text }) => tell("message", { from, text }));
}
