/** The engine's HTTP API for the desk: who is signed in, tokens, invitations. */

import type { Rank } from "@vigie/client";
import { HTTP_TIMEOUT_MS } from "./bounds.ts";
import type { AcceptForm, Account, ApiProblem, Invitation, InvitationLink } from "./types.ts";

/** A request to the HTTP API that was refused or not answered. */
export class ApiError extends Error {
  readonly problem: ApiProblem;

  constructor(problem: ApiProblem) {
    super(problem.kind === "other" || problem.kind === "field" ? problem.message : problem.kind);
    this.name = "ApiError";
    this.problem = problem;
  }
}

/** Who is signed in, and where they may work. */
export interface Me {
  readonly account: Account;
  readonly expires: number;
  readonly sites: readonly SiteGrant[];
}

/** A site that the account may work on. */
export interface SiteGrant {
  readonly site: string;
  readonly key: string;
  readonly name: string;
  readonly rank: Rank;
  readonly display_name: string;
  readonly language: string;
}

/** Speaks to the API of one engine. */
export class Http {
  readonly #origin: string;
  readonly #fetch: typeof fetch;

  constructor(origin: string, fetcher: typeof fetch) {
    this.#origin = origin;
    this.#fetch = fetcher;
  }

  me(): Promise<Me> {
    return this.#ask("GET", "/v1/me");
  }

  signIn(login: string, password: string): Promise<Me> {
    return this.#ask("POST", "/v1/sign-in", { login, password }, { 401: { kind: "wrong" } });
  }

  signOut(): Promise<void> {
    return this.#ask("POST", "/v1/sign-out", {});
  }

  token(site: string): Promise<{ token: string; expires: number }> {
    return this.#ask("POST", "/v1/token", { site });
  }

  displayName(site: string, name: string): Promise<{ display_name: string }> {
    return this.#ask("POST", "/v1/display-name", { site, display_name: name });
  }

  async invitation(code: string): Promise<Invitation> {
    const path = `/v1/invitations/${encodeURIComponent(code)}`;
    const found = await this.#ask<Omit<Invitation, "code">>("GET", path);
    const { rank, sites, expires, login } = found;
    return { code, rank, sites, expires, ...(login === undefined ? {} : { login }) };
  }

  accept(code: string, form: AcceptForm): Promise<Me> {
    return this.#ask("POST", "/v1/invitations/accept", {
      invitation: code,
      login: form.login,
      password: form.password,
      display_name: form.displayName,
    });
  }

  invite(site: string, rank: Rank): Promise<InvitationLink> {
    return this.#ask("POST", "/v1/invitations", { site, rank });
  }

  async #ask<Answer>(
    method: "GET" | "POST",
    path: string,
    body?: object,
    problems: Readonly<Record<number, ApiProblem>> = {},
  ): Promise<Answer> {
    const answer = await this.#send(method, path, body);
    const text = await answer.text().catch(() => "");
    if (!answer.ok) {
      throw new ApiError(problems[answer.status] ?? problemOf(answer.status, read(text)));
    }
    if (answer.status === 204) {
      return undefined as Answer;
    }
    const content = read(text);
    if (content === undefined) {
      throw new ApiError({ kind: "other", status: answer.status, message: "not the engine's API" });
    }
    return content as Answer;
  }

  async #send(method: string, path: string, body: object | undefined): Promise<Response> {
    const fetcher = this.#fetch;
    try {
      return await fetcher(`${this.#origin}${path}`, {
        method,
        credentials: "same-origin",
        cache: "no-store",
        signal: AbortSignal.timeout(HTTP_TIMEOUT_MS),
        headers: body === undefined ? {} : { "Content-Type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
      });
    } catch {
      throw new ApiError({ kind: "unreachable" });
    }
  }
}

/** What an error is about; a problem of another kind than that of the API is given back as it is. */
export function problemIn(error: unknown): ApiProblem | undefined {
  return error instanceof ApiError ? error.problem : undefined;
}

interface ErrorBody {
  readonly message?: string;
  readonly data?: { readonly retry_after?: number; readonly field?: string };
}

function problemOf(status: number, content: unknown): ApiProblem {
  const body = errorIn(content);
  const message = body.message ?? `status ${status}`;
  switch (status) {
    case 401:
      return { kind: "expired" };
    case 403:
      return { kind: "forbidden" };
    case 404:
      return { kind: "gone" };
    case 409:
      return { kind: "taken" };
    case 422:
      return { kind: "field", field: body.data?.field ?? "", message };
    case 429:
      return { kind: "slow-down", retryAfter: body.data?.retry_after ?? 1 };
    case 502:
    case 503:
    case 504:
      return { kind: "unreachable" };
    default:
      return { kind: "other", status, message };
  }
}

/** The engine wraps the errors of some of its addresses in `error`. */
function errorIn(content: unknown): ErrorBody {
  const { error } = (content ?? {}) as { error?: ErrorBody };
  return error ?? ((content ?? {}) as ErrorBody);
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
