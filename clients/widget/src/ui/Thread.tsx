import { useComputed, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { openChoices } from "../model/conversation.ts";
import { layOut } from "../model/rows.ts";
import type { Widget } from "../widget.ts";
import { Avatar } from "./Avatar.tsx";
import { askForHuman } from "./human.ts";
import { Icon } from "./icons.tsx";
import { RowView } from "./Rows.tsx";

/** How far from its end a conversation still counts as read to the end. Pixels. */
const END_NEAR = 80;

/** The conversation itself. */
export function Thread({ widget }: { widget: Widget }) {
  const { chat } = widget;
  const texts = widget.texts.value;
  const log = useRef<HTMLDivElement>(null);
  const atEnd = useSignal(true);
  const rows = useComputed(() => layOut(chat.conversation.value.entries, chat.waiting.value)).value;
  const lastGroup = rows.findLastIndex((row) => row.kind === "group");
  const ownWaiting = chat.waiting.value.length;

  const toEnd = () => log.current?.scrollTo({ top: log.current.scrollHeight });
  // What the visitor says is always shown.
  useLayoutEffect(() => {
    atEnd.value = true;
    toEnd();
  }, [ownWaiting]);
  useLayoutEffect(() => {
    if (atEnd.peek()) {
      toEnd();
    }
  });

  return (
    <div class="middle">
      <div
        ref={log}
        class="thread"
        role="log"
        aria-live="polite"
        aria-label={texts.conversation}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          atEnd.value = scrollHeight - scrollTop - clientHeight < END_NEAR;
        }}
      >
        <Intro widget={widget} />
        {rows.map((row, at) => (
          <RowView key={row.id} row={row} last={at === lastGroup} widget={widget} />
        ))}
        <Choices widget={widget} />
        <Typing widget={widget} />
      </div>
      {!atEnd.value && (
        <button class="to-end" type="button" onClick={toEnd}>
          <Icon name="down" />
          {texts.newMessages}
        </button>
      )}
    </div>
  );
}

/** Who answers here, and the first words. */
function Intro({ widget }: { widget: Widget }) {
  const texts = widget.texts.value;
  const { botName } = widget.site.value;
  return (
    <>
      <div class="intro">
        <p>{texts.privacy}</p>
        {!widget.chat.lasting && <p>{texts.noStorage}</p>}
      </div>
      <div class="group bot">
        <Avatar name={botName} human={false} />
        <p class="who">
          {botName && <b>{botName}</b>} <span>{texts.assistant}</span>
        </p>
        <p class="bubble">{widget.greeting.value}</p>
      </div>
    </>
  );
}

/** The follow-ups that the last message offers. */
function Choices({ widget }: { widget: Widget }) {
  const { chat } = widget;
  const choices = chat.waiting.value.length > 0 ? [] : openChoices(chat.conversation.value);
  if (choices.length === 0) {
    return null;
  }
  return (
    <div class="choices">
      {choices.map(({ label, action }) => (
        <button
          key={label}
          class="choice"
          type="button"
          onClick={() => (action === "request_human" ? askForHuman(chat) : chat.say(label))}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** Somebody is writing: the operator says so, the bot owes an answer. */
function Typing({ widget }: { widget: Widget }) {
  const { chat } = widget;
  const { operator, botAnswers } = chat.conversation.value;
  const typing = operator === undefined ? botAnswers : chat.typing.value;
  if (!typing || chat.reach.value !== "online") {
    return null;
  }
  const name = operator ?? (widget.site.value.botName || widget.texts.value.assistant);
  return (
    <div class={`group typing ${operator === undefined ? "bot" : "operator"}`}>
      <Avatar name={name} human={operator !== undefined} />
      <p class="bubble">
        <span class="unseen">{widget.texts.value.typing(name)}</span>
        <i />
        <i />
        <i />
      </p>
    </div>
  );
}
