// Where the focus goes, so that the widget can be used without a mouse: into the panel when it
// opens, back to the launcher when it closes, and nowhere behind it where it covers the page.

import type { Widget } from "../widget.ts";

/** Opens or closes the panel for somebody who asked for it. */
export function setOpen({ open, root }: Widget, opened: boolean): void {
  open.value = opened;
  if (opened) {
    // A phone's keyboard would cover what there is to read.
    focus(root, matchMedia("(pointer: fine)").matches ? "textarea" : ".panel");
  } else {
    focus(root, ".launcher");
  }
}

/** Shows or hides the menu for somebody who asked for it. */
export function setMenu({ menu, root }: Widget, shown: boolean): void {
  menu.value = shown;
  focus(root, shown ? "[role=menuitem]" : ".options");
}

/** Listens to what concerns the panel as a whole. */
export function listen(widget: Widget): void {
  const { root, menu } = widget;
  root.addEventListener("pointerdown", (event) => {
    if (!(event.target as Element).closest(".menu")) {
      menu.value = false;
    }
  });
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      (menu.value ? setMenu : setOpen)(widget, false);
    } else if (menu.value) {
      moveInMenu(widget, event);
    } else if (event.key === "Tab") {
      staySeen(root, event);
    }
  });
}

function moveInMenu(widget: Widget, event: KeyboardEvent): void {
  const items = all(widget.root, "[role=menuitem]");
  const at = items.indexOf(focused(widget.root));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    items.at(to % items.length)?.focus();
  } else if (event.key === "Tab") {
    setMenu(widget, false);
  }
}

/** Where the panel covers the page, the focus goes round in it. */
function staySeen(root: HTMLElement, event: KeyboardEvent): void {
  const panel = root.querySelector<HTMLElement>(".panel");
  if (panel === null || panel.offsetWidth < innerWidth) {
    return;
  }
  const stops = all(panel, "button:enabled, textarea, input, a, [tabindex='0']");
  const [first, last] = [stops[0], stops.at(-1)];
  if (focused(root) === (event.shiftKey ? first : last)) {
    event.preventDefault();
    (event.shiftKey ? last : first)?.focus();
  }
}

function focus(root: HTMLElement, selector: string): void {
  root.querySelector<HTMLElement>(selector)?.focus();
}

function all(within: HTMLElement, selector: string): HTMLElement[] {
  return [...within.querySelectorAll<HTMLElement>(selector)];
}

function focused(root: HTMLElement): HTMLElement {
  return (root.getRootNode() as ShadowRoot).activeElement as HTMLElement;
}
