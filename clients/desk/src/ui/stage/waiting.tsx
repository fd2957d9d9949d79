import { texts } from "../../texts.ts";
import { attempt } from "../attempt.ts";
import { useDesk } from "../context.ts";
import { Button } from "../parts/button.tsx";
import { BareDialog } from "../parts/dialog.tsx";
import { LoaderCircle, RotateCcw } from "../parts/icons.ts";
import { StagePage } from "./page.tsx";
import { SignInForm } from "./sign-in.tsx";

/** Until it is known who is signed in. */
export function Loading() {
  return (
    <main class="stage stage-loading" aria-busy="true">
      <LoaderCircle class="spin" aria-hidden="true" />
      <h1 class="hidden">{texts().loading}</h1>
    </main>
  );
}

/** The engine does not answer. */
export function Unreachable() {
  const t = texts();
  const desk = useDesk();
  return (
    <StagePage title={t.unreachable.title} lead={t.unreachable.lead}>
      <Button kind="primary" class="wide" onClick={() => attempt(desk.retry())}>
        <RotateCcw aria-hidden="true" />
        {t.tryAgain}
      </Button>
    </StagePage>
  );
}

/** Somebody is signed in, but no site is theirs. */
export function NoSites() {
  const t = texts();
  const desk = useDesk();
  return (
    <StagePage title={t.noSites.title} lead={t.noSites.lead}>
      <Button class="wide" onClick={() => attempt(desk.signOut())}>
        {t.header.signOut}
      </Button>
    </StagePage>
  );
}

/** Over the desk, which stays as it is: what was composed is not lost. */
export function Expired() {
  const t = texts();
  const desk = useDesk();
  return (
    <BareDialog class="dialog-narrow" label={t.expired.title} firm onClose={() => {}}>
      <h2>{t.expired.title}</h2>
      <p class="dialog-lead">{t.expired.lead}</p>
      <SignInForm login={desk.account.value?.login ?? ""} />
    </BareDialog>
  );
}
