import type { Texts } from "./texts.ts";

export const en: Texts = {
  tag: "en",
  chat: "Chat",
  openChat: "Open chat",
  closeChat: "Close chat",
  unread: (count) => `${count} unread`,
  options: "Options",

  assistant: "AI assistant",
  liveAgent: "Live agent",
  you: "You",
  greeting: "Hello! How can we help?",
  privacy: "An AI assistant answers first. You can ask for a human at any time.",

  message: "Message",
  placeholder: "Write a message…",
  send: "Send",
  left: (characters) => `Characters left: ${characters}`,
  tooMany: "Too many messages are waiting to be sent. Please wait until we are connected again.",

  sending: "Sending…",
  sent: "Sent",
  failed: "Not sent",
  tryAgain: "Try again",
  typing: "is typing",
  newMessages: "New messages",

  reconnecting: "Reconnecting…",
  keptUntilOnline: "Keep writing: your messages are kept and sent once we are back.",
  tryNow: "Try now",
  unavailable: "Sorry, the chat isn’t available on this page right now.",
  noStorage:
    "Your browser keeps nothing for this page, so this conversation ends when you leave it.",

  talkToHuman: "Talk to a human",
  humanAsked: "You asked for a human. We have let the team know.",
  waiting: "Waiting for a human",
  botFailed: "Sorry, our assistant couldn’t answer that. A human can help you.",

  endConversation: "End conversation",
  endedByYou: "You ended the conversation.",
  ended: "The conversation has ended.",
  newConversation: "Start a new conversation",

  rate: "Rate this conversation",
  stars: (count) => (count === 1 ? "1 star" : `${count} stars`),
  comment: "Anything you would like to add?",
  sendRating: "Send rating",
  thanks: "Thank you for your rating!",
};
