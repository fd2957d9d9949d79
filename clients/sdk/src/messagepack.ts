// MessagePack-RPC, in binary messages and on plain TCP.

import { decodeMulti, encode } from "@msgpack/msgpack";
import { asError, asId, asMap, asMethod, type Codec, type Message } from "./codec.ts";

/** MessagePack-RPC: the default. Takes `@msgpack/msgpack`. */
export const messagePack: Codec = {
  subprotocol: "vigie.v1.msgpack",
  encode: (message) => encode(written(message), { ignoreUndefined: true }),
  decode(data) {
    if (typeof data === "string") {
      throw new Error("a text message came where MessagePack was agreed on");
    }
    return Array.from(decodeMulti(data, { keyDecoder }), read);
  },
};

/**
 * Visitors name the entries of their data, and the library throws at the name `__proto__`: a stranger
 * could cut every operator off. So that key gets another name here.
 */
const keyDecoder = {
  canBeCached: (bytes: number) => bytes === PROTO.length,
  decode(data: Uint8Array, offset: number, bytes: number): string {
    const key = new TextDecoder().decode(data.subarray(offset, offset + bytes));
    return key === PROTO ? `[${PROTO}]` : key;
  },
};

const PROTO = "__proto__";

const REQUEST = 0;
const RESPONSE = 1;
const NOTIFICATION = 2;

function written(message: Message): unknown[] {
  switch (message.kind) {
    case "request":
      return [REQUEST, message.id, message.method, [message.params]];
    case "response":
      return [RESPONSE, message.id, message.error ?? null, message.result ?? null];
    case "notification":
      return [NOTIFICATION, message.method, [message.params]];
  }
}

function read(value: unknown): Message {
  if (!Array.isArray(value)) {
    throw new Error("a message is not an array");
  }
  const [kind, ...fields] = value as unknown[];
  if (kind === REQUEST && fields.length === 3) {
    const [id, method, params] = fields;
    return { kind: "request", id: asId(id), method: name(method), params: only(params) };
  }
  if (kind === RESPONSE && fields.length === 3) {
    const [id, error, result] = fields;
    return error === null
      ? { kind: "response", id: asId(id), result }
      : { kind: "response", id: asId(id), error: asError(error) };
  }
  if (kind === NOTIFICATION && fields.length === 2) {
    const [method, params] = fields;
    return { kind: "notification", method: name(method), params: only(params) };
  }
  throw new Error("a message is neither request, response nor notification");
}

/** A method's name may come as raw bytes. */
function name(value: unknown): string {
  return asMethod(value instanceof Uint8Array ? new TextDecoder().decode(value) : value);
}

/** Parameters are an array of one map; an empty one stands for an empty map. */
function only(params: unknown): Record<string, unknown> {
  if (!Array.isArray(params) || params.length > 1) {
    throw new Error("a message's params are not an array of one map");
  }
  return params.length === 0 ? {} : asMap(params[0], "a message's params");
}
