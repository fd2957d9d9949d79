import type { Chat } from "../model/chat.ts";
import { openChoices } from "../model/conversation.ts";

/** Whether asking for a human would change anything. */
export function mayAskForHuman({ conversation, reach }: Chat): boolean {
  const { operator, waiting, closed } = conversation.value;
  return operator === undefined && !waiting && !closed && reach.value !== "refused";
}

/** Whether to offer it: not if the bot's own follow-ups do. */
export function offersHuman(chat: Chat): boolean {
  const choices = openChoices(chat.conversation.value);
  return mayAskForHuman(chat) && !choices.some(({ action }) => action === "request_human");
}

/** Asks; what comes of it is told in the conversation. */
export function askForHuman(chat: Chat): void {
  chat.requestHuman();
}
