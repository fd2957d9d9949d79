/** What a refused request of the HTTP API means, in words. */

import type { ApiProblem } from "../model/types.ts";
import { texts } from "../texts.ts";

/** What went wrong, when it was the HTTP API that said so. */
export function problemOf(error: unknown): ApiProblem | null {
  if (typeof error !== "object" || error === null || !("problem" in error)) return null;
  return error.problem as ApiProblem;
}

/** The sentence for it. */
export function problemText(error: unknown): string {
  const t = texts();
  const problem = problemOf(error);
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
