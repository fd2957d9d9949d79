import { useState } from "preact/hooks";
import { problemIn } from "../../model/http.ts";
import { texts } from "../../texts.ts";
import { useDesk } from "../context.ts";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { problemText } from "../problem.ts";
import { StagePage } from "./page.tsx";
import { FormError } from "./sign-in.tsx";

const PASSWORD_CHARACTERS_MIN = 10;
const NAME_CHARACTERS_MAX = 60;

/** Makes an account of an invitation, or gives an account the new password that its link is for. */
export function Invited() {
  const t = texts();
  const desk = useDesk();
  const invitation = desk.invitation.value;
  const known = invitation?.login !== undefined;
  const [login, setLogin] = useState(invitation?.login ?? "");
  const [password, setPassword] = useState("");
  const [displayName, setDisplayName] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await desk.accept({ login: login.trim(), password, displayName: displayName.trim() });
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };

  const field = errorField(error);
  const lead =
    invitation === null || known
      ? ""
      : t.invited.lead(
          t.ranks[invitation.rank],
          new Intl.ListFormat(t.language).format(invitation.sites),
        );
  return (
    <StagePage title={known ? t.invited.newPassword : t.invited.title} lead={lead}>
      <form class="form" onSubmit={submit}>
        {error !== null && field === null && <FormError text={problemText(error)} />}
        <Field
          label={t.signIn.login}
          value={login}
          onValue={setLogin}
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          readOnly={known}
          first={!known}
          error={field === "login" ? problemText(error) : undefined}
        />
        <Field
          label={t.signIn.password}
          type="password"
          value={password}
          onValue={setPassword}
          autocomplete="new-password"
          minLength={PASSWORD_CHARACTERS_MIN}
          required
          first={known}
          hint={t.invited.passwordHint}
          error={field === "password" ? problemText(error) : undefined}
        />
        {!known && (
          <Field
            label={t.invited.displayName}
            value={displayName}
            onValue={setDisplayName}
            autocomplete="nickname"
            maxLength={NAME_CHARACTERS_MAX}
            required
            hint={t.invited.displayNameHint}
            error={field === "display_name" ? problemText(error) : undefined}
          />
        )}
        <Button kind="primary" type="submit" class="wide" aria-busy={busy}>
          {submitText(t, known, busy)}
        </Button>
        <Button kind="quiet" class="wide" onClick={() => desk.leaveInvitation()}>
          {t.invited.toSignIn}
        </Button>
      </form>
    </StagePage>
  );
}

function submitText({ invited }: ReturnType<typeof texts>, known: boolean, busy: boolean): string {
  if (known) {
    return busy ? invited.settingPassword : invited.setPassword;
  }
  return busy ? invited.busy : invited.submit;
}

function errorField(error: unknown): string | null {
  const problem = problemIn(error);
  if (problem?.kind === "taken") return "login";
  return problem?.kind === "field" && ["login", "password", "display_name"].includes(problem.field)
    ? problem.field
    : null;
}
