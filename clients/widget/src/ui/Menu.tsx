import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Widget } from "../widget.ts";
import { askForHuman, canAskForHuman } from "./human.ts";
import { Icon, type IconName } from "./icons.tsx";

/** What is needed seldom. */
export function Menu({ widget }: { widget: Widget }) {
  const { chat } = widget;
  const texts = widget.texts.value;
  const shown = useSignal(false);
  const list = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const conversation = chat.conversation.value;
  const online = chat.reach.value === "online";

  useEffect(() => {
    if (!shown.value) {
      return;
    }
    items(list.current)[0]?.focus();
    const root = list.current?.getRootNode();
    const outside = (event: Event) => {
      const within = event.composedPath();
      if (!within.includes(list.current as Node) && !within.includes(button.current as Node)) {
        shown.value = false;
      }
    };
    root?.addEventListener("pointerdown", outside);
    return () => root?.removeEventListener("pointerdown", outside);
  }, [shown.value]);

  const leave = () => {
    shown.value = false;
    button.current?.focus();
  };
  const item = (icon: IconName, label: string, enabled: boolean, act: () => void) => (
    <button
      type="button"
      role="menuitem"
      tabIndex={-1}
      aria-disabled={!enabled}
      onClick={() => {
        if (enabled) {
          leave();
          act();
        }
      }}
    >
      <Icon name={icon} />
      {label}
    </button>
  );

  return (
    <div class="menu">
      <button
        ref={button}
        class="plain"
        type="button"
        aria-label={texts.options}
        aria-haspopup="menu"
        aria-expanded={shown.value}
        onClick={() => {
          shown.value = !shown.value;
        }}
      >
        <Icon name="more" />
      </button>
      {shown.value && (
        <div
          ref={list}
          class="items"
          role="menu"
          tabIndex={-1}
          aria-label={texts.options}
          onKeyDown={(event) => {
            if (event.key === "Escape" || event.key === "Tab") {
              event.preventDefault();
              event.stopPropagation();
              leave();
            } else {
              move(event, list.current);
            }
          }}
        >
          {item("person", texts.talkToHuman, canAskForHuman(conversation), () => askForHuman(chat))}
          {item(
            "close",
            texts.endConversation,
            online && conversation.entries.length > 0 && conversation.closed === undefined,
            () => chat.end().catch(() => {}),
          )}
        </div>
      )}
    </div>
  );
}

function items(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
}

function move(event: KeyboardEvent, list: HTMLElement | null): void {
  const all = items(list);
  const root = list?.getRootNode() as ShadowRoot | undefined;
  const at = all.indexOf(root?.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    all.at(to % all.length)?.focus();
  }
}
