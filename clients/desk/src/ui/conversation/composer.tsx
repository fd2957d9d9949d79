import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { TEXT_BYTES_MAX } from "../../model/bounds.ts";
import type { Conversation } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { attempt } from "../attempt.ts";
import { useSite } from "../context.ts";
import { Button } from "../parts/button.tsx";
import { Eye, Lock, SendHorizontal, StickyNote } from "../parts/icons.ts";

/** The composer grows with what is written, up to this. */
const HEIGHT_PX_MAX = 220;

/** Where one writes: to the visitor when in control, or a note to the colleagues at any time. */
export function Composer({ conversation }: { conversation: Conversation }) {
  const t = texts().composer;
  const site = useSite();
  const closed = conversation.closed.value;
  const note = conversation.noteMode.value;
  const mine = conversation.mine.value;
  const text = conversation.text.value;
  const box = useRef<HTMLTextAreaElement>(null);
  const excess = new TextEncoder().encode(text).length - TEXT_BYTES_MAX;
  const ready = !closed && (note || mine) && text.trim() !== "" && excess <= 0;

  useGrowing(box, text);
  useFocusOnControl(box, mine, conversation);

  const send = () => {
    if (!ready) return;
    attempt(conversation.send());
    box.current?.focus();
  };
  const keys = (event: JSX.TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
    event.preventDefault();
    send();
  };

  if (closed) {
    return (
      <div class="composer composer-closed">
        <p class="composer-note">
          <Lock aria-hidden="true" />
          {t.closed}
        </p>
        {text !== "" && (
          <textarea
            ref={box}
            class="composer-text"
            aria-label={t.name}
            readOnly
            rows={1}
            value={text}
          />
        )}
      </div>
    );
  }
  return (
    <div class={note ? "composer composer-as-note" : mine ? "composer composer-mine" : "composer"}>
      {!mine && !note && <Observing conversation={conversation} />}
      <textarea
        ref={box}
        class="composer-text"
        data-composer
        aria-label={note ? t.noteName : t.name}
        placeholder={note ? t.placeholderNote : mine ? t.placeholder : t.placeholderObserving}
        rows={1}
        value={text}
        onInput={(event) => {
          conversation.text.value = event.currentTarget.value;
          if (!note && mine) conversation.typing();
        }}
        onKeyDown={keys}
      />
      <div class="composer-foot">
        <Mode conversation={conversation} />
        <span class="composer-hint muted">
          {excess > 0 ? (
            <span class="bad" role="alert">
              {t.tooLong(excess)}
            </span>
          ) : site.connection.value.kind !== "online" ? (
            t.offline
          ) : (
            (note || mine) && (
              <span class="only-wide">
                <kbd>Enter</kbd> {t.hint} <kbd>Shift Enter</kbd> {t.newline}
              </span>
            )
          )}
        </span>
        <Button kind="primary" disabled={!ready} onClick={send} class={note ? "button-note" : ""}>
          {note ? <StickyNote aria-hidden="true" /> : <SendHorizontal aria-hidden="true" />}
          {note ? t.addNote : t.send}
        </Button>
      </div>
    </div>
  );
}

/** One does not answer here: why. */
function Observing({ conversation }: { conversation: Conversation }) {
  const t = texts().composer;
  const holder = conversation.control.value?.holder;
  return (
    <p class="composer-note">
      <Eye aria-hidden="true" />
      {holder?.kind === "operator" ? t.held(holder.name) : t.observing}
    </p>
  );
}

function Mode({ conversation }: { conversation: Conversation }) {
  const t = texts().composer;
  const note = conversation.noteMode.value;
  const choice = (label: string, value: boolean) => (
    <label class={note === value ? "segment segment-on" : "segment"}>
      <input
        class="hidden"
        type="radio"
        name={`mode-${conversation.session}`}
        checked={note === value}
        onChange={() => {
          conversation.noteMode.value = value;
        }}
      />
      {label}
    </label>
  );
  return (
    <div class="segments" role="radiogroup" aria-label={t.mode}>
      {choice(t.modeReply, false)}
      {choice(t.modeNote, true)}
    </div>
  );
}

function useGrowing(box: { current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, HEIGHT_PX_MAX)}px`;
  }, [box, text]);
}

/** Who has just taken over wants to write. */
function useFocusOnControl(
  box: { current: HTMLTextAreaElement | null },
  mine: boolean,
  conversation: Conversation,
): void {
  const before = useRef({ conversation, mine });
  useEffect(() => {
    const { conversation: shown, mine: had } = before.current;
    before.current = { conversation, mine };
    const busy = document.activeElement?.closest("input, textarea, dialog") != null;
    if (shown === conversation && mine && !had && !busy) box.current?.focus();
  }, [box, mine, conversation]);
}
