// What operators and bots connect with: a token, which may come from a function.

import { asError, type TokenSource } from "./connection.ts";
import type { ConnectParams } from "./protocol.ts";
import { Tokens } from "./tokens.ts";

type TokenFunction = () => Promise<string>;

/** What a token, or a function that is asked for one, adds to a connection. */
export function bearing(
  token: string | TokenFunction,
): [connect: Partial<ConnectParams>, tokens?: TokenSource] {
  return typeof token === "string" ? [{ token }] : [{}, source(token)];
}

function source(token: TokenFunction): TokenSource {
  return {
    around: (machine) => new Tokens(machine),
    ask(ask, feed) {
      // A function that throws at once fails like one whose promise does.
      new Promise<string>((resolve) => resolve(token())).then(
        (token) => feed({ kind: "token", ask, token }),
        (thrown) => feed({ kind: "token_failed", ask, error: asError(thrown, "no token: ") }),
      );
    },
  };
}
