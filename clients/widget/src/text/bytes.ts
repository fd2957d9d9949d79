const encoder = new TextEncoder();

/** How many bytes a text takes on the wire. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** The beginning of a text that fits into so many bytes, cut between characters. */
export function cutToBytes(text: string, max: number): string {
  // encodeInto never writes half a character.
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(max)).read);
}
