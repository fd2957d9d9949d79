// What the page's script tag says: which site, and how it wants the widget.

import { byteLength, cut } from "@vigie/client/core";

/** The most entries of data about the visitor that the engine takes. */
export const DATA_ENTRIES_MAX = 16;
const DATA_KEY_BYTES_MAX = 64;
const DATA_VALUE_BYTES_MAX = 256;

const PREFIX = "data-visitor-";

/** The attributes of the script tag. */
export interface Tag {
  /** Where the script came from: the engine's address. */
  readonly source: string;
  readonly site: string;
  readonly connect?: string | undefined;
  readonly language?: string | undefined;
  readonly position?: string | undefined;
  readonly accent?: string | undefined;
  readonly scheme?: string | undefined;
  /** From `data-visitor-…`; without one, what the session has stays as it is. */
  readonly data?: Record<string, string>;
}

/** Reads the tag. */
export function readTag({ src, dataset, attributes }: HTMLScriptElement): Tag {
  const named = [...attributes].filter(({ name }) => name.startsWith(PREFIX));
  const data = named.map(({ name, value }) => [name.slice(PREFIX.length), value] as const);
  return {
    ...dataset,
    source: src,
    site: dataset.site ?? "",
    ...(data.length > 0 && { data: visitorData(data) }),
  };
}

/** What of it the engine takes; values that are too long are cut. */
export function visitorData(
  entries: readonly (readonly [string, unknown])[],
): Record<string, string> {
  return Object.fromEntries(
    entries
      .filter(([key, value]) => key && byteLength(key) <= DATA_KEY_BYTES_MAX && value != null)
      .slice(0, DATA_ENTRIES_MAX)
      .map(([key, value]) => [key, cut(String(value), DATA_VALUE_BYTES_MAX)]),
  );
}
