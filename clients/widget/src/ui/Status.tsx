import type { Widget } from "../widget.ts";

/** What the visitor should know now: that a human answers, is on the way, or that they are offline. */
export function Status({ widget }: { widget: Widget }) {
  const { chat } = widget;
  const texts = widget.texts.value;
  const { operator, waiting, closed } = chat.conversation.value;
  const reach = chat.reach.value;
  return (
    <div class="status" role="status">
      {operator !== undefined && closed === undefined && (
        <p class="banner live">
          <span class="pulse" />
          <strong>{texts.liveAgent}</strong>
          <span>{operator}</span>
        </p>
      )}
      {waiting && (
        <p class="banner waiting">
          <span class="pulse" />
          <strong>{texts.waiting}</strong>
          <span class="hint">{texts.waitingHint}</span>
        </p>
      )}
      {reach === "offline" && (
        <div class="banner offline">
          <p>
            <strong>{texts.reconnecting}</strong> <span class="hint">{texts.keptUntilOnline}</span>
          </p>
          <button class="link" type="button" onClick={() => chat.retryNow()}>
            {texts.tryNow}
          </button>
        </div>
      )}
      {reach === "refused" && <p class="banner refused">{texts.unavailable}</p>}
    </div>
  );
}
