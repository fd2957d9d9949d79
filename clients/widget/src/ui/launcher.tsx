import type { Widget } from "../widget.ts";
import { setOpen } from "./focus.ts";
import { icon } from "./icon.tsx";

/** The most that the badge counts. */
const BADGE_MAX = 9;

/** The round button in the page's corner. */
export function launcher(widget: Widget) {
  const open = widget.open.value;
  const texts = widget.texts.value;
  const unread = widget.chat.unread.value;
  const news = unread > 0 && texts.unread(unread);
  const label = open ? texts.closeChat : texts.openChat;
  return (
    <>
      <button
        class="launcher"
        type="button"
        aria-label={news ? `${label}, ${news}` : label}
        aria-expanded={open}
        onClick={() => setOpen(widget, !open)}
      >
        {icon(open ? "down" : "chat")}
        {news && (
          <span class="badge" aria-hidden="true">
            {unread > BADGE_MAX ? `${BADGE_MAX}+` : unread}
          </span>
        )}
      </button>
      <span class="unseen" aria-live="polite">
        {!open && news}
      </span>
    </>
  );
}
