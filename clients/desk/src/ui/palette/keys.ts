/** The keys of the desk, in one place. Who writes is not disturbed by them. */

import { useEffect } from "preact/hooks";
import type { Conversation, Desk, SiteDesk } from "../../model/types.ts";
import { attempt } from "../attempt.ts";
import { abilities } from "../conversation/head.tsx";
import { SHOWS } from "../list/filters.tsx";
import { moveCursor } from "../list/rows.tsx";
import { dialog, panelOver, singleKeys } from "../state.ts";
import {
  focusComposer,
  focusList,
  focusSearch,
  openPage,
  showTab,
  togglePanel,
} from "./actions.ts";

/** Listens while the desk is shown. */
export function useKeys(desk: Desk, site: SiteDesk): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!event.defaultPrevented && !desk.expired.peek() && act(event, site))
        event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [desk, site]);
}

function act(event: KeyboardEvent, site: SiteDesk): boolean {
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && key === "k") {
    if (dialog.value === null || dialog.value.kind === "palette") {
      dialog.value = dialog.value === null ? { kind: "palette" } : null;
    }
    return true;
  }
  if (dialog.value !== null || event.ctrlKey || event.metaKey || event.isComposing) return false;
  const conversation = site.active.peek();
  if (event.altKey) return conversation !== null && whileWriting(event.code, conversation, site);
  if (event.key === "Escape") return leave(event, site);
  if (writing(event.target) || !singleKeys.value) return false;
  return single(event, key, site, conversation);
}

function whileWriting(code: string, conversation: Conversation, site: SiteDesk): boolean {
  if (code === "KeyT") return takeOver(conversation, site);
  if (code === "KeyR") return release(conversation, site);
  return false;
}

function leave(event: KeyboardEvent, site: SiteDesk): boolean {
  if (panelOver.value) {
    panelOver.value = false;
    return true;
  }
  const target = event.target;
  if (target instanceof HTMLInputElement && target.matches("[data-list-search]")) {
    if (site.list.search.peek() !== "") site.list.search.value = "";
    else focusList();
    return true;
  }
  focusList();
  return true;
}

function single(
  event: KeyboardEvent,
  key: string,
  site: SiteDesk,
  conversation: Conversation | null,
): boolean {
  const digit = /^Digit([1-5])$/.exec(event.code)?.[1];
  if (digit !== undefined && !event.shiftKey) {
    site.list.show.value = SHOWS[Number(digit) - 1] ?? "all";
    return true;
  }
  switch (key) {
    case "?":
      dialog.value = { kind: "shortcuts" };
      return true;
    case "/":
      focusSearch();
      return true;
    case "j":
    case "k":
      moveCursor(key === "j" ? "ArrowDown" : "ArrowUp", site.list, 1);
      focusList();
      return true;
    case "o":
      site.activate(null);
      return true;
    case "l":
    case "h":
      showTab(site, key === "l" ? 1 : -1);
      return true;
    case "enter":
      return event.target === document.body && openSelected(site);
    default:
      return conversation !== null && !event.shiftKey && inConversation(key, conversation, site);
  }
}

function inConversation(key: string, conversation: Conversation, site: SiteDesk): boolean {
  switch (key) {
    case "t":
      return takeOver(conversation, site);
    case "r":
      return release(conversation, site);
    case "c":
    case "n":
      if (!conversation.closed.peek()) focusComposer(conversation, key === "n");
      return true;
    case "v":
      togglePanel();
      return true;
    case "p":
      openPage(conversation);
      return true;
    case "w":
      site.close(conversation.session);
      return true;
    default:
      return false;
  }
}

function takeOver(conversation: Conversation, site: SiteDesk): boolean {
  if (!abilities(conversation, site.rank !== "agent").takeOver) return false;
  if (conversation.acting.peek() === null) attempt(conversation.takeOver());
  return true;
}

function release(conversation: Conversation, site: SiteDesk): boolean {
  if (!abilities(conversation, site.rank !== "agent").release) return false;
  if (conversation.acting.peek() === null) attempt(conversation.release());
  return true;
}

function openSelected(site: SiteDesk): boolean {
  const selected = site.list.selected.peek();
  if (selected === null) return false;
  site.open(selected);
  return true;
}

/** Whether keys are letters there. */
function writing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches("textarea, select, input:not([type=radio], [type=checkbox])"))
  );
}
