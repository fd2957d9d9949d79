import { byteLength, cut, TEXT_BYTES_MAX } from "@vigie/client/core";
import type { Texts } from "../texts/texts.ts";
import type { Widget } from "../widget.ts";
import { askForHuman, offersHuman } from "./human.ts";
import { icon } from "./icon.tsx";

/** How much room is left when the visitor is told how much. Bytes. */
const ROOM_TOLD = 1024;

/** The tallest that the field grows. Pixels. */
const HEIGHT_MAX = 132;

/** Where the visitor writes. */
export function composer(widget: Widget) {
  const { chat, atEnd } = widget;
  const texts = widget.texts.value;
  const draft = chat.draft.value;
  const room = TEXT_BYTES_MAX - byteLength(draft);
  const refused = chat.reach.value === "refused";
  const send = (event: Event) => {
    event.preventDefault();
    atEnd.value = true;
    chat.sayDraft();
    widget.root.querySelector("textarea")?.focus();
  };
  return (
    <div class="bottom">
      <div class="above">
        {offersHuman(chat) && (
          <button
            class={chat.conversation.value.botFailed ? "ask urgent" : "ask"}
            type="button"
            onClick={() => askForHuman(chat)}
          >
            {icon("person")}
            {texts.talkToHuman}
          </button>
        )}
        <span id="room" class={room < 0 ? "bad" : ""} aria-live="polite">
          {chat.full.value ? texts.reconnecting : roomText(draft, room, texts)}
        </span>
      </div>
      <form class="composer" onSubmit={send}>
        <textarea
          // Called after each drawing: the draft may have changed.
          ref={(field) => grow(field)}
          rows={1}
          aria-label={texts.message}
          aria-describedby="room"
          aria-invalid={room < 0}
          placeholder={texts.placeholder}
          enterkeyhint="send"
          dir="auto"
          value={draft}
          disabled={refused}
          onInput={({ currentTarget }) => chat.type(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              send(event);
            }
          }}
        />
        <button
          class="send"
          type="submit"
          aria-label={texts.send}
          disabled={draft.trim() === "" || room < 0 || refused}
        >
          {icon("send")}
        </button>
      </form>
    </div>
  );
}

/** The field is as tall as what stands in it. */
function grow(field: HTMLTextAreaElement | null): void {
  if (field !== null) {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, HEIGHT_MAX)}px`;
  }
}

function roomText(draft: string, room: number, texts: Texts): string | false {
  // What is too much is counted in characters, as whoever shortens it does.
  const left = room < 0 ? cut(draft, TEXT_BYTES_MAX).length - draft.length : room;
  return room < ROOM_TOLD && texts.left(left);
}
