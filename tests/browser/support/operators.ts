// Accounts: the first admin takes the printed link, others are invited by them.

import { type APIRequestContext, expect } from "@playwright/test";
import type { Engine } from "./engine.ts";

export const PASSWORD = "a long enough word";

export interface Person {
  login: string;
  name: string;
  rank?: "agent" | "supervisor" | "admin";
}

/** The operators of one engine. */
export class Operators {
  readonly #engine: Engine;
  #admin: APIRequestContext | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Makes an account; `request` carries its cookie from then on. The first one is an admin. */
  async signUp(request: APIRequestContext, { login, name, rank = "agent" }: Person): Promise<void> {
    const invitation = this.#admin
      ? await this.#invite(this.#admin, rank)
      : await this.#engine.firstInvitation();
    await this.#post(request, "/v1/invitations/accept", {
      invitation,
      login,
      password: PASSWORD,
      display_name: name,
    });
    this.#admin ??= request;
  }

  async #invite(admin: APIRequestContext, rank: string): Promise<string> {
    const made = await this.#post(admin, "/v1/invitations", { site: "demo", rank });
    const code = (made as { link: string }).link.split("#invitation=")[1];
    expect(code, "the invitation's link has a code").toBeTruthy();
    return code as string;
  }

  async #post(request: APIRequestContext, path: string, data: object): Promise<unknown> {
    const origin = this.#engine.desk.url;
    const response = await request.post(origin + path, { data, headers: { Origin: origin } });
    expect(response.status(), `${path}: ${await response.text()}`).toBe(200);
    return await response.json();
  }
}
