// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  browserClock,
  browserNotifier,
  browserStorage,
  FRAME_MAX_MS,
} from "../../src/model/platform.ts";
import { SOUND_EVENT, windowSound } from "../../src/model/sound.ts";
import { card } from "./fixtures.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("the browser's storage", () => {
  it("keeps, and tells of what other tabs change", () => {
    const storage = browserStorage(window, "localStorage");
    storage.set("a", "1");
    expect(storage.get("a")).toBe("1");
    storage.remove("a");
    expect(storage.get("a")).toBeNull();
    const changes: unknown[] = [];
    const off = storage.changed((key, value) => changes.push([key, value]));
    const say = (area: Storage, key: string) =>
      window.dispatchEvent(new StorageEvent("storage", { key, newValue: "2", storageArea: area }));
    say(window.localStorage, "b");
    say(window.sessionStorage, "c");
    off();
    say(window.localStorage, "d");
    expect(changes).toEqual([["b", "2"]]);
  });

  it("that is forbidden or full keeps nothing, and breaks nothing", () => {
    const forbidden = {
      get localStorage(): Storage {
        throw new DOMException("no", "SecurityError");
      },
    } as Window;
    const storage = browserStorage(forbidden, "localStorage");
    storage.set("a", "1");
    storage.remove("a");
    expect(storage.get("a")).toBeNull();
  });
});

it("a frame that is never painted comes all the same, once", () => {
  vi.useFakeTimers();
  let paint: FrameRequestCallback = () => {};
  const clock = browserClock({
    setTimeout: window.setTimeout.bind(window),
    clearTimeout: window.clearTimeout.bind(window),
    requestAnimationFrame: (run) => {
      paint = run;
      return 1;
    },
    cancelAnimationFrame: () => {},
  });
  let ran = 0;
  clock.frame(() => {
    ran += 1;
  });
  vi.advanceTimersByTime(FRAME_MAX_MS);
  expect(ran).toBe(1);
  clock.frame(() => {
    ran += 1;
  });
  paint(0);
  vi.advanceTimersByTime(FRAME_MAX_MS);
  expect(ran).toBe(2);
  const cancel = clock.frame(() => {
    ran += 1;
  });
  cancel();
  vi.advanceTimersByTime(FRAME_MAX_MS);
  expect(ran).toBe(2);
});

it("a sound that is asked for is told of on the window, also where it cannot be heard", () => {
  const told: unknown[] = [];
  const hear = (event: Event) => told.push((event as CustomEvent).detail);
  window.addEventListener(SOUND_EVENT, hear);
  const sound = windowSound(window);
  expect(sound.ready.value).toBe(false);
  sound.play({ kind: "waiting", site: "shop", session: "s", round: 2 });
  window.removeEventListener(SOUND_EVENT, hear);
  sound.stop();
  expect(told).toEqual([{ kind: "waiting", site: "shop", session: "s", round: 2, heard: false }]);
});

it("a browser without desktop notifications is said to have none", async () => {
  const without = Object.create(window, { Notification: { value: undefined } });
  const notifier = browserNotifier(without);
  expect(notifier.permission.value).toBe("unsupported");
  await notifier.ask();
  const notice = {
    tag: "t",
    kind: "new",
    site: "Shop",
    card: card("s"),
    opened: () => {},
  } as const;
  notifier.show(notice);
  notifier.hide("t");
  expect(notifier.permission.value).toBe("unsupported");
});
