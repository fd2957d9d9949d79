import type { ButtonHTMLAttributes, ComponentChildren, Ref } from "preact";
import { Key } from "./key.tsx";

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "ref" | "icon"> {
  kind?: "primary" | "plain" | "quiet" | "danger";
  children: ComponentChildren;
  /** The key that does the same. */
  shortcut?: string | undefined;
  elementRef?: Ref<HTMLButtonElement>;
}

/** A button with words. */
export function Button({ kind = "plain", children, shortcut, elementRef, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      ref={elementRef ?? null}
      class={`button button-${kind} ${rest.class ?? ""}`}
      aria-keyshortcuts={shortcut}
    >
      {children}
      {shortcut !== undefined && <Key name={shortcut} />}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "ref" | "label"> {
  /** Its name, shown when the pointer rests on it. */
  label: string;
  children: ComponentChildren;
  shortcut?: string | undefined;
  elementRef?: Ref<HTMLButtonElement>;
}

/** A button with a picture, and a name for those who do not see it. */
export function IconButton({ label, children, shortcut, elementRef, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      ref={elementRef ?? null}
      class={`icon-button ${rest.class ?? ""}`}
      aria-label={label}
      aria-keyshortcuts={shortcut}
      title={shortcut === undefined ? label : `${label} (${shortcut})`}
    >
      {children}
    </button>
  );
}
