import { NO_RATING, type Widget } from "../widget.ts";
import { icon } from "./icon.tsx";

/** The longest comment that can be written. Characters; the engine takes four bytes for each. */
const COMMENT_MAX = 500;

/** After the end: how it was, and the way to a new conversation. */
export function ending(widget: Widget) {
  const { chat } = widget;
  const texts = widget.texts.value;
  const { rated } = chat.conversation.value;
  return (
    <div class="bottom ending">
      {rated ? <b>{texts.thanks}</b> : !chat.outlived.value && rating(widget)}
      <button
        class="solid"
        type="button"
        onClick={() => {
          widget.rating.value = NO_RATING;
          chat.startAnew();
        }}
      >
        {texts.newConversation}
      </button>
    </div>
  );
}

function rating({ chat, rating, texts: { value: texts } }: Widget) {
  const { score, comment, state } = rating.value;
  const send = async (event: Event) => {
    event.preventDefault();
    rating.value = { score, comment, state: "sending" };
    if (!(await chat.rate(score, comment))) {
      rating.value = { score, comment, state: "failed" };
    }
  };
  return (
    <form onSubmit={send}>
      <b aria-hidden="true">{texts.rate}</b>
      <div class="stars" role="radiogroup" aria-label={texts.rate}>
        {[1, 2, 3, 4, 5].map((value) => (
          <label key={value} class={value <= score ? "on" : ""}>
            <input
              type="radio"
              name="score"
              aria-label={texts.stars(value)}
              checked={score === value}
              onChange={() => {
                rating.value = { score: value, comment };
              }}
            />
            {icon("star")}
          </label>
        ))}
      </div>
      {score > 0 && (
        <>
          <textarea
            rows={2}
            aria-label={texts.comment}
            placeholder={texts.comment}
            maxLength={COMMENT_MAX}
            value={comment}
            onInput={({ currentTarget }) => {
              rating.value = { score, comment: currentTarget.value };
            }}
          />
          {state === "failed" && (
            <p class="bad" role="alert">
              {texts.failed}
            </p>
          )}
          <button class="solid accent" type="submit" disabled={state === "sending"}>
            {texts.sendRating}
          </button>
        </>
      )}
    </form>
  );
}
