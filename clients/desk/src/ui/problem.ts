/** What a refused request of the HTTP API means, in words. */

import { problemIn } from "../model/http.ts";
import { texts } from "../texts.ts";

/** The sentence for it. */
export function problemText(error: unknown): string {
  const t = texts();
  const problem = problemIn(error);
  switch (problem?.kind) {
    case "wrong":
      return t.signIn.wrong;
    case "slow-down":
      return t.signIn.tooMany(problem.retryAfter);
    case "expired":
      return t.expired.title;
    case "forbidden":
      return t.refused.forbidden;
    case "gone":
      return t.invited.gone;
    case "taken":
      return t.invited.loginTaken;
    case "unreachable":
      return t.unreachable.title;
    case "field":
    case "other":
      return problem.message === "" ? t.somethingFailed : problem.message;
    case undefined:
      return error instanceof Error && error.message !== "" ? error.message : t.somethingFailed;
  }
}
