import { useRef } from "preact/hooks";
import type { Conversation } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { useSite } from "../context.ts";
import { UnreadBadge } from "../list/card.tsx";
import { Flag } from "../parts/flag.tsx";
import { LayoutList, X } from "../parts/icons.ts";
import { visitorName } from "./name.ts";

/** Id of what the tabs show. */
export const CONVERSATION_ID = "conversation";

/** The conversations that are open. */
export function Tabs() {
  const t = texts().tabs;
  const site = useSite();
  const open = site.conversations.value;
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const all = [null, ...open];
    const at = all.indexOf(site.active.value);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    const next = to === undefined ? undefined : all[(to + all.length) % all.length];
    if (next !== undefined) {
      event.preventDefault();
      site.activate(next?.session ?? null);
    } else if (event.key === "Delete" && site.active.value !== null) {
      event.preventDefault();
      site.close(site.active.value.session);
    } else {
      return;
    }
    queueMicrotask(() =>
      list.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus(),
    );
  };
  return (
    <div class="tabs" role="tablist" aria-label={t.name} ref={list} onKeyDown={move}>
      <button
        type="button"
        role="tab"
        aria-selected={site.overview.value}
        aria-label={texts().list.overview}
        aria-keyshortcuts="O"
        title={`${texts().list.overview} (O)`}
        tabIndex={site.overview.value ? 0 : -1}
        class={site.overview.value ? "tab tab-overview tab-on" : "tab tab-overview"}
        onClick={() => site.activate(null)}
      >
        <LayoutList aria-hidden="true" />
      </button>
      {open.map((conversation) => (
        <Tab key={conversation.session} conversation={conversation} />
      ))}
    </div>
  );
}

function Tab({ conversation }: { conversation: Conversation }) {
  const t = texts().tabs;
  const site = useSite();
  const active = site.active.value === conversation;
  const last = conversation.card.value?.last?.text;
  const close = (event: Event) => {
    event.stopPropagation();
    site.close(conversation.session);
  };
  return (
    <button
      type="button"
      role="tab"
      aria-selected={active}
      aria-controls={CONVERSATION_ID}
      aria-keyshortcuts="Delete"
      tabIndex={active ? 0 : -1}
      class={active ? "tab tab-on" : "tab"}
      title={last ?? t.closeHint}
      onClick={() => site.activate(conversation.session)}
      onAuxClick={(event) => {
        if (event.button === 1) close(event);
      }}
    >
      <Flag country={conversation.card.value?.country} />
      <span class="cut">{visitorName(conversation)}</span>
      {conversation.mine.value && (
        <span class="dot-mine" title={texts().conversation.youInControl} />
      )}
      {!active && <UnreadBadge unread={conversation.unread.value} />}
      <span class="tab-close" aria-hidden="true" title={`${t.close} (W)`} onClick={close}>
        <X />
      </span>
    </button>
  );
}
