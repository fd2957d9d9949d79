import { useEffect, useRef } from "preact/hooks";
import type { Conversation } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { attempt } from "../attempt.ts";
import { now, tick } from "../clock.ts";
import { Button, IconButton } from "../parts/button.tsx";
import { CircleAlert, MessageSquare, X } from "../parts/icons.ts";
import { dialog } from "../state.ts";
import { useAbilities } from "./head.tsx";
import { refusalText } from "./refusal.ts";

/** What stands between the operator and what they wanted to do, right above the composer. */
export function Notices({ conversation }: { conversation: Conversation }) {
  return (
    <>
      <RefusalNotice conversation={conversation} />
      <UnseenNotice conversation={conversation} />
    </>
  );
}

function RefusalNotice({ conversation }: { conversation: Conversation }) {
  const refusal = conversation.refusal.value;
  const may = useAbilities(conversation);
  useEffect(tick, []);
  return (
    <div role="alert" class="notice-place">
      {refusal !== null && (
        <div class="notice notice-danger">
          <CircleAlert aria-hidden="true" />
          <p>{refusalText(refusal, now.value)}</p>
          {refusal.kind === "held" && may.force && (
            <Button
              onClick={() => {
                dialog.value = { kind: "force", conversation };
              }}
            >
              {texts().refused.override}
            </Button>
          )}
          <IconButton label={texts().refused.dismiss} onClick={() => conversation.dismiss()}>
            <X aria-hidden="true" />
          </IconButton>
        </div>
      )}
    </div>
  );
}

function UnseenNotice({ conversation }: { conversation: Conversation }) {
  const t = texts().unseen;
  const unseen = conversation.unseen.value;
  const review = useRef<HTMLButtonElement>(null);
  const key = unseen?.key;
  useEffect(() => {
    if (key !== undefined) review.current?.focus();
  }, [key]);
  if (unseen === null) return null;
  const title = t.title(unseen.count);
  return (
    <div
      class="notice notice-warn"
      role="alertdialog"
      aria-label={title}
      aria-describedby="unseen-lead"
    >
      <MessageSquare aria-hidden="true" />
      <div class="notice-text">
        <p>
          <strong>{title}</strong>
        </p>
        <p id="unseen-lead">{t.lead}</p>
      </div>
      <Button
        elementRef={review}
        onClick={() => {
          conversation.discard(unseen.key);
          document.querySelector<HTMLElement>("[data-composer]")?.focus();
        }}
      >
        {t.review}
      </Button>
      <Button kind="primary" onClick={() => attempt(conversation.send({ confirm: true }))}>
        {t.sendAnyway}
      </Button>
    </div>
  );
}
