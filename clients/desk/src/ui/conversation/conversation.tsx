import type { Conversation } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { Composer } from "./composer.tsx";
import { ConversationHead } from "./head.tsx";
import { Notices } from "./notices.tsx";
import { CONVERSATION_ID, Tabs } from "./tabs.tsx";
import { Thread } from "./thread.tsx";

/** The open conversations, and the one that is shown. */
export function ConversationPane({ conversation }: { conversation: Conversation }) {
  return (
    <main class="centre" id="main" tabIndex={-1}>
      <Tabs />
      <section
        key={conversation.session}
        id={CONVERSATION_ID}
        class="conversation"
        aria-label={texts().conversation.name}
      >
        <ConversationHead conversation={conversation} />
        <Thread conversation={conversation} />
        <Notices conversation={conversation} />
        <Composer conversation={conversation} />
      </section>
    </main>
  );
}
