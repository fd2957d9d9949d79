import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Widget } from "../widget.ts";
import { Icon } from "./icons.tsx";

const SCORES = [1, 2, 3, 4, 5] as const;

/** The longest comment that can be written. Characters; the engine takes four bytes for each. */
const COMMENT_MAX = 500;

/** After the end: how it was, and the way to a new conversation. */
export function Ending({ widget }: { widget: Widget }) {
  const { chat } = widget;
  const texts = widget.texts.value;
  const rated = chat.conversation.value.rating !== undefined;
  return (
    <footer class="footer ending">
      {rated && <p class="thanks">{texts.thanks}</p>}
      {!rated && !chat.outlived.value && <Rating widget={widget} />}
      <button class="solid" type="button" onClick={() => chat.startAnew()}>
        {texts.newConversation}
      </button>
    </footer>
  );
}

function Rating({ widget }: { widget: Widget }) {
  const texts = widget.texts.value;
  const score = useSignal(0);
  const comment = useSignal("");
  const state = useSignal<"open" | "sending" | "failed">("open");
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);

  const send = async () => {
    state.value = "sending";
    try {
      await widget.chat.rate(score.value, comment.value);
    } catch {
      state.value = "failed";
    }
  };
  return (
    <form
      class="rating"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <p class="question" aria-hidden="true">
        {texts.rateQuestion}
      </p>
      <div class="stars" role="radiogroup" aria-label={texts.rate}>
        {SCORES.map((value) => (
          <label key={value} class={value <= score.value ? "star on" : "star"}>
            <input
              ref={value === 1 ? first : null}
              type="radio"
              name="score"
              aria-label={texts.stars(value)}
              checked={score.value === value}
              onChange={() => {
                score.value = value;
              }}
            />
            <Icon name="star" />
          </label>
        ))}
      </div>
      {score.value > 0 && (
        <>
          <textarea
            rows={2}
            aria-label={texts.comment}
            placeholder={texts.comment}
            maxLength={COMMENT_MAX}
            value={comment.value}
            onInput={(event) => {
              comment.value = event.currentTarget.value;
            }}
          />
          {state.value === "failed" && <p role="alert">{texts.rateFailed}</p>}
          <button class="soft" type="submit" disabled={state.value === "sending"}>
            {texts.sendRating}
          </button>
        </>
      )}
    </form>
  );
}
