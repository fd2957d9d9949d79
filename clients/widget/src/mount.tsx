// Puts the parts together: the model, the look, the page's API, and the element that holds them.

import { computed, effect, type Signal, signal } from "@preact/signals-core";
import { render } from "preact";
import { publishApi } from "./api.ts";
import { applyLook, onSchemeChange } from "./look.ts";
import { Chat } from "./model/chat.ts";
import { currentPage, watchPages } from "./model/pages.ts";
import { layOut } from "./model/rows.ts";
import { sharedShelf, tabShelf } from "./model/shelf.ts";
import { fetchSite, keptSite, SETTINGS_WAIT, type SiteFace } from "./model/site.ts";
import styles from "./styles/widget.css?inline";
import type { Tag } from "./tag.ts";
import { chooseTexts } from "./texts/choose.ts";
import { listen } from "./ui/focus.ts";
import { view } from "./ui/panel.tsx";
import { NO_RATING, type Widget } from "./widget.ts";

/** Phones show the panel over the whole page. The same width as in the styles. */
const PHONE = "(max-width: 480px)";

/** Starts the widget that a script tag asks for. */
export function mount(tag: Tag): void {
  const shared = sharedShelf(tag.site);
  const own = tabShelf(tag.site);
  const kept = keptSite(shared);
  const site = signal<SiteFace>(kept ?? {});
  const socket = new URL("ws", tag.source);
  socket.protocol = socket.protocol.replace("http", "ws");
  const chat = new Chat({
    url: socket.href,
    site: tag.site,
    shared,
    own,
    page: currentPage(),
    referrer: document.referrer,
    language: tag.language ?? navigator.language,
    ...(tag.data && { data: tag.data }),
  });
  // On a phone the panel would hide the page that was just opened.
  const open = signal(own.get("open") === "1" && !matchMedia(PHONE).matches);
  const widget = assemble(tag, chat, site, open);

  if (tag.connect !== "open" || chat.leftBehind) {
    chat.connect();
  }
  effect(() => {
    own.set("open", open.value ? "1" : "");
    if (open.value) {
      chat.connect();
    }
  });
  watchPages((page) => chat.viewPage(page));
  publishApi(widget);

  const fetched = fetchSite(new URL(`v1/sites/${tag.site}`, tag.source), shared).then((face) => {
    site.value = face ?? site.value;
  });
  const patience = new Promise((resolve) => setTimeout(resolve, kept ? 0 : SETTINGS_WAIT));
  Promise.race([fetched, patience]).then(() => show(tag, widget));
}

function assemble(tag: Tag, chat: Chat, site: Signal<SiteFace>, open: Signal<boolean>): Widget {
  const languages = [tag.language, ...navigator.languages];
  const visible = signal(true);
  const seen = signal<readonly [number, number]>([0, innerHeight]);
  const viewport = window.visualViewport;
  const look = () => {
    visible.value = !document.hidden;
    seen.value = viewport ? [viewport.offsetTop, viewport.height] : [0, innerHeight];
  };
  look();
  document.addEventListener("visibilitychange", look);
  viewport?.addEventListener("resize", look);
  viewport?.addEventListener("scroll", look);
  // What comes while the panel is open and the page is looked at has been read.
  effect(() => {
    chat.reading.value = open.value && visible.value;
  });
  return {
    chat,
    texts: computed(() => chooseTexts([...languages, site.value.language])),
    site,
    rows: computed(() => layOut(chat.conversation.value.entries, chat.waiting.value)),
    root: document.createElement("div"),
    open,
    menu: signal(false),
    atEnd: signal(true),
    seen,
    rating: signal(NO_RATING),
  };
}

function show(tag: Tag, widget: Widget): void {
  const { root, site, open } = widget;
  const host = document.createElement("vigie-widget");
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  shadow.adoptedStyleSheets = [sheet];
  root.className = "root";
  shadow.append(root);
  // A script in the head can be done before there is a body.
  (document.body ?? document.documentElement).append(host);

  const look = () => {
    const { accent, scheme, position } = site.value.widget ?? {};
    root.dataset.position = tag.position ?? position ?? "right";
    applyLook(root, [tag.accent, accent], tag.scheme ?? scheme);
  };
  site.subscribe(look);
  // The page's own CSS may have changed by the time that the panel opens.
  open.subscribe(look);
  onSchemeChange(look);
  // Drawing reads signals, so each change of one of them draws anew.
  effect(() => render(view(widget), root));
  listen(widget);
  performance.measure("vigie:ready", "vigie:start");
}
