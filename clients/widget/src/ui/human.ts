import type { Chat } from "../model/chat.ts";
import { type Conversation, openChoices } from "../model/conversation.ts";

/** Whether asking for a human would change anything. */
export function canAskForHuman(conversation: Conversation): boolean {
  const { operator, waiting, closed } = conversation;
  return operator === undefined && !waiting && closed === undefined;
}

/** Whether the bot's own follow-ups offer a human already. */
export function choicesOfferHuman(conversation: Conversation): boolean {
  return openChoices(conversation).some((choice) => choice.action === "request_human");
}

/** Asks; what comes of it is told in the conversation. */
export function askForHuman(chat: Chat): void {
  // Without a connection it is asked once there is one; a refusal means that it was asked before.
  chat.requestHuman().catch(() => {});
}
