import type { Texts } from "./texts.ts";

export const en: Texts = {
  tag: "en",
  chat: "Chat",
  openChat: "Open chat",
  closeChat: "Close chat",
  unread: (count) => `${count} unread`,
  options: "Options",
  conversation: "Conversation",

  assistant: "AI assistant",
  liveAgent: "Live agent",
  team: "Our team",
  you: "You",
  greeting: "Hello! How can we help?",
  privacy: "An AI assistant answers first. You can ask for a human at any time.",

  message: "Message",
  placeholder: "Write a message…",
  send: "Send",
  left: (characters) => `${characters} characters left`,
  tooLong: (characters) => `Too long by ${characters} characters`,
  tooMany: "Too many messages are waiting to be sent. Please wait until we are connected again.",

  sending: "Sending…",
  sent: "Sent",
  failed: "Not sent",
  tryAgain: "Try again",
  typing: (name) => `${name} is typing`,
  newMessages: "New messages",
  today: "Today",
  yesterday: "Yesterday",

  connecting: "Connecting…",
  reconnecting: "Reconnecting…",
  keptUntilOnline: "Keep writing: your messages are kept and sent once we are back.",
  tryNow: "Try now",
  unavailable: "Sorry, the chat isn’t available on this page right now.",
  noStorage:
    "Your browser keeps nothing for this page, so this conversation ends when you leave it.",

  talkToHuman: "Talk to a human",
  humanAsked: "You asked for a human. We have let the team know.",
  waiting: "Waiting for a human",
  waitingHint: "You can keep writing meanwhile.",
  botFailed: "Sorry, our assistant couldn’t answer that. A human can help you.",
  taken: (name) => `${name} has joined the conversation.`,
  handedBack: "Our assistant answers you again.",

  endConversation: "End conversation",
  endedByYou: "You ended the conversation.",
  endedByUs: "The conversation has ended.",
  endedByTime: "The conversation has ended because it was quiet for a long time.",
  newConversation: "Start a new conversation",

  rate: "Rate this conversation",
  rateQuestion: "How did we do?",
  stars: (count) => (count === 1 ? "1 star" : `${count} stars`),
  comment: "Anything you would like to add?",
  sendRating: "Send rating",
  thanks: "Thank you for your rating!",
  rateFailed: "Your rating could not be sent. Please try again.",
};
