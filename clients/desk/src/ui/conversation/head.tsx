import { safeUrl } from "../../model/profile.ts";
import type { Conversation, Parts } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { attempt } from "../attempt.ts";
import { useDesk, useSite } from "../context.ts";
import { Presence } from "../list/card.tsx";
import { path } from "../list/overview.tsx";
import { room } from "../media.ts";
import { Button, IconButton } from "../parts/button.tsx";
import { WaitingChip } from "../parts/control.tsx";
import { Lasting } from "../parts/elapsed.tsx";
import {
  ArrowLeft,
  Bot,
  CircleX,
  Ellipsis,
  ExternalLink,
  Headset,
  PanelRight,
} from "../parts/icons.ts";
import { Menu, MenuItem, MenuItems } from "../parts/menu.tsx";
import { dialog, panelOver } from "../state.ts";
import { visitorName } from "./name.ts";

/** Whose conversation it is, who is in control, and what one can do. */
export function ConversationHead({ conversation }: { conversation: Conversation }) {
  const t = texts().conversation;
  const site = useSite();
  const card = conversation.card.value;
  const page = conversation.profile.value.navigation.current ?? card?.page;
  const url = safeUrl(page?.url);
  return (
    <header class="conversation-head">
      <div class="conversation-line">
        {room.value === "phone" && (
          <IconButton label={texts().back} onClick={() => site.activate(null)}>
            <ArrowLeft aria-hidden="true" />
          </IconButton>
        )}
        {card !== null && <Presence card={card} />}
        <div class="conversation-title">
          <h1 class="cut">{visitorName(conversation)}</h1>
          <ControlState conversation={conversation} />
        </div>
        <div class="conversation-actions">
          <ControlButton conversation={conversation} />
          <MoreMenu conversation={conversation} />
          <PanelToggle />
        </div>
      </div>
      <div class="conversation-line conversation-sub">
        <PartFilters />
        {url !== undefined && (
          <p class="page-now-line">
            <span class="cut muted" title={url}>
              {page?.title ?? path(url)}
            </span>
            <a
              class="page-link"
              href={url}
              target="_blank"
              rel="noopener noreferrer"
              title={`${t.openPage} (P)`}
            >
              <span class="page-link-name">{t.openPage}</span>
              <ExternalLink aria-hidden="true" />
            </a>
          </p>
        )}
      </div>
    </header>
  );
}

function ControlState({ conversation }: { conversation: Conversation }) {
  const t = texts().conversation;
  const control = conversation.control.value;
  const waiting = conversation.card.value?.waiting;
  if (conversation.closed.value) {
    return (
      <p class="control-state">
        <CircleX aria-hidden="true" />
        {t.closed}
      </p>
    );
  }
  if (control === null) return <p class="control-state" />;
  const bot = control.holder.kind === "bot";
  const words =
    control.holder.kind === "bot"
      ? t.botInControl
      : conversation.mine.value
        ? t.youInControl
        : t.otherInControl(control.holder.name);
  const tone = bot ? "state-bot" : conversation.mine.value ? "state-mine" : "state-other";
  return (
    <p class={`control-state ${tone}`}>
      {bot ? <Bot aria-hidden="true" /> : <Headset aria-hidden="true" />}
      <span class="cut">{words}</span>
      <span class="muted only-wide">
        <Lasting since={control.since} say={t.since} />
      </span>
      {waiting !== undefined && bot && <WaitingChip since={waiting} />}
    </p>
  );
}

function ControlButton({ conversation }: { conversation: Conversation }) {
  const t = texts().conversation;
  if (conversation.closed.value || conversation.control.value === null) return null;
  const acting = conversation.acting.value;
  const busy = acting === "take-over" || acting === "release";
  if (conversation.mine.value) {
    return (
      <Button
        shortcut="R"
        aria-busy={busy}
        disabled={busy}
        onClick={() => attempt(conversation.release())}
      >
        {t.release}
      </Button>
    );
  }
  return (
    <Button
      kind={conversation.control.value.holder.kind === "bot" ? "primary" : "plain"}
      shortcut="T"
      aria-busy={busy}
      disabled={busy}
      onClick={() => attempt(conversation.takeOver())}
    >
      {t.takeOver}
    </Button>
  );
}

function MoreMenu({ conversation }: { conversation: Conversation }) {
  const t = texts().conversation;
  const may = useAbilities(conversation);
  const ask = (kind: "transfer" | "force" | "revoke" | "close", close: () => void) => {
    close();
    dialog.value = { kind, conversation };
  };
  if (!may.transfer && !may.force && !may.revoke && !may.close) return null;
  return (
    <Menu label={t.more} face={<Ellipsis aria-hidden="true" />}>
      {(close) => (
        <MenuItems label={t.more}>
          {may.transfer && (
            <MenuItem onSelect={() => ask("transfer", close)}>{t.transfer}</MenuItem>
          )}
          {may.force && <MenuItem onSelect={() => ask("force", close)}>{t.force}</MenuItem>}
          {may.revoke && <MenuItem onSelect={() => ask("revoke", close)}>{t.revoke}</MenuItem>}
          {may.close && (
            <MenuItem danger onSelect={() => ask("close", close)}>
              {t.closeSession}
            </MenuItem>
          )}
        </MenuItems>
      )}
    </Menu>
  );
}

/** What this operator may do in this conversation now. */
export function useAbilities(conversation: Conversation) {
  const site = useSite();
  return abilities(conversation, site.rank !== "agent");
}

/** The same, for whoever knows the rank already. */
export function abilities(conversation: Conversation, senior: boolean) {
  const open = !conversation.closed.value && conversation.control.value !== null;
  const mine = conversation.mine.value;
  const held = conversation.control.value?.holder.kind === "operator" && !mine;
  return {
    takeOver: open && !mine,
    release: open && mine,
    transfer: open && mine,
    force: open && held && senior,
    revoke: open && held && senior,
    close: open && (mine || senior || !held),
  };
}

function PanelToggle() {
  const t = texts().conversation;
  const { panel } = useDesk().preferences;
  const beside = room.value === "wide";
  const shown = beside ? panel.value : panelOver.value;
  return (
    <IconButton
      label={shown ? t.hidePanel : t.showPanel}
      shortcut="V"
      aria-expanded={shown}
      onClick={() => {
        if (beside) panel.value = !shown;
        else panelOver.value = !shown;
      }}
    >
      <PanelRight aria-hidden="true" />
    </IconButton>
  );
}

const PARTS: readonly (keyof Parts)[] = ["visitor", "operator", "actions"];

function PartFilters() {
  const t = texts().conversation;
  const { parts } = useDesk().preferences;
  return (
    <fieldset class="part-filters">
      <legend class="hidden">{t.filters}</legend>
      {PARTS.map((part) => (
        <label key={part} class={parts.value[part] ? "part part-on" : "part"}>
          <input
            class="hidden"
            type="checkbox"
            checked={parts.value[part]}
            onChange={(event) => {
              parts.value = { ...parts.value, [part]: event.currentTarget.checked };
            }}
          />
          {t.parts[part]}
        </label>
      ))}
    </fieldset>
  );
}
