import { useEffect, useRef } from "preact/hooks";
import type { Widget } from "../widget.ts";
import { Composer } from "./Composer.tsx";
import { Ending } from "./Ending.tsx";
import { Header } from "./Header.tsx";
import { Status } from "./Status.tsx";
import { Thread } from "./Thread.tsx";

/** The open widget. */
export function Panel({ widget }: { widget: Widget }) {
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => fitAboveKeyboard(panel.current), []);
  useEffect(() => {
    if (widget.asked.peek() && !matchMedia("(pointer: fine)").matches) {
      panel.current?.focus();
    }
  }, [widget]);
  return (
    <div
      ref={panel}
      class="panel"
      role="dialog"
      aria-label={widget.texts.value.chat}
      lang={widget.texts.value.tag}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          widget.open.value = false;
        } else if (event.key === "Tab") {
          keepFocusWhereAlone(event, panel.current);
        }
      }}
    >
      <Header widget={widget} />
      <Status widget={widget} />
      <Thread widget={widget} />
      {widget.chat.conversation.value.closed === undefined ? (
        <Composer widget={widget} />
      ) : (
        <Ending widget={widget} />
      )}
    </div>
  );
}

/** On a phone the keyboard covers a part of the page: the panel fills the part that is seen. */
function fitAboveKeyboard(panel: HTMLElement | null): (() => void) | undefined {
  const seen = window.visualViewport;
  if (panel === null || !seen) {
    return undefined;
  }
  const fit = () => {
    panel.style.setProperty("--seen-top", `${seen.offsetTop}px`);
    panel.style.setProperty("--seen-height", `${seen.height}px`);
  };
  fit();
  seen.addEventListener("resize", fit);
  seen.addEventListener("scroll", fit);
  return () => {
    seen.removeEventListener("resize", fit);
    seen.removeEventListener("scroll", fit);
  };
}

/** Where the panel covers the page, the focus must not wander to what cannot be seen. */
function keepFocusWhereAlone(event: KeyboardEvent, panel: HTMLElement | null): void {
  if (panel === null || panel.offsetWidth < window.innerWidth) {
    return;
  }
  const all = [
    ...panel.querySelectorAll<HTMLElement>(
      "button:enabled, textarea:enabled, input, a, [tabindex='0']",
    ),
  ].filter((element) => element.offsetParent !== null && element.tabIndex >= 0);
  const [first, last] = [all[0], all.at(-1)];
  const root = panel.getRootNode() as ShadowRoot;
  if (root.activeElement === (event.shiftKey ? first : last)) {
    event.preventDefault();
    (event.shiftKey ? last : first)?.focus();
  }
}
