// What goes into the connection machine and what comes out of it: all of it plain values.

import type { Message, NotificationMessage } from "./codec.ts";
import type { VigieError } from "./errors.ts";
import type { Call, Outcome } from "./outbox.ts";
import type { Connected, ConnectParams } from "./protocol.ts";
import type { ConnectionState } from "./state.ts";

/** What happens to a connection. `link` counts the sockets: what an old one says is ignored. */
export type Input =
  | { kind: "start" }
  | { kind: "opened"; link: number }
  | { kind: "message"; link: number; message: Message }
  | { kind: "alive"; link: number }
  | { kind: "lost"; link: number; code: number; reason: string; error?: VigieError | undefined }
  | { kind: "token"; ask: number; token: string }
  | { kind: "token_failed"; ask: number; error: VigieError }
  | { kind: "describe"; connect: Partial<ConnectParams> }
  | { kind: "call"; call: Call }
  | { kind: "unsendable"; request: number; error: VigieError }
  | { kind: "abort"; call: number }
  | { kind: "notify"; method: string; params: unknown }
  | { kind: "refresh"; call: number }
  | { kind: "renew"; reason: string }
  | { kind: "retry_now" }
  | { kind: "network_back" }
  | { kind: "network_gone" }
  | { kind: "tick" }
  | { kind: "close" };

/** What is to be done. */
export type Effect =
  | { kind: "open"; link: number }
  | { kind: "shut"; link: number }
  | { kind: "send"; link: number; message: Message }
  | { kind: "ask_token"; ask: number }
  /** `resync`: the log is of another generation than before. */
  | { kind: "connected"; connected: Connected; resync: boolean }
  | { kind: "state"; state: ConnectionState }
  | { kind: "push"; push: NotificationMessage }
  | { kind: "settle"; call: number; outcome: Outcome }
  | { kind: "wake"; at: number | undefined };

/** What decides: the connection machine, alone or with a layer around it. */
export interface Machinery {
  /** Takes one input at a time; `now` never goes back by much. Returns what to do, in this order. */
  handle(input: Input, now: number): Effect[];
  /** When `tick` is due, if ever. */
  readonly wakeAt: number | undefined;
}

/** What a machine is made of. */
export interface MachineOptions {
  /** The first parameters of `connect`. */
  connect: ConnectParams;
  /** The generation of the log that what is known of before is of, if any is. */
  generation?: number | undefined;
  /** From 0 to 1. */
  random(): number;
}
