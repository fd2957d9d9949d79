// Finds where MessagePack messages end in a stream that has no separators, whatever pieces it comes
// in. What is inside is the codec's affair.

/** A message of the server is at most this long, in bytes. */
export const SERVER_MESSAGE_BYTES_MAX = 1_048_576;

/** Its arrays and maps nest at most this deep. */
export const DEPTH_MAX = 16;

/** How much room a stream begins with, in bytes; it doubles when needed. */
const BUFFER_FIRST = 4_096;

/** Collects the pieces of a stream and gives out whole messages. */
export class Scanner {
  #buffer = new Uint8Array(BUFFER_FIRST);
  #filled = 0;
  /** How far the message at the beginning of the buffer has been looked through. */
  #looked = 0;
  /** How many values are still missing in each array and map that the look is in. */
  #missing: number[] = [];
  /** Its last value has been found; the bytes of that may be still to come. */
  #complete = false;

  /**
   * Takes a piece; returns the messages that are whole now.
   *
   * @throws An `Error` if the stream is no MessagePack, or a message too long or too deep.
   */
  push(piece: Uint8Array): Uint8Array[] {
    this.#append(piece);
    const messages: Uint8Array[] = [];
    let start = 0;
    for (let end = this.#messageEnd(); end !== undefined; end = this.#messageEnd()) {
      messages.push(this.#buffer.slice(start, end));
      start = end;
    }
    this.#buffer.copyWithin(0, start, this.#filled);
    this.#filled -= start;
    this.#looked -= start;
    if (this.#looked > SERVER_MESSAGE_BYTES_MAX || this.#filled > SERVER_MESSAGE_BYTES_MAX) {
      throw new Error(`a message is longer than ${SERVER_MESSAGE_BYTES_MAX} bytes`);
    }
    return messages;
  }

  #append(piece: Uint8Array): void {
    const needed = this.#filled + piece.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#filled);
    this.#filled = needed;
  }

  /** Where the message that is being looked through ends, if it is whole. */
  #messageEnd(): number | undefined {
    while (!this.#complete) {
      const head = this.#head(this.#looked);
      if (head === undefined) {
        return undefined;
      }
      this.#looked += head.bytes;
      if (head.values === 0) {
        this.#complete = this.#valueEnds();
      } else if (this.#missing.push(head.values) > DEPTH_MAX) {
        throw new Error(`a message nests deeper than ${DEPTH_MAX} levels`);
      }
    }
    if (this.#looked > this.#filled) {
      return undefined;
    }
    this.#complete = false;
    return this.#looked;
  }

  /** A value has ended; says whether the message has. */
  #valueEnds(): boolean {
    for (let left = this.#missing.pop(); left !== undefined; left = this.#missing.pop()) {
      if (left > 1) {
        this.#missing.push(left - 1);
        return false;
      }
    }
    return true;
  }

  /** How many bytes a value's head takes with its plain content, and how many values follow in it. */
  #head(at: number): { bytes: number; values: number } | undefined {
    const kind = this.#buffer[at];
    if (at >= this.#filled || kind === undefined) {
      return undefined;
    }
    if (kind <= 0x7f || kind >= 0xe0) {
      return { bytes: 1, values: 0 };
    }
    if (kind <= 0x8f) {
      return { bytes: 1, values: 2 * (kind & 0x0f) };
    }
    if (kind <= 0x9f) {
      return { bytes: 1, values: kind & 0x0f };
    }
    if (kind <= 0xbf) {
      return { bytes: 1 + (kind & 0x1f), values: 0 };
    }
    return this.#longHead(at, kind);
  }

  #longHead(at: number, kind: number): { bytes: number; values: number } | undefined {
    if (kind === 0xc1) {
      throw new Error("a byte that begins no MessagePack value");
    }
    const fixed = FIXED_BYTES.get(kind);
    if (fixed !== undefined) {
      return { bytes: fixed, values: 0 };
    }
    const width = WIDTHS.get(kind) ?? 0;
    if (at + 1 + width > this.#filled) {
      return undefined;
    }
    let count = 0;
    for (let index = 1; index <= width; index += 1) {
      count = count * 256 + (this.#buffer[at + index] ?? 0);
    }
    if (kind >= 0xdc) {
      return { bytes: 1 + width, values: kind >= 0xde ? 2 * count : count };
    }
    const extension = kind >= 0xc7 && kind <= 0xc9 ? 1 : 0;
    return { bytes: 1 + width + extension + count, values: 0 };
  }
}

/** Whole lengths of nil, booleans, numbers and short extensions. */
const FIXED_BYTES = new Map([
  ...[0xc0, 0xc2, 0xc3].map((kind) => [kind, 1] as const),
  ...[0xca, 0xce, 0xd2].map((kind) => [kind, 5] as const),
  ...[0xcb, 0xcf, 0xd3].map((kind) => [kind, 9] as const),
  ...[0xcc, 0xd0].map((kind) => [kind, 2] as const),
  ...[0xcd, 0xd1].map((kind) => [kind, 3] as const),
  ...[0xd4, 0xd5, 0xd6, 0xd7, 0xd8].map((kind, index) => [kind, 2 + 2 ** index] as const),
]);

/** How many bytes the length takes of bytes, texts, extensions, arrays and maps. */
const WIDTHS = new Map([
  ...[0xc4, 0xc7, 0xd9].map((kind) => [kind, 1] as const),
  ...[0xc5, 0xc8, 0xda, 0xdc, 0xde].map((kind) => [kind, 2] as const),
  ...[0xc6, 0xc9, 0xdb, 0xdd, 0xdf].map((kind) => [kind, 4] as const),
]);
