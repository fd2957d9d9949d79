/** What the operator has chosen: kept in the browser, followed over its tabs. */

import { effect, type Signal, signal } from "@preact/signals";
import type { Sort } from "@vigie/client";
import type { NotifyChoice, Parts, Preferences, Storage } from "./types.ts";

const PREFIX = "vigie.desk.preference.";
const THEMES = ["auto", "light", "dark"] as const;
const NOTIFY: readonly NotifyChoice[] = ["all", "new", "none"];
const SORTS: readonly Sort[] = ["newest", "oldest", "activity", "waiting"];

/** Preferences that are kept in `storage`; `stop` ends following other tabs. */
export function openPreferences(storage: Storage): { preferences: Preferences; stop(): void } {
  const kept: Kept[] = [];
  const keep = <T>(name: string, first: T, read: (value: unknown) => T | undefined): Signal<T> => {
    const one = keepOne(storage, PREFIX + name, first, read);
    kept.push(one);
    return one.value;
  };
  const preferences: Preferences = {
    theme: keep("theme", "auto", (value) => THEMES.find((theme) => theme === value)),
    notify: keep("notify", "new", (value) => NOTIFY.find((choice) => choice === value)),
    panel: keep("panel", true, (value) => (typeof value === "boolean" ? value : undefined)),
    sort: keep<Sort>("sort", "waiting", (value) => SORTS.find((sort) => sort === value)),
    parts: keep("parts", { visitor: true, operator: true, actions: true }, readParts),
  };
  const off = storage.changed((key, value) => {
    for (const one of kept) {
      one.changed(key, value);
    }
  });
  return {
    preferences,
    stop: () => {
      off();
      for (const one of kept) {
        one.stop();
      }
    },
  };
}

interface Kept {
  changed(key: string, value: string | null): void;
  stop(): void;
}

function keepOne<T>(
  storage: Storage,
  key: string,
  first: T,
  read: (value: unknown) => T | undefined,
): Kept & { value: Signal<T> } {
  const understand = (text: string | null): T => {
    try {
      return (text === null ? undefined : read(JSON.parse(text))) ?? first;
    } catch {
      return first;
    }
  };
  let written = storage.get(key);
  const value = signal(understand(written));
  const stop = effect(() => {
    const text = JSON.stringify(value.value);
    if (text !== written && text !== JSON.stringify(understand(written))) {
      written = text;
      storage.set(key, text);
    }
  });
  return {
    value,
    stop,
    changed: (changedKey, text) => {
      if (changedKey === key && text !== written) {
        written = text;
        value.value = understand(text);
      }
    },
  };
}

function readParts(value: unknown): Parts | undefined {
  const { visitor, operator, actions } = (value ?? {}) as Partial<Parts>;
  return typeof visitor === "boolean" &&
    typeof operator === "boolean" &&
    typeof actions === "boolean"
    ? { visitor, operator, actions }
    : undefined;
}
