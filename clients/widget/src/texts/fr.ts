import type { Texts } from "./texts.ts";

export const fr: Texts = {
  tag: "fr",
  chat: "Discussion",
  openChat: "Ouvrir la discussion",
  closeChat: "Fermer la discussion",
  unread: (count) => (count < 2 ? `${count} non lu` : `${count} non lus`),
  options: "Options",

  assistant: "Assistant IA",
  liveAgent: "Conseiller en direct",
  you: "Vous",
  greeting: "Bonjour ! Comment pouvons-nous vous aider ?",

  message: "Message",
  placeholder: "Écrivez un message…",
  send: "Envoyer",
  left: (characters) => `Caractères restants : ${characters}`,

  sending: "Envoi…",
  sent: "Envoyé",
  failed: "Non envoyé",
  tryAgain: "Réessayer",
  typing: (name) => `${name} écrit…`,

  reconnecting: "Reconnexion…",
  keptUntilOnline: "Vos messages sont gardés et partiront dès le retour.",
  unavailable: "Désolé, la discussion n’est pas disponible sur cette page.",
  noStorage:
    "Votre navigateur ne garde rien : cette conversation finit quand vous quittez la page.",

  talkToHuman: "Parler à quelqu’un",
  humanAsked: "Vous avez demandé à parler à quelqu’un. L’équipe est prévenue.",
  waiting: "Un conseiller va vous répondre",
  botFailed: "Désolé, notre assistant n’a pas pu répondre. L’équipe peut vous aider.",

  endConversation: "Terminer la conversation",
  ended: "La conversation est terminée.",
  newConversation: "Nouvelle conversation",

  rate: "Noter cette conversation",
  stars: (count) => (count === 1 ? "1 étoile" : `${count} étoiles`),
  comment: "Votre commentaire",
  sendRating: "Envoyer la note",
  thanks: "Merci pour votre note !",
};
