import { texts } from "../../texts.ts";
import { attempt } from "../attempt.ts";
import { useDesk, useSite } from "../context.ts";
import { UnreadBadge } from "../list/card.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import {
  ChevronDown,
  Keyboard,
  LogOut,
  Moon,
  Search,
  Store,
  Sun,
  SunMoon,
  User,
  UserPlus,
} from "../parts/icons.ts";
import { Key } from "../parts/key.tsx";
import { Logo } from "../parts/logo.tsx";
import { Menu, MenuItem, MenuItems } from "../parts/menu.tsx";
import { dialog } from "../state.ts";
import { NotificationMenu } from "./notifications.tsx";

/** The slim bar over everything: where one is, and what concerns oneself. */
export function Header() {
  const t = texts().header;
  return (
    <header class="header">
      <span class="brand">
        <Logo />
        <span class="brand-name">Vigie</span>
      </span>
      <Sites />
      <button
        type="button"
        class="search-hint"
        aria-keyshortcuts="Control+K"
        onClick={() => {
          dialog.value = { kind: "palette" };
        }}
      >
        <Search aria-hidden="true" />
        <span class="search-hint-text">{t.search}</span>
        <Key name={isMac() ? "⌘ K" : "Ctrl K"} />
      </button>
      <div class="header-end">
        <Availability />
        <NotificationMenu />
        <Theme />
        <Name />
        <AccountMenu />
      </div>
    </header>
  );
}

function Sites() {
  const t = texts().header;
  const desk = useDesk();
  const site = useSite();
  const others = desk.sites.value.filter((other) => other !== site);
  const unread = others.reduce((sum, other) => sum + other.unread.value, 0);
  return (
    <Menu
      label={t.sites}
      worded
      align="start"
      class="header-button sites-button"
      face={
        <>
          <Store aria-hidden="true" />
          <span class="site-name">{site.name}</span>
          {unread > 0 && <UnreadBadge unread={unread} />}
          <ChevronDown aria-hidden="true" />
        </>
      }
    >
      {(close) => (
        <MenuItems label={t.sites}>
          {desk.sites.value.map((each) => (
            <MenuItem
              key={each.id}
              checked={each === site}
              {...(each.unread.value > 0 ? { hint: t.unread(each.unread.value) } : {})}
              onSelect={() => {
                close();
                desk.openSite(each.id);
              }}
            >
              {each.name}
            </MenuItem>
          ))}
        </MenuItems>
      )}
    </Menu>
  );
}

function Availability() {
  const t = texts().header;
  const site = useSite();
  const available = site.intent.value === "available";
  const online = site.connection.value.kind === "online";
  const choose = (intent: "available" | "away", close: () => void) => {
    close();
    attempt(site.setIntent(intent));
  };
  return (
    <Menu
      label={t.availability}
      worded
      class="header-button"
      disabled={!online}
      face={
        <>
          <span class={`presence ${online && available ? "presence-on" : "presence-off"}`} />
          <span class="header-word">{available ? t.available : t.away}</span>
        </>
      }
    >
      {(close) => (
        <MenuItems label={t.availability}>
          <MenuItem
            checked={available}
            hint={t.availableHint}
            onSelect={() => choose("available", close)}
          >
            {t.available}
          </MenuItem>
          <MenuItem checked={!available} hint={t.awayHint} onSelect={() => choose("away", close)}>
            {t.away}
          </MenuItem>
        </MenuItems>
      )}
    </Menu>
  );
}

const THEMES = ["auto", "light", "dark"] as const;
const THEME_ICONS = { auto: SunMoon, light: Sun, dark: Moon };

function Theme() {
  const t = texts().header;
  const { theme } = useDesk().preferences;
  const Icon = THEME_ICONS[theme.value];
  return (
    <IconButton
      class="header-theme"
      label={`${t.theme}: ${t.themes[theme.value]}`}
      onClick={() => {
        theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
      }}
    >
      <Icon aria-hidden="true" />
    </IconButton>
  );
}

function Name() {
  const t = texts().header;
  const name = useSite().displayName.value;
  return (
    <Button
      kind="quiet"
      class="header-button header-name"
      title={t.displayName}
      onClick={() => {
        dialog.value = { kind: "display-name" };
      }}
    >
      <span class="hidden">{t.displayName}: </span>
      <span class="avatar" aria-hidden="true">
        {initial(name)}
      </span>
      <span class="header-word">{name}</span>
    </Button>
  );
}

function AccountMenu() {
  const t = texts();
  const desk = useDesk();
  const site = useSite();
  const open = (kind: "invite" | "shortcuts" | "display-name", close: () => void) => {
    close();
    dialog.value = { kind };
  };
  return (
    <Menu label={t.header.account} face={<User aria-hidden="true" />}>
      {(close) => (
        <>
          <p class="menu-head">
            <strong>{desk.account.value?.login}</strong>
            <span>
              {site.name} · {t.ranks[site.rank]}
            </span>
          </p>
          <MenuItems label={t.header.account}>
            <MenuItem
              icon={<User aria-hidden="true" />}
              onSelect={() => open("display-name", close)}
            >
              {t.header.displayName}
            </MenuItem>
            {site.rank === "admin" && (
              <MenuItem
                icon={<UserPlus aria-hidden="true" />}
                onSelect={() => open("invite", close)}
              >
                {t.header.invite}
              </MenuItem>
            )}
            <MenuItem
              icon={<Keyboard aria-hidden="true" />}
              shortcut="?"
              onSelect={() => open("shortcuts", close)}
            >
              {t.header.shortcuts}
            </MenuItem>
            <MenuItem
              icon={<LogOut aria-hidden="true" />}
              onSelect={() => {
                close();
                attempt(desk.signOut());
              }}
            >
              {t.header.signOut}
            </MenuItem>
          </MenuItems>
        </>
      )}
    </Menu>
  );
}

/** The first letter of a name, for a small picture of whoever bears it. */
export function initial(name: string): string {
  return ([...name.trim()][0] ?? "?").toLocaleUpperCase(texts().language);
}

function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.platform);
}
