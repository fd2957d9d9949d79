import type { Texts } from "./texts.ts";

export const fr: Texts = {
  tag: "fr",
  chat: "Discussion",
  openChat: "Ouvrir la discussion",
  closeChat: "Fermer la discussion",
  unread: (count) => (count < 2 ? `${count} non lu` : `${count} non lus`),
  options: "Options",
  conversation: "Conversation",

  assistant: "Assistant IA",
  liveAgent: "Conseiller en direct",
  team: "Notre équipe",
  you: "Vous",
  greeting: "Bonjour ! Comment pouvons-nous vous aider ?",
  privacy:
    "Un assistant IA vous répond d’abord. Vous pouvez demander à parler à quelqu’un à tout moment.",

  message: "Message",
  placeholder: "Écrivez un message…",
  send: "Envoyer",
  left: (characters) => `Encore ${characters} caractères`,
  tooLong: (characters) => `Trop long de ${characters} caractères`,
  tooMany: "Trop de messages attendent d’être envoyés. Patientez jusqu’au retour de la connexion.",

  sending: "Envoi…",
  sent: "Envoyé",
  failed: "Non envoyé",
  tryAgain: "Réessayer",
  typing: (name) => `${name} écrit`,
  newMessages: "Nouveaux messages",
  today: "Aujourd’hui",
  yesterday: "Hier",

  connecting: "Connexion…",
  reconnecting: "Reconnexion…",
  keptUntilOnline: "Continuez à écrire : vos messages sont gardés et partiront dès le retour.",
  tryNow: "Réessayer maintenant",
  unavailable: "Désolé, la discussion n’est pas disponible sur cette page pour l’instant.",
  noStorage:
    "Votre navigateur ne garde rien pour cette page : la conversation prendra fin à votre départ.",

  talkToHuman: "Parler à quelqu’un",
  humanAsked: "Vous avez demandé à parler à quelqu’un. L’équipe est prévenue.",
  waiting: "Un conseiller va vous répondre",
  waitingHint: "Vous pouvez continuer à écrire.",
  botFailed: "Désolé, notre assistant n’a pas pu répondre. Quelqu’un de l’équipe peut vous aider.",
  taken: (name) => `${name} a rejoint la conversation.`,
  handedBack: "Notre assistant vous répond de nouveau.",

  endConversation: "Terminer la conversation",
  endedByYou: "Vous avez terminé la conversation.",
  endedByUs: "La conversation est terminée.",
  endedByTime: "La conversation s’est terminée après une longue absence.",
  newConversation: "Nouvelle conversation",

  rate: "Noter cette conversation",
  rateQuestion: "Comment était-ce ?",
  stars: (count) => (count === 1 ? "1 étoile" : `${count} étoiles`),
  comment: "Souhaitez-vous ajouter quelque chose ?",
  sendRating: "Envoyer la note",
  thanks: "Merci pour votre avis !",
  rateFailed: "Votre note n’a pas pu être envoyée. Veuillez réessayer.",
};
