import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { byteLength, cutToBytes, TEXT_BYTES_MAX } from "../text/bytes.ts";
import type { Texts } from "../texts/texts.ts";
import type { Widget } from "../widget.ts";
import { askForHuman, canAskForHuman, choicesOfferHuman } from "./human.ts";
import { Icon } from "./icons.tsx";

/** How much room must be left before the visitor is told how much. Bytes. */
const ROOM_TOLD = 1024;

/** The tallest that the field grows. Pixels. */
const HEIGHT_MAX = 132;

/** Where the visitor writes. */
export function Composer({ widget }: { widget: Widget }) {
  const { chat, asked } = widget;
  const texts = widget.texts.value;
  const field = useRef<HTMLTextAreaElement>(null);
  const draft = chat.draft.value;
  const room = TEXT_BYTES_MAX - byteLength(draft);
  const refused = chat.reach.value === "refused";

  // The height follows from the draft.
  useLayoutEffect(() => {
    const area = field.current;
    if (area !== null) {
      area.style.height = "auto";
      area.style.height = `${Math.min(area.scrollHeight, HEIGHT_MAX)}px`;
    }
  }, [draft]);
  useEffect(() => {
    // A phone's keyboard would cover what there is to read.
    if (asked.peek() && matchMedia("(pointer: fine)").matches) {
      field.current?.focus();
    }
  }, [asked]);

  const send = () => {
    chat.sayDraft();
    field.current?.focus();
  };
  return (
    <footer class="footer">
      <Notices widget={widget} room={room} />
      <form
        class="composer"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <textarea
          ref={field}
          rows={1}
          aria-label={texts.message}
          aria-describedby="room"
          aria-invalid={room < 0}
          placeholder={texts.placeholder}
          enterkeyhint="send"
          dir="auto"
          value={draft}
          disabled={refused}
          onInput={(event) => chat.type(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              send();
            }
          }}
        />
        <button
          class="send"
          type="submit"
          aria-label={texts.send}
          disabled={draft.trim() === "" || room < 0 || refused}
        >
          <Icon name="send" />
        </button>
      </form>
    </footer>
  );
}

/** Above the field: the way to a human, and what stands against sending. */
function Notices({ widget, room }: { widget: Widget; room: number }) {
  const { chat } = widget;
  const texts = widget.texts.value;
  const conversation = chat.conversation.value;
  const offered = canAskForHuman(conversation) && !choicesOfferHuman(conversation);
  return (
    <div class="notices">
      {offered && chat.reach.value !== "refused" && (
        <button
          class={conversation.botFailed ? "ask urgent" : "ask"}
          type="button"
          onClick={() => askForHuman(chat)}
        >
          <Icon name="person" />
          {texts.talkToHuman}
        </button>
      )}
      <span id="room" class={room < 0 ? "room over" : "room"} aria-live="polite">
        {chat.full.value ? texts.tooMany : roomText(chat.draft.value, room, texts)}
      </span>
    </div>
  );
}

function roomText(draft: string, room: number, texts: Texts): string {
  if (room < 0) {
    return texts.tooLong(draft.length - cutToBytes(draft, TEXT_BYTES_MAX).length);
  }
  return room < ROOM_TOLD ? texts.left(room) : "";
}
