// What the wire carries, apart from how it is written.

import type { RpcError } from "./protocol.ts";

/** One message of the protocol. */
export type Message = RequestMessage | ResponseMessage | NotificationMessage;

/** A message that wants an answer. */
export interface RequestMessage {
  /** Tells the three kinds of message apart. */
  kind: "request";
  /** Names the request in its answer. */
  id: number | string;
  /** What is asked for. */
  method: string;
  /** A map. */
  params: unknown;
}

/** An answer: `error` if the request was refused, else `result`. */
export interface ResponseMessage {
  /** Tells the three kinds of message apart. */
  kind: "response";
  /** Which request; null where the server could not read its id. */
  id: number | string | null;
  /** Why the request was refused; absent if it was not. */
  error?: RpcError;
  /** What came of it. */
  result?: unknown;
}

/** A message that wants no answer. */
export interface NotificationMessage {
  /** Tells the three kinds of message apart. */
  kind: "notification";
  /** What it tells of. */
  method: string;
  /** A map. */
  params: unknown;
}

/** How messages are written. `messagePack` and `json` are the ones that the server speaks. */
export interface Codec {
  /** The WebSocket subprotocol that says so. */
  readonly subprotocol: string;
  /**
   * Writes a message: bytes for a binary, text for a text WebSocket message. Fields that are
   * undefined are left out.
   */
  encode(message: Message): Uint8Array | string;
  /**
   * Reads what came in one WebSocket message.
   *
   * @throws An `Error` if it is not written as it should be.
   */
  decode(data: Uint8Array | string): Message[];
}

/** Checks that what was read has the shape of an error. */
export function asError(value: unknown): RpcError {
  const { code, message, retry, data } = asMap(value, "an error");
  if (typeof code !== "number" || typeof message !== "string") {
    throw new Error("an error without code and message");
  }
  return { code, message, retry: retry === true, ...(data === undefined ? {} : { data }) };
}

/** Checks that what was read is a map. */
export function asMap(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${what} is not a map`);
  }
  return value as Record<string, unknown>;
}

/** Checks that what was read can be a request's id. */
export function asId(value: unknown): number | string {
  if (typeof value !== "number" && typeof value !== "string") {
    throw new Error("an id is not a number or a text");
  }
  return value;
}

/** Checks that what was read can be a method. */
export function asMethod(value: unknown): string {
  if (typeof value !== "string") {
    throw new Error("a method is not a text");
  }
  return value;
}
