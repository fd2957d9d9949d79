/** The browser behind the model's ports. The one file of the model that knows a window. */

import { signal } from "@preact/signals";
import { newKey } from "@vigie/client";
import { openLeader } from "./leader.ts";
import { windowSound } from "./sound.ts";
import type {
  Clock,
  DesktopNotice,
  DesktopPermission,
  NoticeWords,
  Notifier,
  Ports,
  Storage,
} from "./types.ts";

/** A frame that is never painted (the tab is hidden) is as good as painted after this. */
export const FRAME_MAX_MS = 50;

/** Desktop notifications that are remembered, so that they can be taken down. */
const NOTICES_MAX = 64;

/**
 * The ports of this window.
 *
 * @param words - What a desktop notification says; by default the site's name and the last message.
 */
export function browserPorts(words: NoticeWords = plainWords): Ports {
  const clock = browserClock(window);
  const visible = signal(document.visibilityState === "visible");
  document.addEventListener("visibilitychange", () => {
    visible.value = document.visibilityState === "visible";
  });
  const leader = openLeader(
    {
      ...(navigator.locks === undefined ? {} : { locks: navigator.locks }),
      ...(typeof BroadcastChannel === "function"
        ? { channel: (name: string) => new BroadcastChannel(name) }
        : {}),
    },
    clock,
    newKey(),
  );
  window.addEventListener("pagehide", ({ persisted }) => persisted || leader.stop());
  return {
    origin: location.origin,
    clock,
    local: browserStorage(window, "localStorage"),
    tab: browserStorage(window, "sessionStorage"),
    sound: windowSound(window),
    notifier: browserNotifier(window, words),
    leader,
    address: {
      fragment: () => location.hash.slice(1),
      clearFragment: () =>
        history.replaceState(history.state, "", location.pathname + location.search),
    },
    visible,
    fetch: window.fetch.bind(window),
  };
}

/** The clock of a window. */
export function browserClock(
  window: Pick<
    Window,
    "setTimeout" | "clearTimeout" | "requestAnimationFrame" | "cancelAnimationFrame"
  >,
): Clock {
  return {
    now: () => Date.now(),
    after: (ms, run) => {
      const timer = window.setTimeout(run, ms);
      return () => window.clearTimeout(timer);
    },
    frame: (run) => {
      const cancel = () => {
        window.cancelAnimationFrame(frame);
        window.clearTimeout(timer);
      };
      const once = () => {
        cancel();
        run();
      };
      const frame = window.requestAnimationFrame(once);
      const timer = window.setTimeout(once, FRAME_MAX_MS);
      return cancel;
    },
  };
}

/** A storage of a window; one that is forbidden or full keeps nothing, and says nothing. */
export function browserStorage(window: Window, name: "localStorage" | "sessionStorage"): Storage {
  const attempt = <T>(use: (storage: globalThis.Storage) => T, otherwise: T): T => {
    try {
      return use(window[name]);
    } catch {
      return otherwise;
    }
  };
  return {
    get: (key) => attempt((storage) => storage.getItem(key), null),
    set: (key, value) => attempt((storage) => storage.setItem(key, value), undefined),
    remove: (key) => attempt((storage) => storage.removeItem(key), undefined),
    changed: (run) => {
      const changed = ({ storageArea, key, newValue }: StorageEvent) => {
        if (key !== null && attempt((storage) => storage === storageArea, false)) {
          run(key, newValue);
        }
      };
      window.addEventListener("storage", changed);
      return () => window.removeEventListener("storage", changed);
    },
  };
}

/** The desktop notifications of a window. */
export function browserNotifier(
  window: Window & typeof globalThis,
  words: NoticeWords = plainWords,
): Notifier {
  const permission = signal<DesktopPermission>(permissionOf(window));
  const shown = new Map<string, Notification>();
  const hide = (tag: string) => {
    shown.get(tag)?.close();
    shown.delete(tag);
  };
  const show = (notice: DesktopNotice) => {
    permission.value = permissionOf(window);
    if (permission.value !== "granted") {
      return;
    }
    const { title, body } = words(notice);
    try {
      const one = new window.Notification(title, { body, tag: notice.tag, silent: true });
      one.onclick = () => {
        window.focus();
        notice.opened();
        one.close();
      };
      shown.delete(notice.tag);
      shown.set(notice.tag, one);
    } catch {
      // Phones know notifications of service workers only.
      permission.value = "unsupported";
    }
    const [oldest] = shown.keys();
    if (shown.size > NOTICES_MAX && oldest !== undefined) {
      hide(oldest);
    }
  };
  return {
    permission,
    show,
    hide,
    ask: async () => {
      if (permission.value !== "unsupported") {
        await window.Notification.requestPermission();
        permission.value = permissionOf(window);
      }
    },
  };
}

function permissionOf(window: Window & typeof globalThis): DesktopPermission {
  return typeof window.Notification === "function" && window.isSecureContext
    ? window.Notification.permission
    : "unsupported";
}

const plainWords: NoticeWords = ({ site, card }) => ({ title: site, body: card.last?.text ?? "" });
