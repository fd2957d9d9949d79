import { texts } from "../../texts.ts";
import { Dialog } from "../parts/dialog.tsx";
import { singleKeys } from "../state.ts";

/** All keys on one page. */
export function Shortcuts() {
  const t = texts().shortcuts;
  const groups: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
    [
      t.anywhere,
      [
        [t.palette, "Ctrl K"],
        [t.help, "?"],
        [t.overview, "O"],
        [t.tabs, "L H"],
      ],
    ],
    [
      t.list,
      [
        [t.next, "J ↓"],
        [t.previous, "K ↑"],
        [t.open, "Enter"],
        [t.search, "/"],
        [t.filters, "1 2 3 4 5"],
      ],
    ],
    [
      t.conversation,
      [
        [t.takeOver, "T"],
        [t.release, "R"],
        [t.reply, "C"],
        [t.note, "N"],
        [t.panel, "V"],
        [t.openPage, "P"],
        [t.closeTab, "W"],
      ],
    ],
    [
      t.writing,
      [
        [t.send, "Enter"],
        [t.newline, "Shift_Enter"],
        [t.takeOver, "Alt_T"],
        [t.release, "Alt_R"],
        [t.escape, "Esc"],
      ],
    ],
  ];
  return (
    <Dialog title={t.title} class="dialog-wide">
      <div class="shortcuts">
        {groups.map(([name, keys]) => (
          <section key={name}>
            <h3>{name}</h3>
            <dl>
              {keys.map(([what, key]) => (
                <div key={what}>
                  <dt>{what}</dt>
                  <dd>
                    {key.split(" ").map((one) => (
                      <kbd key={one}>{one.replace("_", " ")}</kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="choice-line">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => {
            singleKeys.value = event.currentTarget.checked;
          }}
        />
        <span class="choice-name">{t.single}</span>
        <span class="choice-hint">{t.singleHint}</span>
      </label>
    </Dialog>
  );
}
