import { firstKnown } from "../texts/choose.ts";
import type { Widget } from "../widget.ts";
import { avatar } from "./avatar.tsx";
import { setMenu, setOpen } from "./focus.ts";
import { askForHuman, mayAskForHuman } from "./human.ts";
import { icon } from "./icon.tsx";

/** Who answers, the menu, and on a phone the way out. */
export function header(widget: Widget) {
  const texts = widget.texts.value;
  const { operator } = widget.chat.conversation.value;
  const { bot_name, name, language, widget: settings } = widget.site.value;
  return (
    <div class="head">
      {avatar(operator)}
      <div class="names">
        <h2>{firstKnown(settings?.title, [texts.tag, language]) ?? name ?? texts.chat}</h2>
        <p>{operator ?? (bot_name ? `${bot_name} · ${texts.assistant}` : texts.assistant)}</p>
      </div>
      {menu(widget)}
      <button
        class="plain leave"
        type="button"
        aria-label={texts.closeChat}
        onClick={() => setOpen(widget, false)}
      >
        {icon("close")}
      </button>
    </div>
  );
}

/** What is needed seldom. */
function menu(widget: Widget) {
  const { chat } = widget;
  const texts = widget.texts.value;
  const shown = widget.menu.value;
  const { entries, closed } = chat.conversation.value;
  const item = (label: string, enabled: boolean, act: () => void) => (
    <button
      type="button"
      role="menuitem"
      tabIndex={-1}
      aria-disabled={!enabled}
      onClick={() => {
        setMenu(widget, false);
        enabled && act();
      }}
    >
      {label}
    </button>
  );
  return (
    <div class="menu">
      <button
        class="plain options"
        type="button"
        aria-label={texts.options}
        aria-haspopup="menu"
        aria-expanded={shown}
        onClick={() => setMenu(widget, !shown)}
      >
        {icon("more")}
      </button>
      {shown && (
        <div class="items" role="menu" aria-label={texts.options}>
          {item(texts.talkToHuman, mayAskForHuman(chat), () => askForHuman(chat))}
          {item(texts.endConversation, entries.length > 0 && !closed, () => chat.end())}
        </div>
      )}
    </div>
  );
}
