/** The most bytes of UTF-8 that the engine takes as one message. */
export const TEXT_BYTES_MAX = 16 * 1024;

/** The most bytes of UTF-8 that the engine takes as one line: an address, a title. */
export const LINE_BYTES_MAX = 2048;

const encoder = new TextEncoder();

/** How many bytes a text takes on the wire. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** The beginning of a text that fits into so many bytes, cut between characters. */
export function cutToBytes(text: string, max: number): string {
  // encodeInto never writes half a character.
  const { read } = encoder.encodeInto(text, new Uint8Array(max));
  return text.slice(0, read);
}
