import type { Widget } from "../widget.ts";

/** What the visitor should know now: that a human answers or is on the way, that they are offline. */
export function status({ chat, texts: { value: texts } }: Widget) {
  const { operator, waiting } = chat.conversation.value;
  const reach = chat.reach.value;
  return (
    <div role="status">
      {operator !== undefined && (
        <p class="banner live">
          <i />
          <b>{texts.liveAgent}</b>
          <span>{operator}</span>
        </p>
      )}
      {waiting && (
        <p class="banner">
          <i />
          <b>{texts.waiting}</b>
        </p>
      )}
      {reach === "offline" && (
        <div class="banner warn">
          <p>
            <b>{texts.reconnecting}</b>
            <br />
            {texts.keptUntilOnline}
          </p>
          <button class="link" type="button" onClick={() => chat.retryNow()}>
            {texts.tryAgain}
          </button>
        </div>
      )}
      {reach === "refused" && <p class="banner warn">{texts.unavailable}</p>}
    </div>
  );
}
