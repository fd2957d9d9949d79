import type { Widget } from "../widget.ts";
import { Avatar } from "./Avatar.tsx";
import { Icon } from "./icons.tsx";
import { Menu } from "./Menu.tsx";

/** Who answers, the menu, and on a phone the way out. */
export function Header({ widget }: { widget: Widget }) {
  const texts = widget.texts.value;
  const { operator } = widget.chat.conversation.value;
  const { botName } = widget.site.value;
  const title = widget.title.value;
  const who = operator ?? botName;
  return (
    <header class="header">
      <Avatar
        name={who}
        human={operator !== undefined}
        live={widget.chat.reach.value === "online"}
      />
      <div class="names">
        <h2 class="title">{title || who || texts.chat}</h2>
        <p class="line">
          {operator === undefined
            ? [botName, texts.assistant].filter(Boolean).join(" · ")
            : `${operator} · ${texts.team}`}
        </p>
      </div>
      <Menu widget={widget} />
      <button
        class="plain leave"
        type="button"
        aria-label={texts.closeChat}
        onClick={() => {
          widget.open.value = false;
        }}
      >
        <Icon name="close" />
      </button>
    </header>
  );
}
