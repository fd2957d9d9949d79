/** What was said and done: opened at its newest, and left where one reads. */

import { type Signal, useSignal } from "@preact/signals";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { filterThread } from "../../model/thread.ts";
import type { Conversation, Parts, Pending, ThreadItem } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { now, tick } from "../clock.ts";
import { useDesk } from "../context.ts";
import { day } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { Empty } from "../parts/empty.tsx";
import { ArrowDown, Bot, CircleAlert, LoaderCircle, Lock, MessageSquare } from "../parts/icons.ts";
import { Linked } from "../parts/linked.tsx";
import { Bubble, Item } from "./items.tsx";
import { refusalText } from "./refusal.ts";
import { threadRows } from "./rows.ts";

/** Items rendered at first, and added each time one reads further back. */
const ITEMS_STEP = 150;
/** This close to its end a thread counts as being at its end. */
const AT_END_PX = 48;

/** This close to its beginning a thread shows more of what was before. */
const EARLIER_PX = 80;

const EVERYTHING: Parts = { visitor: true, operator: true, actions: true };

/** Where one was reading in a conversation when one went to another; none: at its end. */
interface Place {
  readonly top: number;
  /** The first item that was rendered. */
  readonly from: number;
  /** The last item that was there when one was at the end. */
  readonly seen: number;
}

const places = new WeakMap<Conversation, Place>();

export function Thread({ conversation }: { conversation: Conversation }) {
  const t = texts().conversation;
  const { parts } = useDesk().preferences;
  const all = conversation.items.value;
  const shown = useMemo(() => filterThread(all, parts.value), [all, parts.value]);
  // At the end the oldest items give way to new ones; who reads further back keeps what is there.
  const from = useSignal<number | null>(places.get(conversation)?.from ?? null);
  const items = useMemo(() => rendered(shown, from.value), [shown, from.value]);
  const rows = useMemo(() => threadRows(items), [items]);
  const scroll = useScroll(conversation, from, shown, items);
  const hidden = all.length - shown.length;
  const empty = !conversation.loading.value && shown.length === 0;

  return (
    <div class="thread-place">
      <div
        ref={scroll.box}
        class="thread"
        role="log"
        aria-label={t.log}
        aria-busy={conversation.loading.value}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no pointer scrolls it by keys.
        tabIndex={0}
        onScroll={scroll.moved}
      >
        {conversation.loading.value && shown.length === 0 && (
          <p class="thread-note">
            <LoaderCircle class="spin" aria-hidden="true" />
            {t.loading}
          </p>
        )}
        {empty && hidden === 0 && (
          <Empty icon={<MessageSquare aria-hidden="true" />} title={t.empty} />
        )}
        {shown.length > items.length && (
          <Button kind="quiet" class="thread-earlier" onClick={scroll.earlier}>
            {t.earlier}
          </Button>
        )}
        {rows.map((row) =>
          row.kind === "day" ? (
            <DayLine key={row.key} time={row.time} />
          ) : (
            <Item key={row.key} item={row.item} joined={row.joined} />
          ),
        )}
        {hidden > 0 && (
          <p class="thread-note">
            {t.filteredOut(hidden)}
            <Button
              kind="quiet"
              onClick={() => {
                parts.value = EVERYTHING;
              }}
            >
              {t.showAll}
            </Button>
          </p>
        )}
        {conversation.pending.value.map((pending) => (
          <PendingMessage key={pending.key} conversation={conversation} pending={pending} />
        ))}
        <Momentary conversation={conversation} />
      </div>
      {scroll.away.value && (
        <button
          type="button"
          class={scroll.fresh.value > 0 ? "pill pill-new" : "pill"}
          onClick={scroll.toEnd}
        >
          <ArrowDown aria-hidden="true" />
          {scroll.fresh.value > 0 ? t.newMessages(scroll.fresh.value) : t.toNewest}
        </button>
      )}
    </div>
  );
}

/** The items from that one on; without one, the latest. */
function rendered(shown: readonly ThreadItem[], from: number | null): readonly ThreadItem[] {
  if (from === null) return shown.slice(-ITEMS_STEP);
  const first = shown.findIndex((item) => item.offset >= from);
  return first < 0 ? shown.slice(-ITEMS_STEP) : shown.slice(first);
}

/** Keeps the end in sight while one is there, and the place while one reads further back. */
function useScroll(
  conversation: Conversation,
  from: Signal<number | null>,
  shown: readonly ThreadItem[],
  items: readonly ThreadItem[],
) {
  const box = useRef<HTMLDivElement>(null);
  const away = useSignal(false);
  const fresh = useSignal(0);
  const seen = useRef(0);
  const heightBefore = useRef<number | null>(null);
  const opened = useRef(false);
  const first = items[0]?.offset ?? 0;

  const measure = useCallback(() => {
    const element = box.current;
    if (element === null) return;
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    const atEnd = rest <= AT_END_PX;
    away.value = !atEnd;
    if (atEnd) {
      seen.current = lastOffset(conversation);
      fresh.value = 0;
      from.value = null;
      places.delete(conversation);
    } else {
      from.value ??= first;
      places.set(conversation, { top: element.scrollTop, from: from.value, seen: seen.current });
    }
    conversation.look(atEnd);
  }, [conversation, away, fresh, from, first]);

  const toEnd = useCallback(() => {
    const element = box.current;
    if (element === null) return;
    element.scrollTop = element.scrollHeight;
    measure();
  }, [measure]);

  const earlier = () => {
    const at = shown.findIndex((item) => item.offset >= first);
    const next = shown[Math.max(0, at - ITEMS_STEP)];
    if (at <= 0 || next === undefined) return;
    heightBefore.current = box.current?.scrollHeight ?? null;
    from.value = next.offset;
  };

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    if (!opened.current) {
      if (items.length === 0) return;
      const place = places.get(conversation);
      opened.current = true;
      seen.current = place?.seen ?? lastOffset(conversation);
      element.scrollTop = place?.top ?? element.scrollHeight;
      measure();
      fresh.value = newMessages(shown, seen.current);
    } else if (heightBefore.current !== null) {
      element.scrollTop += element.scrollHeight - heightBefore.current;
      heightBefore.current = null;
    } else if (!away.peek()) {
      toEnd();
    } else {
      fresh.value = newMessages(shown, seen.current);
    }
  });

  const stay = useRef(toEnd);
  stay.current = toEnd;
  useEffect(() => {
    const element = box.current;
    if (element === null || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(() => {
      if (!away.peek()) stay.current();
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      conversation.look(false);
    };
  }, [conversation, away]);

  const moved = () => {
    measure();
    const near = (box.current?.scrollTop ?? EARLIER_PX) < EARLIER_PX;
    if (near && items.length < shown.length && heightBefore.current === null) earlier();
  };

  return { box, away, fresh, moved, toEnd, earlier };
}

function newMessages(shown: readonly ThreadItem[], seen: number): number {
  return shown.filter((item) => item.kind === "message" && !item.mine && item.offset > seen).length;
}

function lastOffset(conversation: Conversation): number {
  return conversation.items.peek().at(-1)?.offset ?? 0;
}

function DayLine({ time }: { time: number }) {
  useEffect(tick, []);
  return (
    <p class="day-line">
      <span>{day(time, now.value)}</span>
    </p>
  );
}

/** What a message of one's own waits for. */
function PendingMessage({
  conversation,
  pending,
}: {
  conversation: Conversation;
  pending: Pending;
}) {
  const t = texts();
  const failed = pending.state === "failed";
  return (
    <Bubble
      look={pending.note ? "note" : "operator"}
      who={pending.note ? `${t.conversation.note} · ${t.you}` : t.you}
      icon={pending.note ? <Lock aria-hidden="true" /> : undefined}
    >
      <p class={failed ? "bubble bubble-failed" : "bubble bubble-pending"}>
        <Linked text={pending.text} />
      </p>
      {failed ? (
        <div class="message-state bad" role="alert">
          <CircleAlert aria-hidden="true" />
          <span>
            {t.conversation.failed}
            {pending.refusal !== undefined && <>. {refusalText(pending.refusal, Date.now())}</>}
          </span>
          <Button kind="quiet" onClick={() => conversation.retry(pending.key)}>
            {t.conversation.retry}
          </Button>
          <Button kind="quiet" onClick={() => conversation.discard(pending.key)}>
            {t.conversation.discard}
          </Button>
        </div>
      ) : (
        pending.state === "sending" && <p class="message-state">{t.conversation.sending}</p>
      )}
    </Bubble>
  );
}

/** Who is writing now, and what. */
function Momentary({ conversation }: { conversation: Conversation }) {
  const t = texts().conversation;
  const bot = conversation.botDraft.value;
  const visitor = conversation.visitorTyping.value;
  const operator = conversation.operatorTyping.value;
  return (
    <div class="momentary" aria-live="off">
      {bot !== null && (
        <Bubble look="bot" who={t.botDraft} icon={<Bot aria-hidden="true" />}>
          <p class="bubble bubble-draft">
            {bot}
            <Dots />
          </p>
        </Bubble>
      )}
      {visitor !== null && (
        <Bubble look="visitor" who={visitor === "" ? t.visitorTyping : t.visitorDraft}>
          <p class="bubble bubble-draft">
            {visitor}
            <Dots />
          </p>
        </Bubble>
      )}
      {operator !== null && <p class="thread-note">{t.operatorTyping(operator)}</p>}
    </div>
  );
}

function Dots() {
  return (
    <span class="dots" aria-hidden="true">
      <i />
      <i />
      <i />
    </span>
  );
}
