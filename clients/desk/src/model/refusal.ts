/** Refusals of the engine in a form that the interface has words for: pure. */

import type { Control } from "@vigie/client";
import { VigieError } from "@vigie/client";
import type { ConversationAction, Refusal } from "./types.ts";

/** What an action was refused with. */
export function refusalOf(action: ConversationAction, error: unknown): Refusal {
  if (!(error instanceof VigieError)) {
    return { action, kind: "other", code: 0, message: wordsOf(error) };
  }
  const control = controlOf(error.data);
  switch (error.name) {
    case "held":
      return control === undefined
        ? { action, kind: "other", code: error.code, message: error.message }
        : { action, kind: "held", holder: control.holder, since: control.since };
    case "not_in_control":
      return { action, kind: "not-in-control", ...control };
    case "forbidden":
      return { action, kind: "forbidden" };
    case "operator_unavailable":
      return { action, kind: "unavailable" };
    case "session_closed":
    case "unknown_session":
      return { action, kind: "closed" };
    case "session_full":
      return { action, kind: "full" };
    case "disconnected":
      return { action, kind: "offline" };
    default:
      return { action, kind: "other", code: error.code, message: error.message };
  }
}

/** How many messages of the visitor were not seen, if that is what the refusal says. */
export function unseenOf(error: unknown): number | undefined {
  if (!(error instanceof VigieError) || error.name !== "unseen") {
    return undefined;
  }
  const { unseen } = (error.data ?? {}) as { unseen?: unknown };
  return typeof unseen === "number" ? unseen : 1;
}

function controlOf(data: unknown): Pick<Control, "holder" | "since"> | undefined {
  const { holder, since } = (data ?? {}) as Partial<Control>;
  return holder === undefined || since === undefined ? undefined : { holder, since };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
