import { useSignal } from "@preact/signals";
import type { OperatorCard } from "@vigie/client";
import { useEffect, useState } from "preact/hooks";
import type { Conversation } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { attempt } from "../attempt.ts";
import { useSite } from "../context.ts";
import { initial } from "../header/header.tsx";
import { Button } from "../parts/button.tsx";
import { closeDialog, Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { LoaderCircle } from "../parts/icons.ts";
import { FormError } from "../stage/sign-in.tsx";

const REASON_CHARACTERS_MAX = 200;

/** For supervisors: takes a conversation from an operator, for themselves or for the bot. */
export function ReasonDialog({
  conversation,
  revoke,
}: {
  conversation: Conversation;
  revoke: boolean;
}) {
  const t = texts();
  const [reason, setReason] = useState("");
  const holder = conversation.control.value?.holder;
  const name = holder?.kind === "operator" ? holder.name : t.bot;
  const submit = (event: Event) => {
    event.preventDefault();
    const why = reason.trim();
    if (why === "") return;
    closeDialog();
    attempt(
      revoke ? conversation.revoke(why) : conversation.takeOver({ force: true, reason: why }),
    );
  };
  return (
    <Dialog
      class="dialog-narrow"
      title={revoke ? t.force.revokeTitle : t.force.title}
      lead={revoke ? t.force.revokeLead(name) : t.force.lead(name)}
    >
      <form class="form" onSubmit={submit}>
        <Field
          label={t.force.reason}
          value={reason}
          onValue={setReason}
          maxLength={REASON_CHARACTERS_MAX}
          autocomplete="off"
          required
          first
        />
        <div class="dialog-actions">
          <Button onClick={closeDialog}>{t.cancel}</Button>
          <Button kind="danger" type="submit" disabled={reason.trim() === ""}>
            {revoke ? t.force.revoke : t.force.submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Hands a conversation to a colleague. */
export function TransferDialog({ conversation }: { conversation: Conversation }) {
  const t = texts();
  const site = useSite();
  const operators = useSignal<readonly OperatorCard[] | "failed" | null>(null);
  const [to, setTo] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  useEffect(() => {
    site.operators().then(
      (cards) => {
        operators.value = cards.filter((card) => card.id !== site.operator.peek());
      },
      () => {
        operators.value = "failed";
      },
    );
  }, [site, operators]);

  const submit = (event: Event) => {
    event.preventDefault();
    if (to === null) return;
    closeDialog();
    attempt(conversation.transfer(to, reason.trim() === "" ? undefined : reason.trim()));
  };
  const cards = operators.value;
  return (
    <Dialog class="dialog-narrow" title={t.transfer.title} lead={t.transfer.lead}>
      <form class="form" onSubmit={submit}>
        {cards === null ? (
          <p class="thread-note">
            <LoaderCircle class="spin" aria-hidden="true" />
            {t.loading}
          </p>
        ) : cards === "failed" ? (
          <FormError text={t.transfer.failed} />
        ) : (
          <>
            {!cards.some(reachable) && <p class="muted">{t.transfer.nobody}</p>}
            <fieldset class="choices-list">
              <legend class="hidden">{t.transfer.title}</legend>
              {[...cards].sort(byReach).map((card) => (
                <label
                  key={card.id}
                  class={reachable(card) ? "choice-line" : "choice-line choice-off"}
                >
                  <input
                    type="radio"
                    name="to"
                    disabled={!reachable(card)}
                    checked={to === card.id}
                    onChange={() => setTo(card.id)}
                  />
                  <span class="avatar" aria-hidden="true">
                    {initial(card.name)}
                  </span>
                  <span class="choice-name">{card.name}</span>
                  <span class="choice-hint">{reach(card)}</span>
                </label>
              ))}
            </fieldset>
            <Field
              label={t.transfer.reason}
              value={reason}
              onValue={setReason}
              maxLength={REASON_CHARACTERS_MAX}
              autocomplete="off"
            />
          </>
        )}
        <div class="dialog-actions">
          <Button onClick={closeDialog}>{t.cancel}</Button>
          <Button kind="primary" type="submit" disabled={to === null}>
            {t.transfer.submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Asks before nothing more can be said. */
export function CloseDialog({ conversation }: { conversation: Conversation }) {
  const t = texts();
  return (
    <Dialog class="dialog-narrow" title={t.closing.title} lead={t.closing.lead}>
      <div class="dialog-actions">
        <Button onClick={closeDialog} data-autofocus>
          {t.cancel}
        </Button>
        <Button
          kind="danger"
          onClick={() => {
            closeDialog();
            attempt(conversation.closeSession());
          }}
        >
          {t.closing.submit}
        </Button>
      </div>
    </Dialog>
  );
}

function reachable(card: OperatorCard): boolean {
  return card.connected && card.intent === "available";
}

function byReach(one: OperatorCard, other: OperatorCard): number {
  return Number(reachable(other)) - Number(reachable(one)) || one.sessions - other.sessions;
}

function reach(card: OperatorCard): string {
  const t = texts().transfer;
  if (!card.connected) return t.notConnected;
  return card.intent === "available" ? t.sessions(card.sessions) : t.away;
}
