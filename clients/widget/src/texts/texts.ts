/** Every text that the widget shows of its own; one file per language, the same keys in each. */
export interface Texts {
  /** The language's own tag, for `lang` and `Intl`. */
  readonly tag: string;
  readonly chat: string;
  readonly openChat: string;
  readonly closeChat: string;
  readonly unread: (count: number) => string;
  readonly options: string;

  readonly assistant: string;
  readonly liveAgent: string;
  readonly you: string;
  readonly greeting: string;

  readonly message: string;
  readonly placeholder: string;
  readonly send: string;
  readonly left: (characters: number) => string;

  readonly sending: string;
  readonly sent: string;
  readonly failed: string;
  readonly tryAgain: string;
  readonly typing: (name: string) => string;

  readonly reconnecting: string;
  readonly keptUntilOnline: string;
  readonly unavailable: string;
  readonly noStorage: string;

  readonly talkToHuman: string;
  readonly humanAsked: string;
  readonly waiting: string;
  readonly botFailed: string;

  readonly endConversation: string;
  readonly ended: string;
  readonly newConversation: string;

  readonly rate: string;
  readonly stars: (count: number) => string;
  readonly comment: string;
  readonly sendRating: string;
  readonly thanks: string;
}
