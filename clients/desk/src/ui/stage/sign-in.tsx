import { useState } from "preact/hooks";
import { texts } from "../../texts.ts";
import { useDesk } from "../context.ts";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { CircleAlert } from "../parts/icons.ts";
import { problemText } from "../problem.ts";
import { StagePage } from "./page.tsx";

/** The page that one signs in on. */
export function SignIn() {
  const t = texts().signIn;
  const gone = useDesk().invitationGone.value;
  return (
    <StagePage title={t.title} lead={t.lead}>
      {gone && <FormError text={texts().invited.gone} />}
      <SignInForm />
    </StagePage>
  );
}

/** Login and password; also shown over the desk when the session has ended. */
export function SignInForm({ login: known = "" }: { login?: string }) {
  const t = texts().signIn;
  const desk = useDesk();
  const [login, setLogin] = useState(known);
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await desk.signIn(login.trim(), password);
    } catch (refused) {
      setError(problemText(refused));
      setBusy(false);
    }
  };

  return (
    <form class="form" onSubmit={submit}>
      {error !== null && <FormError text={error} />}
      <Field
        label={t.login}
        value={login}
        onValue={setLogin}
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
        first={known === ""}
      />
      <Field
        label={t.password}
        type="password"
        value={password}
        onValue={setPassword}
        autocomplete="current-password"
        required
        first={known !== ""}
      />
      <Button kind="primary" type="submit" class="wide" aria-busy={busy}>
        {busy ? t.busy : t.submit}
      </Button>
    </form>
  );
}

/** What went wrong with a form as a whole. */
export function FormError({ text }: { text: string }) {
  return (
    <p class="form-error" role="alert">
      <CircleAlert aria-hidden="true" />
      {text}
    </p>
  );
}
