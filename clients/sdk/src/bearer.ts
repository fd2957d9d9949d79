// What operators and bots have in common: a token, which may come from a function.

import { Base, type ClientOptions, type Settled } from "./client.ts";
import { asError, type TokenSource } from "./connection.ts";
import { Tokens } from "./tokens.ts";

type TokenFunction = () => Promise<string>;

/** A client with a token. */
export abstract class Bearer extends Base {
  readonly #renews: boolean;

  constructor(options: Settled<ClientOptions & { token: string | TokenFunction }>) {
    const { token } = options;
    const renews = typeof token === "function";
    super(options, renews ? {} : { token }, renews ? source(token) : undefined);
    this.#renews = renews;
  }

  override refreshToken(): Promise<void> {
    if (!this.#renews) {
      return super.refreshToken();
    }
    return new Promise((resolve, reject) => {
      const call = this.connection.expect(({ error }) => (error ? reject(error) : resolve()));
      this.connection.feed({ kind: "refresh", call });
    });
  }
}

function source(token: TokenFunction): TokenSource {
  return {
    around: (machine) => new Tokens(machine),
    ask(ask, feed) {
      // A function that throws at once fails like one whose promise does.
      const asked = new Promise<string>((resolve) => resolve(token()));
      asked.then(
        (token) => feed({ kind: "token", ask, token }),
        (thrown: unknown) =>
          feed({ kind: "token_failed", ask, error: asError(thrown, "no token: ") }),
      );
    },
  };
}
