/** The whole face of the desk, by the stage that it is on. */

import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Desk, SiteDesk } from "../model/types.ts";
import { texts } from "../texts.ts";
import { DeskProvider, SiteProvider } from "./context.ts";
import { ConversationPane } from "./conversation/conversation.tsx";
import { CloseDialog, ReasonDialog, TransferDialog } from "./conversation/dialogs.tsx";
import { ConnectionBanner } from "./header/connection.tsx";
import { DisplayNameDialog, InviteDialog } from "./header/dialogs.tsx";
import { Header } from "./header/header.tsx";
import { LiveListPane } from "./list/live-list.tsx";
import { Overview } from "./list/overview.tsx";
import { room } from "./media.ts";
import { usePreferences } from "./palette/actions.ts";
import { useKeys } from "./palette/keys.ts";
import { Palette } from "./palette/palette.tsx";
import { Shortcuts } from "./palette/shortcuts.tsx";
import { VisitorPanel } from "./panel/panel.tsx";
import { PastDialog } from "./panel/past.tsx";
import { IconButton } from "./parts/button.tsx";
import { X } from "./parts/icons.ts";
import { Invited } from "./stage/invited.tsx";
import { SignIn } from "./stage/sign-in.tsx";
import { Expired, Loading, NoSites, Unreachable } from "./stage/waiting.tsx";
import { dialog, panelOver, toast } from "./state.ts";

/** How long a message at the foot of the page stays. */
const TOAST_MS = 8000;

export function App({ desk }: { desk: Desk }) {
  useEffect(() => effect(() => showTheme(desk.preferences.theme.value)), [desk]);
  useEffect(
    () =>
      effect(() => {
        document.title = desk.title.value;
      }),
    [desk],
  );
  return (
    <DeskProvider value={desk}>
      <Stage desk={desk} />
      <Toast />
    </DeskProvider>
  );
}

function Stage({ desk }: { desk: Desk }) {
  switch (desk.stage.value) {
    case "loading":
      return <Loading />;
    case "signed-out":
      return <SignIn />;
    case "invited":
      return <Invited />;
    case "unreachable":
      return <Unreachable />;
    case "desk": {
      const site = desk.site.value;
      return site === null ? <NoSites /> : <Desktop key={site.id} desk={desk} site={site} />;
    }
  }
}

function Desktop({ desk, site }: { desk: Desk; site: SiteDesk }) {
  usePreferences(desk.preferences);
  useKeys(desk, site);
  useEffect(() => () => closeAll(), []);
  const active = site.active.value;
  const phone = room.value === "phone";
  const beside = room.value === "wide" && desk.preferences.panel.value;
  const over = room.value !== "wide" && panelOver.value;
  const layout = active === null ? "layout-overview" : beside ? "layout-three" : "layout-two";
  return (
    <SiteProvider value={site}>
      <div class="desk">
        <a class="skip" href="#main">
          {texts().header.skip}
        </a>
        <Header />
        <ConnectionBanner />
        <div class={`layout ${layout}`}>
          {active === null && !phone && <Overview />}
          {active === null && phone && (
            <main id="main" class="phone-list" tabIndex={-1}>
              <h1 class="hidden">{texts().list.name}</h1>
              <LiveListPane />
            </main>
          )}
          {active !== null && !phone && <LiveListPane />}
          {active !== null && <ConversationPane conversation={active} />}
          {active !== null && beside && <VisitorPanel key={active.session} conversation={active} />}
          {active !== null && over && (
            <div class="panel-over">
              <VisitorPanel
                key={active.session}
                conversation={active}
                onClose={() => {
                  panelOver.value = false;
                }}
              />
            </div>
          )}
        </div>
        <OpenDialog />
        {desk.expired.value && <Expired />}
      </div>
    </SiteProvider>
  );
}

function OpenDialog() {
  const open = dialog.value;
  switch (open?.kind) {
    case "palette":
      return <Palette />;
    case "shortcuts":
      return <Shortcuts />;
    case "display-name":
      return <DisplayNameDialog />;
    case "invite":
      return <InviteDialog />;
    case "force":
    case "revoke":
      return <ReasonDialog conversation={open.conversation} revoke={open.kind === "revoke"} />;
    case "transfer":
      return <TransferDialog conversation={open.conversation} />;
    case "close":
      return <CloseDialog conversation={open.conversation} />;
    case "past":
      return (
        <PastDialog key={open.session} conversation={open.conversation} session={open.session} />
      );
    case undefined:
      return null;
  }
}

function Toast() {
  const shown = toast.value;
  useEffect(() => {
    if (shown === null) return;
    const timer = setTimeout(() => {
      toast.value = null;
    }, TOAST_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div role="status" class="toast-place">
      {shown !== null && (
        <div class="toast">
          <p>{shown}</p>
          <IconButton
            label={texts().close}
            onClick={() => {
              toast.value = null;
            }}
          >
            <X aria-hidden="true" />
          </IconButton>
        </div>
      )}
    </div>
  );
}

function closeAll(): void {
  dialog.value = null;
  panelOver.value = false;
}

function showTheme(theme: "auto" | "light" | "dark"): void {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
