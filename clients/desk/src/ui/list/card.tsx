import type { Card, LastMessage } from "@vigie/client";
import { texts } from "../../texts.ts";
import { countryName, number } from "../format.ts";
import { memo } from "../memo.ts";
import { ControlChip, WaitingChip } from "../parts/control.tsx";
import { DeviceIcon } from "../parts/device.tsx";
import { Elapsed } from "../parts/elapsed.tsx";
import { Flag } from "../parts/flag.tsx";
import { Bot, Headset, MessageSquare } from "../parts/icons.ts";

/** The height of a card in the live list; the same is in `styles/list.css`. */
export const CARD_HEIGHT_PX = 88;

/** A session in the live list. */
export const SessionCard = memo(function SessionCard({
  card,
  unread,
}: {
  card: Card;
  unread: number;
}) {
  const t = texts().list;
  return (
    <div class={card.waiting === undefined ? "card" : "card card-waiting"}>
      <div class="card-line">
        <Presence card={card} />
        <span class="card-country cut">{countryName(card.country) ?? t.unknownCountry}</span>
        <DeviceIcon device={card.device} />
        <span class="card-browser cut">{card.browser}</span>
        <span class="card-time" title={t.duration}>
          <Elapsed since={card.started} />
        </span>
      </div>
      <div class={unread > 0 ? "card-line card-last fresh" : "card-line card-last"}>
        <Last last={card.last} />
        <UnreadBadge unread={unread} />
      </div>
      <div class="card-line card-foot">
        <ControlChip control={card.control} bot={card.bot} />
        {card.waiting !== undefined && <WaitingChip since={card.waiting} />}
        <MessageCount messages={card.messages} />
      </div>
    </div>
  );
});

/** The flag, and whether the visitor is there. */
export function Presence({ card }: { card: Card }) {
  const t = texts().list;
  const words = card.online ? t.online : t.offline;
  return (
    <span class="card-flag">
      <Flag country={card.country} />
      <span
        class={`presence ${card.online ? "presence-on" : "presence-off"}`}
        role="img"
        aria-label={words}
        title={words}
      />
    </span>
  );
}

/** What was said last, and by which side. */
export function Last({ last }: { last: LastMessage | undefined }) {
  const t = texts();
  if (last === undefined) return <span class="cut muted">{t.list.noMessage}</span>;
  return (
    <>
      {last.from === "bot" && <Bot class="speaker" role="img" aria-label={t.bot} />}
      {last.from === "operator" && (
        <Headset class="speaker" role="img" aria-label={t.conversation.parts.operator} />
      )}
      <span class="cut">{last.text}</span>
    </>
  );
}

/** How many messages were not looked at. */
export function UnreadBadge({ unread }: { unread: number }) {
  if (unread === 0) return null;
  const words = texts().list.unread(unread);
  return (
    <span class="badge" title={words}>
      <span aria-hidden="true">{unread > 99 ? "99+" : number(unread)}</span>
      <span class="hidden">{words}</span>
    </span>
  );
}

/** How many messages were said. */
export function MessageCount({ messages }: { messages: number }) {
  const words = texts().list.messages(messages);
  return (
    <span class="card-count" title={words}>
      <MessageSquare aria-hidden="true" />
      <span aria-hidden="true">{number(messages)}</span>
      <span class="hidden">{words}</span>
    </span>
  );
}

/** In the place of a card that has not come yet. */
export function BlankCard() {
  return (
    <div class="card" aria-hidden="true">
      <div class="bone bone-short" />
      <div class="bone" />
      <div class="bone bone-chip" />
    </div>
  );
}
