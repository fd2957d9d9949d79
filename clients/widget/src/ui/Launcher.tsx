import type { Widget } from "../widget.ts";
import { Icon } from "./icons.tsx";

/** The most that the badge counts. */
const BADGE_MAX = 9;

/** The round button in the page's corner. */
export function Launcher({ widget }: { widget: Widget }) {
  const { open, asked, chat } = widget;
  const texts = widget.texts.value;
  const unread = chat.unread.value;
  const label = open.value ? texts.closeChat : texts.openChat;
  const news = unread > 0 ? texts.unread(unread) : "";
  return (
    <>
      <button
        class="launcher"
        type="button"
        aria-label={news ? `${label}, ${news}` : label}
        aria-expanded={open.value}
        onClick={() => {
          asked.value = true;
          open.value = !open.value;
        }}
      >
        <Icon name={open.value ? "down" : "chat"} filled={!open.value} />
        {unread > 0 && (
          <span class="badge" aria-hidden="true">
            {unread > BADGE_MAX ? `${BADGE_MAX}+` : unread}
          </span>
        )}
      </button>
      <span class="unseen" aria-live="polite">
        {open.value ? "" : news}
      </span>
    </>
  );
}
