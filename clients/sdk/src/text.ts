// Cutting texts to the bounds of the protocol, which counts bytes of UTF-8.

import type { Page } from "./protocol.ts";

/** An address, title, referrer, language or reason has at most so many bytes. */
export const LINE_BYTES_MAX = 2_048;

/** A message, note or draft has at most so many bytes. */
export const TEXT_BYTES_MAX = 16_384;

const encoder = new TextEncoder();

/** How many bytes a text takes on the wire. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** The longest beginning of a text that has at most so many bytes; no character is cut in two. */
export function cut(text: string, bytes: number): string {
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(bytes)).read);
}

/** A page as the server takes it; pages of the web have longer addresses now and then. */
export function cutPage({ url, title }: Page): Page {
  return optional({
    url: cut(url, LINE_BYTES_MAX),
    title: title?.trim() ? cut(title, LINE_BYTES_MAX) : undefined,
  });
}

/** Parameters some of which may be undefined: codecs leave those out. */
export function optional<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return fields as T;
}
