// JSON-RPC 2.0 in text messages: nothing beside the platform is needed to read or write it.

import { asError, asId, asMap, asMethod, type Codec, type Message } from "./codec.ts";

/** JSON-RPC 2.0. Needs no library; messages are about a third longer than in MessagePack. */
export const json: Codec = {
  subprotocol: "vigie.v1.json",
  encode: (message) => JSON.stringify({ jsonrpc: "2.0", ...message, kind: undefined }),
  decode(data) {
    if (typeof data !== "string") {
      throw new Error("a binary message came where JSON was agreed on");
    }
    return [read(asMap(JSON.parse(data), "a message"))];
  },
};

function read(fields: Record<string, unknown>): Message {
  const { id, method, params = {}, result, error } = fields;
  if (method !== undefined) {
    const named = { method: asMethod(method), params: asMap(params, "a message's params") };
    return id === undefined
      ? { kind: "notification", ...named }
      : { kind: "request", id: asId(id), ...named };
  }
  if (error !== undefined) {
    return { kind: "response", id: id === null ? null : asId(id), error: asError(error) };
  }
  if (!("result" in fields)) {
    throw new Error("a message is neither request, response nor notification");
  }
  return { kind: "response", id: asId(id), result };
}
