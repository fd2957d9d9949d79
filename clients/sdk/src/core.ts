/**
 * The client without a codec of its own: the `connect…` functions here must be given one, so that a
 * program that speaks JSON does not carry a MessagePack library. Everything else is the same as in
 * the package's main entry.
 *
 * @module
 */

export { BACKOFF_FIRST_MS, BACKOFF_MAX_MS } from "./backoff.ts";
export {
  type BotClient,
  type BotHandlers,
  type BotOptions,
  connectBot,
  type TurnReply,
} from "./bot.ts";
export {
  AGENT,
  type Client,
  type ClientOptions,
  type Events,
  PROTOCOL_VERSION,
  type Resync,
  type SessionChange,
  type Settled,
  type SignalError,
} from "./client.ts";
export { type Clock, systemClock } from "./clock.ts";
export type {
  Codec,
  Message,
  NotificationMessage,
  RequestMessage,
  ResponseMessage,
} from "./codec.ts";
export { MESSAGE_BYTES_MAX } from "./connection.ts";
export { type ErrorDetails, type ErrorName, VigieError } from "./errors.ts";
export { FOLLOWS_MAX, type FollowHandlers, type Following, type Position } from "./follows.ts";
export { json } from "./json.ts";
export { newKey } from "./key.ts";
export type { LiveView } from "./live.ts";
export {
  connectOperator,
  type ObserveHandlers,
  type OperatorClient,
  type OperatorOptions,
  type ReplyOptions,
} from "./operator.ts";
export { CALLS_MAX } from "./outbox.ts";
export * from "./protocol.ts";
export type { Closed, Connecting, ConnectionState, Online, Waiting } from "./state.ts";
export { byteLength, cut, LINE_BYTES_MAX, TEXT_BYTES_MAX } from "./text.ts";
export type { OpenTransport, Transport, TransportHandlers } from "./transport.ts";
export {
  connectVisitor,
  type SayOptions,
  type VisitorClient,
  type VisitorOptions,
} from "./visitor.ts";
export type { Watch, WatchHandlers } from "./watching.ts";
export { type WebSocketConstructor, type WebSocketLike, webSocket } from "./websocket.ts";
