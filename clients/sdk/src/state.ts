// What a program is told of its connection.

import type { VigieError } from "./errors.ts";
import type { Identity } from "./protocol.ts";

/**
 * How the connection is.
 *
 * - `connecting`: an attempt is under way; `attempt` counts from 1 since it was last online.
 * - `online`: everything works; `identity` says who the server takes this client for.
 * - `waiting`: between two attempts. `until` is when the next is made (milliseconds since 1970),
 *   `reason` says in words what went wrong, `attempt` is the number of the next one.
 * - `closed`: for good. `error` says why, unless this program closed it.
 */
export type ConnectionState =
  | { kind: "connecting"; attempt: number }
  | { kind: "online"; identity: Identity }
  | { kind: "waiting"; attempt: number; until: number; reason: string }
  | { kind: "closed"; reason: string; error?: VigieError };
