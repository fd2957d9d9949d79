/**
 * Every state of the desk's face, for looking at it: `gallery.html?state=mine&theme=dark&lang=fr`.
 * Not part of what is built for operators.
 */

import { render } from "preact";
import { chooseLanguage } from "../src/texts.ts";
import { App } from "../src/ui/app.tsx";
import { dialog, toast } from "../src/ui/state.ts";
import { type Choice, ME, type SampleConversation, sampleDesk } from "./sample.ts";

type State = Choice & {
  /** Opens this many conversations and then does something with the shown one. */
  readonly open?: number;
  readonly touch?: (conversation: SampleConversation) => void;
  /** Presses what has this name once everything is there. */
  readonly press?: string;
  readonly after?: () => void;
};

const me = { kind: "operator", id: ME, name: "Marta" } as const;
const elodie = { kind: "operator", id: "op-1", name: "Élodie Garnier" } as const;
const mine = (conversation: SampleConversation) => conversation.set.control(me);

const STATES: Record<string, State> = {
  overview: {},
  "overview-loading": { loading: true },
  "overview-empty": { size: 0 },
  many: { size: 10_000 },
  observing: {
    open: 3,
    touch: (conversation) => {
      conversation.set.botDraft(
        "Of course. I can hand you over to a colleague, or tell you how to reach us",
      );
      conversation.set.visitorTyping("it is rather ur");
    },
  },
  mine: {
    open: 3,
    touch: (conversation) => {
      mine(conversation);
      conversation.text.value =
        "Good afternoon, Marta here. I have replaced the label,\nyour parcel goes to the new address.";
    },
  },
  note: {
    open: 1,
    touch: (conversation) => {
      mine(conversation);
      conversation.noteMode.value = true;
      conversation.text.value = "Label replaced at 15:20.";
    },
  },
  held: {
    open: 1,
    rank: "supervisor",
    touch: (conversation) => {
      conversation.set.control(elodie);
      conversation.set.refusal({
        action: "take-over",
        kind: "held",
        holder: elodie,
        since: Date.now() - 42_000,
      });
    },
  },
  unseen: {
    open: 2,
    touch: (conversation) => {
      mine(conversation);
      const text = "I have just sent you the new label.";
      conversation.set.pending([
        { key: "k", text, note: false, state: "unseen", time: Date.now() },
      ]);
      conversation.set.unseen({ key: "k", count: 2 });
    },
  },
  failed: {
    open: 2,
    connection: "waiting",
    touch: (conversation) => {
      mine(conversation);
      conversation.set.pending([
        {
          key: "k",
          text: "I have just sent you the new label.",
          note: false,
          state: "failed",
          time: Date.now(),
          refusal: {
            action: "send",
            kind: "not-in-control",
            holder: elodie,
            since: Date.now() - 60_000,
          },
        },
        {
          key: "l",
          text: "Is there anything else?",
          note: false,
          state: "sending",
          time: Date.now(),
        },
      ]);
    },
  },
  closed: { open: 1, touch: (conversation) => conversation.set.closed() },
  loading: { stage: "loading" },
  "sign-in": { stage: "signed-out" },
  invited: { stage: "invited" },
  unreachable: { stage: "unreachable" },
  expired: { open: 1, expired: true, touch: mine },
  offline: { connection: "waiting" },
  degraded: { open: 1, degraded: true },
  lost: { open: 1, lost: true, touch: mine },
  refused: { connection: "closed" },
  palette: { open: 2, after: () => (dialog.value = { kind: "palette" }) },
  shortcuts: { open: 1, after: () => (dialog.value = { kind: "shortcuts" }) },
  name: { after: () => (dialog.value = { kind: "display-name" }) },
  invite: { after: () => (dialog.value = { kind: "invite" }) },
  notifications: { open: 1, blocked: true, press: "Notifications" },
  account: { open: 1, press: "Account" },
  sites: { open: 1, press: "Sites" },
  transfer: {
    open: 1,
    touch: (conversation) => {
      mine(conversation);
      dialog.value = { kind: "transfer", conversation };
    },
  },
  force: {
    open: 1,
    touch: (conversation) => {
      conversation.set.control(elodie);
      dialog.value = { kind: "force", conversation };
    },
  },
  close: {
    open: 1,
    touch: (conversation) => {
      mine(conversation);
      dialog.value = { kind: "close", conversation };
    },
  },
  past: {
    open: 1,
    touch: (conversation) => {
      dialog.value = { kind: "past", conversation, session: "past-0" };
    },
  },
  toast: { after: () => (toast.value = "That did not work.") },
  panel: { open: 1, press: "Show visitor" },
};

const wanted = new URLSearchParams(location.search);
const texts = await chooseLanguage([wanted.get("lang") ?? "en"]);
document.documentElement.lang = texts.language;
const state = STATES[wanted.get("state") ?? "overview"];
if (state === undefined) throw new Error(`states: ${Object.keys(STATES).join(", ")}`);
const theme = wanted.get("theme") === "dark" ? "dark" : "light";
const desk = sampleDesk({ ...state, theme });
// For trying things from the browser's console.
Object.assign(globalThis, { gallery: desk });
const place = document.getElementById("desk");
if (place === null) throw new Error("the page has no place for the desk");
render(<App desk={desk} />, place);
for (let index = (state.open ?? 0) - 1; index >= 0; index -= 1) {
  const conversation = desk.at.open(`s-${String(index).padStart(5, "0")}`) as SampleConversation;
  if (index === 0) state.touch?.(conversation);
}
state.after?.();
if (state.press !== undefined) {
  requestAnimationFrame(() =>
    document
      .querySelector<HTMLElement>(`[aria-label^="${state.press}"], [title^="${state.press}"]`)
      ?.click(),
  );
}
