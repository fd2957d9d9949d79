/** Everything that can be done now, as one list: for the palette. */

import type { Card } from "@vigie/client";
import { safeUrl } from "../../model/profile.ts";
import type { Conversation, Desk, NotifyChoice, SiteDesk } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { attempt } from "../attempt.ts";
import { abilities } from "../conversation/head.tsx";
import { visitorName } from "../conversation/name.ts";
import { countryName } from "../format.ts";
import { SHOWS, SORTS } from "../list/filters.tsx";
import { dialog, type OpenDialog } from "../state.ts";
import { focusComposer, focusSearch, openPage, showTab, togglePanel } from "./actions.ts";

/** Cards of the live list that are offered. */
const CARDS_MAX = 100;

export interface Command {
  readonly id: string;
  /** The heading that it stands under. */
  readonly group: string;
  readonly name: string;
  /** Said beside it, and searched too. */
  readonly detail?: string;
  readonly shortcut?: string;
  run(): void;
}

/** What can be done on this desk now. */
export function commands(desk: Desk, site: SiteDesk): readonly Command[] {
  return [
    ...conversationCommands(site),
    ...conversations(site),
    ...listCommands(site),
    ...sites(desk, site),
    ...settings(desk, site),
  ];
}

function conversationCommands(site: SiteDesk): Command[] {
  const conversation = site.active.value;
  if (conversation === null) return [];
  const t = texts();
  const may = abilities(conversation, site.rank !== "agent");
  const group = t.palette.groups.actions;
  const all: Command[] = [];
  const add = (id: string, name: string, run: () => void, shortcut?: string) => {
    all.push({ id, group, name, run, ...(shortcut === undefined ? {} : { shortcut }) });
  };
  const ask = (kind: "transfer" | "force" | "revoke" | "close") => () => {
    dialog.value = { kind, conversation };
  };
  if (may.takeOver)
    add("take-over", t.conversation.takeOver, () => attempt(conversation.takeOver()), "T");
  if (may.release)
    add("release", t.conversation.release, () => attempt(conversation.release()), "R");
  if (may.transfer) add("transfer", t.conversation.transfer, ask("transfer"));
  if (may.force) add("force", t.conversation.force, ask("force"));
  if (may.revoke) add("revoke", t.conversation.revoke, ask("revoke"));
  if (!conversation.closed.value) {
    add("reply", t.palette.focusReply, () => focusComposer(conversation, false), "C");
    add("note", t.palette.focusNote, () => focusComposer(conversation, true), "N");
  }
  if (safeUrl(conversation.profile.value.navigation.current?.url) !== undefined) {
    add("open-page", t.conversation.openPage, () => openPage(conversation), "P");
  }
  add("panel", t.palette.togglePanel, () => togglePanel(), "V");
  add("close-tab", t.palette.closeTab, () => site.close(conversation.session), "W");
  add("next-tab", t.palette.nextTab, () => showTab(site, 1), "L");
  add("previous-tab", t.palette.previousTab, () => showTab(site, -1), "H");
  if (may.close) add("close-session", t.conversation.closeSession, ask("close"));
  return all;
}

function conversations(site: SiteDesk): Command[] {
  const group = texts().palette.groups.conversations;
  const open = site.conversations.value.map((conversation) => ({
    id: `open-${conversation.session}`,
    group,
    name: visitorName(conversation),
    ...described(conversation.card.value, conversation),
    run: () => site.activate(conversation.session),
  }));
  const known = new Set(site.conversations.value.map((conversation) => conversation.session));
  const live: Command[] = [];
  for (let index = 0; index < Math.min(site.list.size.value, CARDS_MAX); index += 1) {
    const card = site.list.card(index);
    if (card === undefined || known.has(card.session)) continue;
    live.push({
      id: `live-${card.session}`,
      group,
      name: countryName(card.country) ?? texts().conversation.visitor,
      ...described(card, null),
      run: () => site.open(card.session),
    });
  }
  return [...open, ...live];
}

function described(card: Card | null, conversation: Conversation | null): { detail?: string } {
  const said = card?.last?.text ?? card?.page?.title ?? card?.browser;
  const mine = conversation?.mine.value === true ? texts().palette.inControl : undefined;
  const detail = [mine, said].filter((part) => part !== undefined).join(" · ");
  return detail === "" ? {} : { detail };
}

function listCommands(site: SiteDesk): Command[] {
  const t = texts();
  const group = t.palette.groups.list;
  const list = site.list;
  return [
    { id: "overview", group, name: t.list.overview, shortcut: "O", run: () => site.activate(null) },
    { id: "search", group, name: t.list.search, shortcut: "/", run: focusSearch },
    ...SHOWS.map((show, index) => ({
      id: `show-${show}`,
      group,
      name: t.palette.goTo(t.list[show]),
      shortcut: String(index + 1),
      run: () => {
        list.show.value = show;
      },
    })),
    ...SORTS.map((sort) => ({
      id: `sort-${sort}`,
      group,
      name: t.palette.sortBy(t.list.sorts[sort]),
      run: () => {
        list.sort.value = sort;
      },
    })),
  ];
}

function sites(desk: Desk, shown: SiteDesk): Command[] {
  return desk.sites.value
    .filter((site) => site !== shown)
    .map((site) => ({
      id: `site-${site.id}`,
      group: texts().palette.groups.sites,
      name: site.name,
      run: () => desk.openSite(site.id),
    }));
}

function settings(desk: Desk, site: SiteDesk): Command[] {
  const t = texts();
  const group = t.palette.groups.settings;
  const open = (shown: OpenDialog) => () => {
    dialog.value = shown;
  };
  const available = site.intent.value === "available";
  const choices: readonly NotifyChoice[] = ["all", "new", "none"];
  const themes = ["auto", "light", "dark"] as const;
  return [
    {
      id: "availability",
      group,
      name: `${t.header.availability}: ${available ? t.header.away : t.header.available}`,
      run: () => attempt(site.setIntent(available ? "away" : "available")),
    },
    ...choices.map((choice) => ({
      id: `notify-${choice}`,
      group,
      name: t.palette.notify(t.notify[choice]),
      run: () => {
        desk.preferences.notify.value = choice;
        if (choice !== "none") attempt(desk.notifications.unlock());
      },
    })),
    ...themes.map((theme) => ({
      id: `theme-${theme}`,
      group,
      name: t.palette.theme(t.header.themes[theme]),
      run: () => {
        desk.preferences.theme.value = theme;
      },
    })),
    { id: "display-name", group, name: t.header.displayName, run: open({ kind: "display-name" }) },
    ...(site.rank === "admin"
      ? [{ id: "invite", group, name: t.header.invite, run: open({ kind: "invite" }) }]
      : []),
    {
      id: "shortcuts",
      group,
      name: t.header.shortcuts,
      shortcut: "?",
      run: open({ kind: "shortcuts" }),
    },
    { id: "sign-out", group, name: t.header.signOut, run: () => attempt(desk.signOut()) },
  ];
}
