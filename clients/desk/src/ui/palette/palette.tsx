import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { texts } from "../../texts.ts";
import { useDesk, useSite } from "../context.ts";
import { BareDialog, closeDialog } from "../parts/dialog.tsx";
import { Search } from "../parts/icons.ts";
import { Key } from "../parts/key.tsx";
import { type Command, commands } from "./commands.ts";
import { fit } from "./match.ts";

/** Results shown at once; whoever wants others types more. */
const RESULTS_MAX = 40;
/** Of these, conversations while nothing is typed. */
const UNTYPED_CONVERSATIONS_MAX = 5;

/** One box for everything: actions, conversations, sites, settings. */
export function Palette() {
  const t = texts().palette;
  const desk = useDesk();
  const site = useSite();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const results = useRef<HTMLDivElement>(null);
  const all = useMemo(() => commands(desk, site), [desk, site]);
  const found = useMemo(() => search(all, typed), [all, typed]);
  const chosen = found[Math.min(at, found.length - 1)];

  useEffect(() => {
    results.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [chosen]);

  const run = (command: Command) => {
    closeDialog();
    // The dialog gives the focus back first; what the command focuses comes after.
    queueMicrotask(() => command.run());
  };
  const keys = (event: KeyboardEvent) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (to !== undefined && found.length > 0) {
      event.preventDefault();
      setAt((to + found.length) % found.length);
    } else if (event.key === "Enter" && chosen !== undefined && !event.isComposing) {
      event.preventDefault();
      run(chosen);
    }
  };

  return (
    <BareDialog label={t.name} class="palette" onClose={closeDialog}>
      <div class="palette-box">
        <Search aria-hidden="true" />
        <input
          data-autofocus
          type="text"
          role="combobox"
          aria-label={t.placeholder}
          aria-expanded="true"
          aria-controls="palette-results"
          aria-autocomplete="list"
          aria-activedescendant={chosen === undefined ? undefined : `command-${chosen.id}`}
          placeholder={t.placeholder}
          value={typed}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={keys}
        />
        <Key name="Esc" />
      </div>
      <div
        id="palette-results"
        class="palette-results"
        role="listbox"
        aria-label={t.name}
        ref={results}
      >
        {grouped(found).map(([group, members]) => (
          // biome-ignore lint/a11y/useSemanticElements: a listbox may have groups, not fieldsets.
          <div key={group} role="group" aria-label={group}>
            <p class="palette-group" aria-hidden="true">
              {group}
            </p>
            {members.map((command) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the box above has the keys.
              // biome-ignore lint/a11y/useFocusableInteractive: the box above has the focus.
              <div
                key={command.id}
                id={`command-${command.id}`}
                role="option"
                aria-selected={command === chosen}
                class={command === chosen ? "command command-on" : "command"}
                onPointerMove={() => setAt(found.indexOf(command))}
                onClick={() => run(command)}
              >
                <span class="command-name cut">{command.name}</span>
                {command.detail !== undefined && (
                  <span class="command-detail cut">{command.detail}</span>
                )}
                {command.shortcut !== undefined && <Key name={command.shortcut} />}
              </div>
            ))}
          </div>
        ))}
      </div>
      {found.length === 0 && <p class="palette-none">{t.none}</p>}
    </BareDialog>
  );
}

/** The commands that fit, in their groups, the best group first. */
export function search(all: readonly Command[], typed: string): readonly Command[] {
  const untyped = typed.trim() === "";
  const scored = all
    .map((command) => ({ command, score: fit(typed, command.name, command.detail) }))
    .filter(({ score }) => score > 0);
  const best = new Map<string, number>();
  const shown = new Map<string, number>();
  for (const { command, score } of scored) {
    best.set(command.group, Math.max(best.get(command.group) ?? 0, score));
  }
  return scored
    .sort(
      (one, other) =>
        (best.get(other.command.group) ?? 0) - (best.get(one.command.group) ?? 0) ||
        order(best, one.command.group) - order(best, other.command.group) ||
        other.score - one.score,
    )
    .filter(({ command }) => {
      const before = shown.get(command.group) ?? 0;
      shown.set(command.group, before + 1);
      return !untyped || !command.id.match(/^(open|live)-/) || before < UNTYPED_CONVERSATIONS_MAX;
    })
    .slice(0, RESULTS_MAX)
    .map(({ command }) => command);
}

function order(groups: ReadonlyMap<string, number>, group: string): number {
  return [...groups.keys()].indexOf(group);
}

function grouped(found: readonly Command[]): [string, Command[]][] {
  const groups = new Map<string, Command[]>();
  for (const command of found)
    groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  return [...groups];
}
