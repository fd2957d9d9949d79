import type { Texts } from "./texts.ts";

/** Latvian counts 1, 21, 31 … in the singular, but not 11. */
const one = (count: number) => count % 10 === 1 && count % 100 !== 11;

export const lv: Texts = {
  tag: "lv",
  chat: "Saruna",
  openChat: "Atvērt sarunu",
  closeChat: "Aizvērt sarunu",
  unread: (count) => (one(count) ? `${count} nelasīta` : `${count} nelasītas`),
  options: "Iespējas",

  assistant: "MI asistents",
  liveAgent: "Konsultants tiešsaistē",
  you: "Jūs",
  greeting: "Sveiki! Kā varam palīdzēt?",

  message: "Ziņa",
  placeholder: "Rakstiet ziņu…",
  send: "Sūtīt",
  left: (characters) => `Atlikušas rakstzīmes: ${characters}`,

  sending: "Sūta…",
  sent: "Nosūtīta",
  failed: "Nav nosūtīta",
  tryAgain: "Mēģināt vēlreiz",
  typing: (name) => `${name} raksta…`,

  reconnecting: "Atjauno savienojumu…",
  keptUntilOnline: "Jūsu ziņas ir saglabātas un tiks nosūtītas.",
  unavailable: "Diemžēl saruna šajā lapā nav pieejama.",
  noStorage: "Jūsu pārlūks neko nesaglabā: saruna beigsies, kad aizvērsiet lapu.",

  talkToHuman: "Runāt ar cilvēku",
  humanAsked: "Jūs lūdzāt sarunu ar cilvēku. Kolēģi jau zina.",
  waiting: "Drīz atbildēs cilvēks",
  botFailed: "Diemžēl mūsu asistents nevarēja atbildēt. Jums var palīdzēt cilvēks.",

  endConversation: "Beigt sarunu",
  ended: "Saruna ir beigusies.",
  newConversation: "Sākt jaunu sarunu",

  rate: "Novērtējiet šo sarunu",
  stars: (count) => (one(count) ? `${count} zvaigzne` : `${count} zvaigznes`),
  comment: "Jūsu komentārs",
  sendRating: "Sūtīt vērtējumu",
  thanks: "Paldies par vērtējumu!",
};
