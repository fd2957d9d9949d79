/** The platform's own dialog: it keeps the focus inside, and gives it back. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { texts } from "../../texts.ts";
import { dialog } from "../state.ts";
import { IconButton } from "./button.tsx";
import { X } from "./icons.ts";

interface DialogProps {
  title: string;
  lead?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
  onClose?: () => void;
}

/** A dialog with a heading. Closing it takes it off the page. */
export function Dialog({ title, lead, children, onClose = closeDialog, ...rest }: DialogProps) {
  const heading = useId();
  return (
    <BareDialog labelledBy={heading} class={rest.class ?? ""} onClose={onClose}>
      <header class="dialog-head">
        <h2 id={heading}>{title}</h2>
        <IconButton label={texts().close} onClick={onClose}>
          <X aria-hidden="true" />
        </IconButton>
      </header>
      {lead !== undefined && <p class="dialog-lead">{lead}</p>}
      {children}
    </BareDialog>
  );
}

interface BareDialogProps {
  label?: string;
  labelledBy?: string;
  class?: string;
  /** Whether nothing but its own buttons closes it. */
  firm?: boolean;
  children: ComponentChildren;
  onClose: () => void;
}

/** A dialog without a heading of its own. */
export function BareDialog({
  label,
  labelledBy,
  firm = false,
  children,
  onClose,
  ...rest
}: BareDialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = element.current;
    const before = document.activeElement;
    if (shown !== null && !shown.open) shown.showModal();
    (shown?.querySelector<HTMLElement>("[data-autofocus]") ?? shown)?.focus();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      tabIndex={-1}
      class={`dialog ${rest.class ?? ""}`}
      aria-label={label}
      aria-labelledby={labelledBy}
      onCancel={(event) => {
        event.preventDefault();
        if (!firm) onClose();
      }}
      onPointerDown={(event) => {
        if (!firm && event.target === element.current) onClose();
      }}
    >
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

/** Takes the open dialog off the page. */
export function closeDialog(): void {
  dialog.value = null;
}
