/** What was said and done: opened at its newest, and left where one reads. */

import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { filterThread } from "../../model/thread.ts";
import type { Conversation, Parts, Pending } from "../../model/types.ts";
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

const EVERYTHING: Parts = { visitor: true, operator: true, actions: true };

/** Where one was reading in a conversation when one went to another; `null`: at its end. */
const places = new WeakMap<Conversation, number | null>();

export function Thread({ conversation }: { conversation: Conversation }) {
  const t = texts().conversation;
  const { parts } = useDesk().preferences;
  const all = conversation.items.value;
  const shown = useMemo(() => filterThread(all, parts.value), [all, parts.value]);
  const limit = useSignal(ITEMS_STEP);
  const items = shown.length > limit.value ? shown.slice(-limit.value) : shown;
  const rows = useMemo(() => threadRows(items), [shown, limit.value]);
  const scroll = useScroll(conversation, limit, all.length, shown.length > items.length);
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

/** Keeps the end in sight while one is there, and the place while one reads further back. */
function useScroll(
  conversation: Conversation,
  limit: { value: number },
  length: number,
  earlierThere: boolean,
) {
  const box = useRef<HTMLDivElement>(null);
  const away = useSignal(false);
  const fresh = useSignal(0);
  const seen = useRef(0);
  const heightBefore = useRef<number | null>(null);
  const opened = useRef(false);

  const measure = useCallback(() => {
    const element = box.current;
    if (element === null) return;
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    const atEnd = rest <= AT_END_PX;
    away.value = !atEnd;
    if (atEnd) {
      seen.current = lastOffset(conversation);
      fresh.value = 0;
    }
    places.set(conversation, atEnd ? null : element.scrollTop);
    conversation.look(atEnd);
  }, [conversation, away, fresh]);

  const toEnd = useCallback(() => {
    const element = box.current;
    if (element === null) return;
    element.scrollTop = element.scrollHeight;
    measure();
  }, [measure]);

  const earlier = () => {
    heightBefore.current = box.current?.scrollHeight ?? null;
    limit.value += ITEMS_STEP;
  };

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    if (!opened.current && length > 0) {
      opened.current = true;
      const place = places.get(conversation) ?? null;
      seen.current = lastOffset(conversation);
      element.scrollTop = place ?? element.scrollHeight;
      measure();
    } else if (heightBefore.current !== null) {
      element.scrollTop += element.scrollHeight - heightBefore.current;
      heightBefore.current = null;
    } else if (!away.peek()) {
      element.scrollTop = element.scrollHeight;
      measure();
    } else {
      fresh.value = conversation.items
        .peek()
        .filter(
          (item) => item.kind === "message" && !item.mine && item.offset > seen.current,
        ).length;
    }
  });

  useEffect(() => {
    const element = box.current;
    if (element === null || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(() => {
      if (!away.peek()) toEnd();
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      conversation.look(false);
    };
  }, [conversation, away, toEnd]);

  const moved = () => {
    measure();
    if (earlierThere && (box.current?.scrollTop ?? 1) < 80 && heightBefore.current === null)
      earlier();
  };

  return { box, away, fresh, moved, toEnd, earlier };
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
