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

  message: "Message",
  placeholder: "Write a message…",
  send: "Send",
  left: (characters) => `Characters left: ${characters}`,

  sending: "Sending…",
  sent: "Sent",
  failed: "Not sent",
  tryAgain: "Try again",
  typing: (name) => `${name} is typing…`,

  reconnecting: "Reconnecting…",
  keptUntilOnline: "Your messages are kept and sent once we are back.",
  unavailable: "Sorry, the chat isn’t available on this page.",
  noStorage: "Your browser keeps nothing: this conversation ends when you leave the page.",

  talkToHuman: "Talk to a human",
  humanAsked: "You asked for a human. The team knows.",
  waiting: "Waiting for a human",
  botFailed: "Sorry, our assistant couldn’t answer. A human can help you.",

  endConversation: "End conversation",
  ended: "The conversation has ended.",
  newConversation: "Start a new conversation",

  rate: "Rate this conversation",
  stars: (count) => (count === 1 ? "1 star" : `${count} stars`),
  comment: "Your comment",
  sendRating: "Send rating",
  thanks: "Thank you for your rating!",
};
