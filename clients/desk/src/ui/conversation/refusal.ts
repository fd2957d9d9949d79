/** Why something was refused, in words. */

import type { Refusal } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { ago } from "../format.ts";

export function refusalText(refusal: Refusal, now: number): string {
  const t = texts();
  switch (refusal.kind) {
    case "held":
      return t.refused.held(
        refusal.holder.kind === "operator" ? refusal.holder.name : t.bot,
        ago(refusal.since, now),
      );
    case "not-in-control":
      return refusal.holder?.kind === "operator" && refusal.since !== undefined
        ? t.refused.nowHeld(refusal.holder.name, ago(refusal.since, now))
        : t.refused.notInControl;
    case "forbidden":
      return t.refused.forbidden;
    case "unavailable":
      return t.refused.unavailable;
    case "closed":
      return t.refused.closed;
    case "full":
      return t.refused.full;
    case "offline":
      return t.refused.disconnected;
    case "too-many":
      return t.refused.tooMany;
    case "too-long":
      return t.composer.tooLong(refusal.bytes - refusal.max);
    case "other":
      return t.refused.other(refusal.message);
  }
}
