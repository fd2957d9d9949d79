import type { ComponentChildren } from "preact";
import { Logo } from "../parts/logo.tsx";

/** A page with one thing to do on it. */
export function StagePage({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: string;
  children?: ComponentChildren;
}) {
  return (
    <main class="stage">
      <div class="stage-card">
        <p class="brand">
          <Logo />
          Vigie
        </p>
        <h1>{title}</h1>
        {lead !== undefined && <p class="stage-lead">{lead}</p>}
        {children}
      </div>
    </main>
  );
}
