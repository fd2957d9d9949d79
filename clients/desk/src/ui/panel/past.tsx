import { useSignal } from "@preact/signals";
import type { PastSession } from "@vigie/client";
import { useEffect, useMemo } from "preact/hooks";
import type { Conversation, ThreadItem } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { attempt } from "../attempt.ts";
import { now } from "../clock.ts";
import { useSite } from "../context.ts";
import { Item } from "../conversation/items.tsx";
import { threadRows } from "../conversation/rows.ts";
import { day, moment } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { LoaderCircle } from "../parts/icons.ts";
import { FormError } from "../stage/sign-in.tsx";
import { dialog } from "../state.ts";
import { Rating } from "./panel.tsx";

/** The same visitor's other conversations: the last three, then all of them. */
export function PastConversations({ conversation }: { conversation: Conversation }) {
  const t = texts().panel;
  const { past } = conversation;
  const online = useSite().connection.value.kind === "online";
  useEffect(() => {
    if (online && past.state.peek() === "idle") attempt(past.load());
  }, [past, online]);
  const state = past.state.value;
  const sessions = past.sessions.value;
  return (
    <>
      {state === "loaded" && sessions.length === 0 && <p class="muted">{t.pastNone}</p>}
      <ul class="past">
        {sessions.map((session) => (
          <PastLine key={session.session} conversation={conversation} past={session} />
        ))}
      </ul>
      {state === "loading" && <div class="bone" role="status" aria-label={texts().loading} />}
      {state === "failed" && (
        <p class="muted">
          {t.pastFailed}{" "}
          <Button kind="quiet" class="small" onClick={() => attempt(past.load())}>
            {texts().tryAgain}
          </Button>
        </p>
      )}
      {past.more.value && state !== "loading" && (
        <Button kind="quiet" class="small" onClick={() => attempt(past.loadMore())}>
          {t.pastMore}
        </Button>
      )}
    </>
  );
}

function PastLine({ conversation, past }: { conversation: Conversation; past: PastSession }) {
  const t = texts().panel;
  const when = moment(past.started);
  return (
    <li>
      <button
        type="button"
        class="past-line"
        onClick={() => {
          dialog.value = { kind: "past", conversation, session: past.session };
        }}
      >
        <span class="past-when">
          <strong>{when}</strong>
          <span class="muted">{t.pastMessages(past.messages)}</span>
        </span>
        {past.last !== undefined && <span class="past-last cut">{past.last.text}</span>}
        {past.rating !== undefined && <Rating score={past.rating.score} />}
      </button>
    </li>
  );
}

/** What was said in an earlier conversation. */
export function PastDialog({
  conversation,
  session,
}: {
  conversation: Conversation;
  session: string;
}) {
  const t = texts();
  const items = useSignal<readonly ThreadItem[] | "failed" | null>(null);
  useEffect(() => {
    conversation.past.thread(session).then(
      (thread) => {
        items.value = thread;
      },
      () => {
        items.value = "failed";
      },
    );
  }, [conversation, session, items]);
  const started = conversation.past.sessions.value.find(
    (past) => past.session === session,
  )?.started;
  const found = items.value;
  const rows = useMemo(() => (Array.isArray(found) ? threadRows(found) : []), [found]);
  return (
    <Dialog
      class="dialog-wide"
      title={started === undefined ? t.panel.past : t.panel.pastTitle(moment(started))}
    >
      <section
        class="past-thread"
        aria-label={t.conversation.log}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no pointer scrolls it by keys.
        tabIndex={0}
      >
        {found === null && (
          <p class="thread-note">
            <LoaderCircle class="spin" aria-hidden="true" />
            {t.conversation.loading}
          </p>
        )}
        {found === "failed" && <FormError text={t.panel.pastFailed} />}
        {rows.map((row) =>
          row.kind === "day" ? (
            <p key={row.key} class="day-line">
              <span>{day(row.time, now.value)}</span>
            </p>
          ) : (
            <Item key={row.key} item={row.item} joined={row.joined} />
          ),
        )}
      </section>
    </Dialog>
  );
}
