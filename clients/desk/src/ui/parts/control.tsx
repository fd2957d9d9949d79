import type { Card, Control } from "@vigie/client";
import { texts } from "../../texts.ts";
import { useSite } from "../context.ts";
import { Lasting } from "./elapsed.tsx";
import { Bot, CircleAlert, Clock, Headset } from "./icons.ts";

/** Who is in control: the bot, you, or a colleague by name. */
export function ControlChip({ control, bot }: { control: Control; bot?: Card["bot"] }) {
  const t = texts();
  const me = useSite().operator.value;
  const { holder } = control;
  if (holder.kind === "bot") {
    if (bot === "failed") {
      return (
        <span class="chip chip-danger">
          <CircleAlert aria-hidden="true" />
          {t.list.failed}
        </span>
      );
    }
    return (
      <span class="chip chip-bot" title={bot === "answering" ? t.list.answering : undefined}>
        <Bot aria-hidden="true" />
        {t.bot}
        {bot === "answering" && (
          <span class="dots" role="img" aria-label={t.list.answering}>
            <i />
            <i />
            <i />
          </span>
        )}
      </span>
    );
  }
  const mine = holder.id !== undefined && holder.id === me;
  return (
    <span class={mine ? "chip chip-mine" : "chip chip-other"} title={holder.name}>
      <Headset aria-hidden="true" />
      <span class="cut">{mine ? t.you : holder.name}</span>
    </span>
  );
}

/** How long a visitor has waited for a human. */
export function WaitingChip({ since }: { since: number }) {
  return (
    <span class="chip chip-wait">
      <Clock aria-hidden="true" />
      <Lasting since={since} say={texts().list.waitingFor} />
    </span>
  );
}
