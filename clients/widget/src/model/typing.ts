/** The least time between two signals that the visitor is typing. Milliseconds. */
export const TYPING_EVERY = 1000;

/** Sends what the visitor has typed so far: at once, then the latest at most every second. */
export class TypingSignals {
  readonly #send: (text: string) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #latest: string | undefined;

  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  typed(text: string): void {
    if (this.#timer !== undefined) {
      this.#latest = text;
      return;
    }
    this.#send(text);
    this.#wait();
  }

  /** The message is sent: nothing that was typed before it is signalled after it. */
  stop(): void {
    this.#latest = undefined;
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#latest !== undefined) {
        this.#send(this.#latest);
        this.#latest = undefined;
        this.#wait();
      }
    }, TYPING_EVERY);
  }
}
