/** What is open on the page and concerns nobody but the page: dialogs, the palette, a message. */

import { signal } from "@preact/signals";
import type { Conversation } from "../model/types.ts";

/** The one dialog that is open. */
export type OpenDialog =
  | { readonly kind: "palette" }
  | { readonly kind: "shortcuts" }
  | { readonly kind: "display-name" }
  | { readonly kind: "invite" }
  | {
      readonly kind: "force" | "revoke" | "transfer" | "close";
      readonly conversation: Conversation;
    }
  | { readonly kind: "past"; readonly conversation: Conversation; readonly session: string };

export const dialog = signal<OpenDialog | null>(null);

/** The visitor panel where it lies over the conversation; elsewhere `preferences.panel` counts. */
export const panelOver = signal(false);

/** A short message about something that failed. */
export const toast = signal<string | null>(null);

const SINGLE_KEYS = "vigie.desk.single-keys";

/** Whether letters alone are shortcuts (WCAG 2.1.4: they can be turned off). */
export const singleKeys = signal(stored(SINGLE_KEYS) !== "off");

singleKeys.subscribe((on) => {
  try {
    localStorage.setItem(SINGLE_KEYS, on ? "on" : "off");
  } catch {
    // A browser that keeps nothing still has the choice until it is closed.
  }
});

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
