// One class for everything that can go wrong: programs decide by `name`, people read `message`.

import { ERROR_NAMES, type RpcError, type ServerErrorName } from "./protocol.ts";

/**
 * What kind of error it is: a name of the server (see the table of errors in the protocol's
 * specification), or one of this client:
 *
 * - `disconnected`: there is no connection, or it was lost before the answer came. What was asked may
 *   have been done, unless the message says that it was not sent.
 * - `closed`: the client is closed for good.
 * - `full`: a bound of this client is reached; the message names it. Nothing was sent.
 * - `aborted`: the caller's `AbortSignal` was aborted (what had been sent may have been done all the
 *   same), or a later call took this one's place before it was sent.
 * - `unsupported`: this client or runtime cannot do that; the message says what is missing.
 * - `unknown`: a code of a newer server. Judge it by `retry`.
 */
export type ErrorName =
  | ServerErrorName
  | "disconnected"
  | "closed"
  | "full"
  | "aborted"
  | "unsupported"
  | "unknown";

/** Details of a {@link VigieError}. */
export interface ErrorDetails {
  /** The server's code; 0 (the default) for errors of this client. */
  code?: number;
  /** Whether the same, unchanged, may succeed later; false by default. */
  retry?: boolean;
  /** What the server says beside, by code: of `held` the control, of `unseen` head and count. */
  data?: unknown;
  /** What lies behind it. */
  cause?: unknown;
}

/** Why something was not done. */
export class VigieError extends Error {
  /** What kind of error it is: decide by this. */
  override readonly name: ErrorName;
  /** The server's code; 0 for errors of this client. */
  readonly code: number;
  /** Whether the same, unchanged, may succeed later. */
  readonly retry: boolean;
  /** What the server says beside; its shape depends on `name`. */
  readonly data: unknown;

  /**
   * @param name - What kind of error it is.
   * @param message - What happened and what to do, for a human.
   * @param details - The rest.
   */
  constructor(name: ErrorName, message: string, details: ErrorDetails = {}) {
    const { code = 0, retry = false, data, cause } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.name = name;
    this.code = code;
    this.retry = retry;
    this.data = data;
  }
}

/** The error that the server's answer stands for. */
export function refused(error: RpcError): VigieError {
  return new VigieError(ERROR_NAMES.get(error.code) ?? "unknown", error.message, error);
}

/** The error of what a lost or missing connection keeps from being answered. */
export function disconnected(message: string): VigieError {
  return new VigieError("disconnected", message, { retry: true });
}

/** Whether it is the token that was refused, not the client. */
export function isAboutToken({ name }: VigieError): boolean {
  return name === "unauthorized" || name === "token_expired";
}
