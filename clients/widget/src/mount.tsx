// Puts the parts together: the model, the look, the page's API, and the element that holds them.

import { computed, effect, signal } from "@preact/signals";
import { render } from "preact";
import { publishApi } from "./api.ts";
import { applyLook, onSchemeChange } from "./look.ts";
import { Chat } from "./model/chat.ts";
import { currentPage, watchPages } from "./model/pages.ts";
import { type Shelf, sharedShelf, tabShelf } from "./model/shelf.ts";
import { fetchSite, keptSite, SETTINGS_WAIT, type SiteFace, UNKNOWN_SITE } from "./model/site.ts";
import styles from "./styles/widget.css?inline";
import type { Tag } from "./tag.ts";
import { chooseTexts, firstKnown } from "./texts/choose.ts";
import { Launcher } from "./ui/Launcher.tsx";
import { Panel } from "./ui/Panel.tsx";
import type { Widget } from "./widget.ts";

/** Phones show the panel over the whole page. The same width as in the styles. */
const PHONE = "(max-width: 480px)";

/** Starts the widget that a script tag asks for. */
export function mount(tag: Tag): void {
  const shared = sharedShelf(tag.site);
  const own = tabShelf(tag.site);
  const kept = keptSite(shared);
  const site = signal(kept ?? UNKNOWN_SITE);
  const widget = assemble(tag, shared, own, site);
  const { chat, open } = widget;

  const fetched = fetchSite(new URL(`v1/sites/${tag.site}`, tag.source).href, shared);
  const settled = fetched.then((face) => {
    site.value = face ?? site.value;
  });
  if (tag.connect === "load" || open.value || chat.leftBehind) {
    chat.connect();
  }
  effect(() => {
    own.set("open", open.value ? "1" : "");
    if (open.value) {
      chat.connect();
    }
  });
  readAlong(widget);
  watchPages((page) => chat.viewPage(page));
  publishApi(widget);

  const patience = new Promise((resolve) => setTimeout(resolve, SETTINGS_WAIT));
  const known = kept === undefined ? Promise.race([settled, patience]) : Promise.resolve();
  void known.then(() => show(tag, widget));
}

function assemble(tag: Tag, shared: Shelf, own: Shelf, site: { value: SiteFace }): Widget {
  const socket = new URL("ws", tag.source);
  socket.protocol = socket.protocol === "https:" ? "wss:" : "ws:";
  const languages = [tag.language, ...navigator.languages];
  const texts = computed(() => chooseTexts([...languages, site.value.language]));
  const inTexts = (byLanguage: Readonly<Record<string, string>>) =>
    firstKnown(byLanguage, [texts.value.tag, site.value.language]);
  const chat = new Chat({
    url: socket.href,
    site: tag.site,
    shared,
    own,
    page: currentPage(),
    language: tag.language ?? navigator.language,
    ...(document.referrer === "" ? {} : { referrer: document.referrer }),
    ...(Object.keys(tag.data).length === 0 ? {} : { data: tag.data }),
  });
  return {
    chat,
    texts,
    site: computed(() => site.value),
    title: computed(() => inTexts(site.value.title) ?? site.value.name),
    greeting: computed(() => inTexts(site.value.greeting) ?? texts.value.greeting),
    // On a phone the panel would hide the page that was just opened.
    open: signal(own.get("open") === "1" && !matchMedia(PHONE).matches),
    asked: signal(false),
  };
}

/** What comes while the panel is open and the page is looked at has been read. */
function readAlong({ chat, open }: Widget): void {
  const visible = signal(!document.hidden);
  document.addEventListener("visibilitychange", () => {
    visible.value = !document.hidden;
  });
  effect(() => {
    chat.reading.value = open.value && visible.value;
  });
}

function show(tag: Tag, widget: Widget): void {
  const host = document.createElement("vigie-widget");
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  shadow.adoptedStyleSheets = [sheet];
  const root = document.createElement("div");
  root.className = "root";
  shadow.append(root);
  document.body.append(host);

  const look = () => {
    const { accent, scheme, position } = widget.site.value;
    root.dataset.position = (tag.position ?? position) === "left" ? "left" : "right";
    applyLook(root, { accents: [tag.accent, accent], scheme: tag.scheme ?? scheme });
  };
  effect(() => {
    // The page's own CSS may have changed by the time that the panel opens.
    void widget.open.value;
    look();
  });
  onSchemeChange(look);
  render(<Root widget={widget} />, root);
  giveFocusBack(widget, root);
  performance.measure("vigie:ready", "vigie:start");
}

function Root({ widget }: { widget: Widget }) {
  return (
    <>
      {widget.open.value && <Panel widget={widget} />}
      <Launcher widget={widget} />
    </>
  );
}

/** Whoever closes the panel from within is left on the button that opens it. */
function giveFocusBack({ open }: Widget, root: HTMLElement): void {
  let wasOpen = open.peek();
  effect(() => {
    if (wasOpen && !open.value) {
      queueMicrotask(() => root.querySelector<HTMLElement>(".launcher")?.focus());
    }
    wasOpen = open.value;
  });
}
