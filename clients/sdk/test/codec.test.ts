import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Codec, Message } from "../src/codec.ts";
import { json } from "../src/json.ts";
import { messagePack } from "../src/messagepack.ts";
import { Scanner, SERVER_MESSAGE_BYTES_MAX } from "../src/scanner.ts";

interface Vector {
  name: string;
  messagepack: string;
  json: unknown;
}

interface Tolerated {
  name: string;
  means: string;
  messagepack?: string;
  json?: string;
}

const FILES = ["requests", "results", "errors", "signals", "notifications", "events"];
const VECTORS = FILES.flatMap((file) =>
  read<Vector[]>(file).map((vector) => ({ ...vector, file, label: `${file}: ${vector.name}` })),
);

describe("golden messages", () => {
  it.each(VECTORS)("$label means the same in both encodings", (vector) => {
    const packed = only(messagePack, bytes(vector.messagepack));
    const text = only(json, JSON.stringify(vector.json));
    expect(packed).toEqual(text);
  });

  it.each(VECTORS)("$label comes out as it went in", (vector) => {
    const message = only(messagePack, bytes(vector.messagepack));
    expect(only(messagePack, messagePack.encode(message))).toEqual(message);
    expect(only(json, json.encode(message))).toEqual(message);
    expect(JSON.parse(json.encode(message) as string)).toEqual(vector.json);
  });

  it.each(VECTORS)("$label is written byte for byte as the engine writes it", (vector) => {
    const message = only(messagePack, bytes(vector.messagepack));
    expect(hex(messagePack.encode(message) as Uint8Array)).toBe(vector.messagepack);
  });

  it.each(read<Tolerated[]>("tolerated"))("$name", ({ means, messagepack, json: text }) => {
    const meant = VECTORS.find(({ name }) => name === means) ?? VECTORS[0];
    const message = messagepack ? only(messagePack, bytes(messagepack)) : only(json, text ?? "");
    const expected = only(json, JSON.stringify(meant?.json));
    expect(known(message, expected)).toEqual(expected);
  });

  it("several messages in one binary message come in order", () => {
    const some = VECTORS.slice(0, 5);
    const all = bytes(some.map(({ messagepack }) => messagepack).join(""));
    const expected = some.map(({ messagepack }) => only(messagePack, bytes(messagepack)));
    expect(messagePack.decode(all)).toEqual(expected);
  });
});

describe("what is no message is refused", () => {
  it.each([
    "nonsense",
    "[]",
    "7",
    "{}",
    '{"id":[],"result":1}',
    '{"method":7}',
    '{"method":"x","params":[]}',
    '{"id":1,"error":"no"}',
  ])("in JSON: %s", (text) => {
    expect(() => json.decode(text)).toThrow();
  });

  it.each([
    "c1",
    "07",
    "90",
    "930207a0",
    "9302a16101",
    "9302a161920101",
    "940107a16100",
    "9400c0a16180",
    "9400",
  ])("in MessagePack: %s", (packed) => {
    expect(() => messagePack.decode(bytes(packed))).toThrow();
  });

  it("text where bytes were agreed on, and the other way round", () => {
    expect(() => messagePack.decode("{}")).toThrow("MessagePack was agreed on");
    expect(() => json.decode(new Uint8Array([0x80]))).toThrow("JSON was agreed on");
  });
});

it("a stranger who calls an entry of their data __proto__ cuts nobody off", () => {
  const message = bytes("9302a16191" + "81a46461746181a95f5f70726f746f5f5fa178");
  const [read] = messagePack.decode(message);
  expect(read).toMatchObject({ params: { data: { "[__proto__]": "x" } } });
  const [text] = json.decode('{"method":"a","params":{"data":{"__proto__":"x"}}}');
  expect(JSON.stringify(text)).toContain('"__proto__":"x"');
});

it("numbers up to 2^53 - 1 survive", () => {
  for (const number of [0, 127, 128, 2 ** 32, 1_767_268_800_000, Number.MAX_SAFE_INTEGER]) {
    const message: Message = { kind: "notification", method: "n", params: { number } };
    for (const codec of [messagePack, json]) {
      expect(only(codec, codec.encode(message))).toEqual(message);
    }
  }
});

describe("the stream over TCP", () => {
  const stream = bytes(VECTORS.map(({ messagepack }) => messagepack).join(""));
  const whole = VECTORS.map(({ messagepack }) => messagepack);

  it.each([1, 2, 3, 7, 64, 1_000, 1_000_000])(
    "is cut at messages when it comes in pieces of %i",
    (size) => {
      const scanner = new Scanner();
      const found: string[] = [];
      for (let at = 0; at < stream.length; at += size) {
        found.push(...scanner.push(stream.subarray(at, at + size)).map(hex));
      }
      expect(found).toEqual(whole);
    },
  );

  it("knows every kind of value", () => {
    const kinds = [
      "c0",
      "c2",
      "c3",
      "7f",
      "e0",
      "ff",
      "ca00000000",
      "cb0000000000000000",
      "cc00",
      "cd0000",
      "ce00000000",
      "cf0000000000000000",
      "d000",
      "d10000",
      "d200000000",
      "d30000000000000000",
      "d40100",
      "d5010000",
      "d60100000000",
      `d701${"00".repeat(8)}`,
      `d801${"00".repeat(16)}`,
      "c7020100ff",
      "c800020100ff",
      "c9000000020100ff",
      "c403aabbcc",
      "c50001aa",
      "c600000001aa",
      "a0",
      "a3616263",
      "d90161",
      "da000161",
      "db0000000161",
      "90",
      "9107",
      "dc0001c0",
      "dd00000001c0",
      "80",
      "810102",
      "de00010102",
      "df000000010102",
      "92919081a16101",
    ];
    const scanner = new Scanner();
    const found = Array.from(bytes(kinds.join("")), (byte) => scanner.push(new Uint8Array([byte])));
    expect(found.flat().map(hex)).toEqual(kinds);
  });

  it("ends at a message that is too long, too deep or none, and says which", () => {
    const long = bytes(`c6${(SERVER_MESSAGE_BYTES_MAX + 1).toString(16).padStart(8, "0")}`);
    expect(() => new Scanner().push(long)).toThrow("longer than 1048576 bytes");
    expect(() => new Scanner().push(bytes("91".repeat(17)))).toThrow("deeper than 16 levels");
    expect(() => new Scanner().push(bytes("c1"))).toThrow("no MessagePack value");
  });

  it("takes the longest message that the server may send", () => {
    const size = SERVER_MESSAGE_BYTES_MAX - 5;
    const message = new Uint8Array(SERVER_MESSAGE_BYTES_MAX);
    message.set(bytes(`c6${size.toString(16).padStart(8, "0")}`));
    const scanner = new Scanner();
    expect(scanner.push(message.subarray(0, 70_000))).toEqual([]);
    expect(scanner.push(message.subarray(70_000))).toHaveLength(1);
  });
});

function read<T>(file: string): T {
  const url = new URL(`../../../protocol/vectors/${file}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

function only(codec: Codec, data: Uint8Array | string): Message {
  const messages = codec.decode(data);
  expect(messages).toHaveLength(1);
  return messages[0] as Message;
}

/** Leaves out what the other message does not have: unknown fields, and null for no value. */
function known(value: unknown, like: unknown): unknown {
  if (typeof value !== "object" || value === null || typeof like !== "object" || like === null) {
    return value;
  }
  const fields = Object.entries(value).filter(([key]) => key in like);
  return Object.fromEntries(
    fields.map(([key, inner]) => [key, known(inner, (like as Record<string, unknown>)[key])]),
  );
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString("hex");
}
