import type { Rank } from "@vigie/client";
import { useState } from "preact/hooks";
import type { InvitationLink } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { attempt } from "../attempt.ts";
import { useDesk, useSite } from "../context.ts";
import { moment } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { closeDialog, Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Check, Copy, Headset } from "../parts/icons.ts";
import { problemText } from "../problem.ts";
import { FormError } from "../stage/sign-in.tsx";

const NAME_CHARACTERS_MAX = 60;
const RANKS: readonly Rank[] = ["agent", "supervisor", "admin"];

/** What visitors see of the operator. */
export function DisplayNameDialog() {
  const t = texts();
  const site = useSite();
  const [name, setName] = useState(site.displayName.value);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || name.trim() === "") return;
    setBusy(true);
    try {
      await site.rename(name.trim());
      closeDialog();
    } catch (refused) {
      setError(problemText(refused));
      setBusy(false);
    }
  };

  return (
    <Dialog title={t.displayName.title} lead={t.displayName.lead(site.name)} class="dialog-narrow">
      <form class="form" onSubmit={submit}>
        <Field
          label={t.displayName.title}
          value={name}
          onValue={setName}
          maxLength={NAME_CHARACTERS_MAX}
          autocomplete="off"
          required
          first
          error={error ?? undefined}
        />
        <p class="name-preview" aria-hidden="true">
          <Headset />
          <span>
            {t.displayName.preview} · <strong>{name.trim() === "" ? "…" : name.trim()}</strong>
          </span>
        </p>
        <div class="dialog-actions">
          <Button onClick={closeDialog}>{t.cancel}</Button>
          <Button kind="primary" type="submit" aria-busy={busy} disabled={name.trim() === ""}>
            {t.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** For admins: a link that makes an account. */
export function InviteDialog() {
  const t = texts();
  const desk = useDesk();
  const site = useSite();
  const [rank, setRank] = useState<Rank>("agent");
  const [made, setMade] = useState<InvitationLink | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      setMade(await desk.invite(site.id, rank));
    } catch (refused) {
      setError(problemText(refused));
    }
    setBusy(false);
  };

  return (
    <Dialog title={t.invite.title} lead={t.invite.lead(site.name)} class="dialog-narrow">
      {made === null ? (
        <form class="form" onSubmit={submit}>
          {error !== null && <FormError text={error} />}
          <fieldset class="choices-list">
            <legend>{t.invite.rank}</legend>
            {RANKS.map((each) => (
              <label key={each} class="choice-line">
                <input
                  type="radio"
                  name="rank"
                  checked={each === rank}
                  data-autofocus={each === rank ? "" : undefined}
                  onChange={() => setRank(each)}
                />
                <span class="choice-name">{t.ranks[each]}</span>
                <span class="choice-hint">{t.invite.rankHints[each]}</span>
              </label>
            ))}
          </fieldset>
          <div class="dialog-actions">
            <Button onClick={closeDialog}>{t.cancel}</Button>
            <Button kind="primary" type="submit" aria-busy={busy}>
              {t.invite.submit}
            </Button>
          </div>
        </form>
      ) : (
        <Made made={made} />
      )}
    </Dialog>
  );
}

function Made({ made }: { made: InvitationLink }) {
  const t = texts();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(made.link);
    setCopied(true);
  };
  return (
    <div class="form">
      <p>{t.invite.ready}</p>
      <div class="copy-line">
        <input
          readOnly
          value={made.link}
          aria-label={t.invite.link}
          data-autofocus
          onFocus={(event) => event.currentTarget.select()}
        />
        <Button onClick={() => attempt(copy())}>
          {copied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />}
          {copied ? t.copied : t.copy}
        </Button>
      </div>
      <p class="field-hint">{t.invite.expires(moment(made.expires))}</p>
      <div class="dialog-actions">
        <Button kind="primary" onClick={closeDialog}>
          {t.close}
        </Button>
      </div>
    </div>
  );
}
