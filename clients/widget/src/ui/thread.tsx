import { openChoices, type Told } from "../model/conversation.ts";
import type { Row } from "../model/rows.ts";
import { dayName } from "../text/times.ts";
import { firstKnown } from "../texts/choose.ts";
import type { Texts } from "../texts/texts.ts";
import type { Widget } from "../widget.ts";
import { avatar } from "./avatar.tsx";
import { askForHuman } from "./human.ts";
import { author, group } from "./message.tsx";

/** How far from its end a conversation still counts as read to the end. Pixels. */
const END_NEAR = 60;

/** The conversation itself. */
export function thread(widget: Widget) {
  const { rows, atEnd } = widget;
  const texts = widget.texts.value;
  const last = rows.value.findLast((row) => row.kind === "group" && row.from === "visitor");
  return (
    <div
      class="thread"
      role="log"
      aria-live="polite"
      aria-label={texts.chat}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        atEnd.value = scrollHeight - scrollTop - clientHeight < END_NEAR;
      }}
      // Called with each drawing: a moment later everything has its height.
      ref={(log) =>
        queueMicrotask(() => {
          if (log !== null && atEnd.peek()) {
            log.scrollTop = log.scrollHeight;
          }
        })
      }
    >
      {intro(widget)}
      {rows.value.map((row) => rowView(widget, row, row === last))}
      {choices(widget)}
      {typing(widget)}
    </div>
  );
}

/** Who answers here, and the first words. */
function intro(widget: Widget) {
  const texts = widget.texts.value;
  const { language, widget: settings } = widget.site.value;
  return (
    <>
      {!widget.chat.lasting && <p class="told">{texts.noStorage}</p>}
      <div class="group bot">
        {author(widget, "bot", "")}
        <p class="bubble">
          {firstKnown(settings?.greeting, [texts.tag, language]) ?? texts.greeting}
        </p>
      </div>
    </>
  );
}

function rowView(widget: Widget, row: Row, last: boolean) {
  const texts = widget.texts.value;
  switch (row.kind) {
    case "group":
      return group(widget, row, last);
    case "day":
      return (
        <p key={row.id} class="told">
          {dayName(row.time, Date.now(), texts.tag)}
        </p>
      );
    case "told":
      return (
        <p key={row.id} class={`told ${row.told.what}`}>
          {words(row.told, texts)}
        </p>
      );
  }
}

function words({ what, notice }: Told, texts: Texts): string | undefined {
  switch (what) {
    case "control_changed":
      return notice;
    case "human_requested":
      return texts.humanAsked;
    case "bot_failed":
      return texts.botFailed;
    case "session_closed":
      return texts.ended;
  }
}

/** The follow-ups that the last message offers. */
function choices({ chat, atEnd }: Widget) {
  const open = chat.waiting.value.length > 0 ? [] : openChoices(chat.conversation.value);
  return (
    open.length > 0 && (
      <div class="choices">
        {open.map(({ label, action }) => (
          <button
            key={label}
            class="choice"
            type="button"
            onClick={() => {
              atEnd.value = true;
              action === "request_human" ? askForHuman(chat) : chat.say(label);
            }}
          >
            {label}
          </button>
        ))}
      </div>
    )
  );
}

/** Somebody is writing: the operator says so, or the bot owes an answer. */
function typing(widget: Widget) {
  const { chat } = widget;
  const { operator, botAnswers } = chat.conversation.value;
  const types = operator === undefined ? botAnswers : chat.typing.value;
  return (
    types &&
    chat.reach.value === "online" && (
      <div class={operator === undefined ? "group bot" : "group operator"}>
        {avatar(operator)}
        <p class="bubble typing">
          <span class="unseen">
            {widget.texts.value.typing(operator ?? widget.site.value.bot_name ?? "")}
          </span>
          <i />
          <i />
          <i />
        </p>
      </div>
    )
  );
}
