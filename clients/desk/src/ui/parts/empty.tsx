import type { ComponentChildren } from "preact";

/** What stands where there is nothing: what that means, and what to do. */
export function Empty({
  icon,
  title,
  hint,
  children,
}: {
  icon: ComponentChildren;
  title: string;
  hint?: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <span class="empty-icon">{icon}</span>
      <p class="empty-title">{title}</p>
      {hint !== undefined && <p class="empty-hint">{hint}</p>}
      {children}
    </div>
  );
}
