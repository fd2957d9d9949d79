/** A button that opens a list of choices, worked by pointer and keyboard alike. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Check } from "./icons.ts";
import { Key } from "./key.tsx";

interface MenuProps {
  /** The button's accessible name; what comes before its words, when it is `worded`. */
  label: string;
  /** Whether the button shows words, which are then part of its name. */
  worded?: boolean;
  /** What the button shows. */
  face: ComponentChildren;
  class?: string;
  /** Which edge of the button the menu is aligned with. */
  align?: "start" | "end";
  disabled?: boolean;
  /** The menu's content; `close` closes it. */
  children: (close: () => void) => ComponentChildren;
}

/** The button and, while it is open, its menu. */
export function Menu({
  label,
  face,
  align = "end",
  disabled,
  children,
  worded = false,
  ...rest
}: MenuProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (focus = true) => {
    setOpen(false);
    if (focus) button.current?.focus();
  };

  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) close(false);
    };
    document.addEventListener("pointerdown", outside, true);
    document.addEventListener("focusin", outside, true);
    items(root.current)[0]?.focus();
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      document.removeEventListener("focusin", outside, true);
    };
  }, [open]);

  const move = (event: KeyboardEvent) => {
    if (!open) return;
    const all = items(root.current);
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Tab") {
      setOpen(false);
    }
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the button and of its menu.
    <div class="menu-root" ref={root} onKeyDown={move}>
      <button
        type="button"
        ref={button}
        class={rest.class ?? "icon-button"}
        aria-label={worded ? undefined : label}
        aria-haspopup="menu"
        aria-expanded={open}
        title={label}
        disabled={disabled}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" && !open) {
            event.preventDefault();
            setOpen(true);
          }
        }}
      >
        {worded && <span class="hidden">{label}: </span>}
        {face}
      </button>
      {open && <div class={`menu menu-${align}`}>{children(() => close())}</div>}
    </div>
  );
}

/** The choices of a menu, under their name. */
export function MenuItems({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div role="menu" aria-label={label} class="menu-items">
      {children}
    </div>
  );
}

interface ItemProps {
  onSelect: () => void;
  /** For one choice out of several: whether it is the one. */
  checked?: boolean;
  icon?: ComponentChildren;
  hint?: string;
  shortcut?: string;
  danger?: boolean;
  disabled?: boolean;
  children: ComponentChildren;
}

/** One choice. */
export function MenuItem({
  onSelect,
  checked,
  icon,
  hint,
  shortcut,
  danger,
  disabled,
  children,
}: ItemProps) {
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: it is checked as a menuitemradio only.
    <button
      type="button"
      role={checked === undefined ? "menuitem" : "menuitemradio"}
      aria-checked={checked}
      class={danger ? "menu-item danger" : "menu-item"}
      tabIndex={-1}
      disabled={disabled}
      onClick={onSelect}
    >
      <span class="menu-icon">
        {checked === undefined ? icon : checked && <Check aria-hidden="true" />}
      </span>
      <span class="menu-text">
        <span>{children}</span>
        {hint !== undefined && <span class="menu-hint">{hint}</span>}
      </span>
      {shortcut !== undefined && <Key name={shortcut} />}
    </button>
  );
}

function items(root: HTMLElement | null): HTMLElement[] {
  return [
    ...(root?.querySelectorAll<HTMLElement>(".menu :is(.menu-item, .button):not([disabled])") ??
      []),
  ];
}
