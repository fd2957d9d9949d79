/** What keys and the palette do on the page itself. */

import { safeUrl } from "../../model/profile.ts";
import type { Conversation, Preferences, SiteDesk } from "../../model/types.ts";
import { room } from "../media.ts";
import { panelOver } from "../state.ts";

let preferences: Preferences | null = null;

/** Tells where the choice of the panel is kept. */
export function usePreferences(kept: Preferences): void {
  preferences = kept;
}

/** Shows or hides the visitor. */
export function togglePanel(): void {
  if (room.value !== "wide") panelOver.value = !panelOver.value;
  else if (preferences !== null) preferences.panel.value = !preferences.panel.value;
}

/** Puts the cursor where one writes. */
export function focusComposer(conversation: Conversation, note: boolean): void {
  conversation.noteMode.value = note;
  later(() => document.querySelector<HTMLElement>("[data-composer]")?.focus());
}

/** Puts the cursor where one searches. */
export function focusSearch(): void {
  later(() => document.querySelector<HTMLElement>("[data-list-search]")?.focus());
}

/** Puts the keyboard on the live list. */
export function focusList(): void {
  document.querySelector<HTMLElement>("[data-live-list]")?.focus();
}

/** Opens the page that the visitor is on. */
export function openPage(conversation: Conversation): void {
  const url = safeUrl(conversation.profile.value.navigation.current?.url);
  if (url !== undefined) window.open(url, "_blank", "noopener,noreferrer");
}

/** Shows the tab beside the shown one. */
export function showTab(site: SiteDesk, step: 1 | -1): void {
  const open = site.conversations.value;
  if (open.length === 0) return;
  const at = site.active.value === null ? (step === 1 ? -1 : 0) : open.indexOf(site.active.value);
  const next = open[(at + step + open.length) % open.length];
  if (next !== undefined) site.activate(next.session);
}

/** After what closes now has given back the focus. */
function later(run: () => void): void {
  requestAnimationFrame(run);
}
