// Where the focus goes, so that the widget can be used without a mouse: into what opens, and back to
// the button that opened it when it closes.

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
    }
  });
}

/** The two items take turns. */
function moveInMenu(widget: Widget, event: KeyboardEvent): void {
  const { root } = widget;
  if (event.key.startsWith("Arrow")) {
    event.preventDefault();
    focus(root, "[role=menuitem]:not(:focus)");
  } else if (event.key === "Tab") {
    setMenu(widget, false);
  }
}

function focus(root: HTMLElement, selector: string): void {
  root.querySelector<HTMLElement>(selector)?.focus();
}
