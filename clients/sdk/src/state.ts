// What a program is told of its connection.

import type { VigieError } from "./errors.ts";
import type { Identity } from "./protocol.ts";

/** How the connection is: tell the four apart by `kind`. */
export type ConnectionState = Connecting | Online | Waiting | Closed;

/** An attempt is under way. */
export interface Connecting {
  /** Tells which state it is. */
  kind: "connecting";
  /** Which attempt since it was last online: 1, 2, 3 … */
  attempt: number;
}

/** Everything works. */
export interface Online {
  /** Tells which state it is. */
  kind: "online";
  /** Who the server takes this client for. */
  identity: Identity;
}

/** Between two attempts; also while there is no network. */
export interface Waiting {
  /** Tells which state it is. */
  kind: "waiting";
  /** Which attempt comes next. */
  attempt: number;
  /** When it comes, in milliseconds since 1970. */
  until: number;
  /** What went wrong, for humans. */
  reason: string;
}

/** For good. */
export interface Closed {
  /** Tells which state it is. */
  kind: "closed";
  /** Why, for humans. */
  reason: string;
  /** What was refused; absent if this program closed it. */
  error?: VigieError;
}
