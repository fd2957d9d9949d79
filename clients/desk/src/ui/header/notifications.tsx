import type { NotifyChoice } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { attempt } from "../attempt.ts";
import { useDesk } from "../context.ts";
import { Button } from "../parts/button.tsx";
import { Bell, BellOff, Volume2 } from "../parts/icons.ts";
import { Menu, MenuItem, MenuItems } from "../parts/menu.tsx";

const CHOICES: readonly NotifyChoice[] = ["all", "new", "none"];

/** What rings, and what the browser has to say about it. */
export function NotificationMenu() {
  const t = texts();
  const { preferences, notifications } = useDesk();
  const choice = preferences.notify.value;
  const hints = { all: t.notify.allHint, new: t.notify.newHint, none: t.notify.noneHint };
  const blocked = choice !== "none" && notifications.sound.value === "blocked";
  return (
    <Menu
      label={`${t.header.notifications}: ${t.notify[choice]}`}
      class={notifications.ringing.value > 0 ? "icon-button ringing" : "icon-button"}
      face={
        <>
          {choice === "none" ? <BellOff aria-hidden="true" /> : <Bell aria-hidden="true" />}
          {blocked && <span class="dot-warn" />}
        </>
      }
    >
      {() => (
        <>
          <MenuItems label={t.header.notifications}>
            {CHOICES.map((each) => (
              <MenuItem
                key={each}
                checked={each === choice}
                hint={hints[each]}
                onSelect={() => {
                  preferences.notify.value = each;
                  if (each !== "none") attempt(notifications.unlock());
                }}
              >
                {t.notify[each]}
              </MenuItem>
            ))}
          </MenuItems>
          {choice !== "none" && <Explained />}
        </>
      )}
    </Menu>
  );
}

function Explained() {
  const t = texts().notify;
  const { notifications } = useDesk();
  const desktop = notifications.desktop.value;
  return (
    <div class="menu-notes">
      {notifications.sound.value === "blocked" && (
        <div class="menu-note warn">
          <p>{t.soundBlocked}</p>
          <Button onClick={() => attempt(notifications.unlock())}>
            <Volume2 aria-hidden="true" />
            {t.soundUnlock}
          </Button>
        </div>
      )}
      {desktop === "default" && (
        <div class="menu-note">
          <p>{t.desktopDefault}</p>
          <Button onClick={() => attempt(notifications.askDesktop())}>{t.desktopAsk}</Button>
        </div>
      )}
      {desktop === "denied" && <p class="menu-note warn">{t.desktopDenied}</p>}
      {desktop === "unsupported" && <p class="menu-note">{t.desktopUnsupported}</p>}
      {desktop === "granted" && <p class="menu-note">{t.desktopGranted}</p>}
    </div>
  );
}
