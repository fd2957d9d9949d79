/** The desk: who is signed in, which sites they have, which of them is shown. */

import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { type Rank, VigieError } from "@vigie/client";
import { RETRY_FIRST_MS, RETRY_MAX_MS, SITES_CONNECTED_MAX } from "./bounds.ts";
import { Http, type Me, problemIn } from "./http.ts";
import { Ringer } from "./notifications.ts";
import { openPreferences } from "./preferences.ts";
import { ConnectedSite } from "./site.ts";
import { titleOf } from "./title.ts";
import type {
  AcceptForm,
  Account,
  Desk,
  Invitation,
  InvitationLink,
  Notifications,
  Ports,
  Preferences,
  SiteDesk,
  Stage,
} from "./types.ts";

/** Tells a browser's other tabs that somebody else is signed in, or nobody. */
const SIGNED_IN = "vigie.desk.signed-in";

/** The site that was shown last. */
const SITE = "vigie.desk.site.";

/** The desk behind these ports; `start` opens it. */
export function createDesk(ports: Ports): Desk {
  return new TheDesk(ports);
}

class TheDesk implements Desk {
  readonly preferences: Preferences;
  readonly title: ReadonlySignal<string>;
  readonly #ports: Ports;
  readonly #http: Http;
  readonly #ringer: Ringer;
  readonly #stage = signal<Stage>("loading");
  readonly #account = signal<Account | null>(null);
  readonly #invitation = signal<Invitation | null>(null);
  readonly #invitationGone = signal(false);
  readonly #expired = signal(false);
  readonly #sites = signal<readonly ConnectedSite[]>([]);
  readonly #site = signal<ConnectedSite | null>(null);
  readonly #offs: (() => void)[] = [];
  #failures = 0;
  #cancelRetry: (() => void) | undefined;
  /** Who waits for somebody to sign in again. */
  #renewal: { readonly promise: Promise<void>; resolve(): void } | undefined;
  #stopped = false;

  constructor(ports: Ports) {
    this.#ports = ports;
    this.#http = new Http(ports.origin, ports.fetch);
    const { preferences, stop } = openPreferences(ports.local);
    this.preferences = preferences;
    this.#ringer = new Ringer(ports, preferences.notify);
    this.title = computed(() =>
      titleOf(
        this.#sites.value.reduce((sum, site) => sum + site.unread.value, 0),
        this.#site.value?.name,
      ),
    );
    this.#offs.push(
      stop,
      ports.local.changed((key, account) => {
        const known = this.#expired.value ? undefined : this.#account.value?.id;
        if (key === SIGNED_IN && account !== known) {
          void this.#lookAgain();
        }
      }),
    );
  }

  get stage(): ReadonlySignal<Stage> {
    return this.#stage;
  }

  get account(): ReadonlySignal<Account | null> {
    return this.#account;
  }

  get invitation(): ReadonlySignal<Invitation | null> {
    return this.#invitation;
  }

  get invitationGone(): ReadonlySignal<boolean> {
    return this.#invitationGone;
  }

  get expired(): ReadonlySignal<boolean> {
    return this.#expired;
  }

  get sites(): ReadonlySignal<readonly SiteDesk[]> {
    return this.#sites;
  }

  get site(): ReadonlySignal<SiteDesk | null> {
    return this.#site;
  }

  get notifications(): Notifications {
    return this.#ringer;
  }

  async start(): Promise<void> {
    const code = new URLSearchParams(this.#ports.address.fragment()).get("invitation");
    if (code !== null && code !== "") {
      this.#ports.address.clearFragment();
      await this.#readInvitation(code);
    } else {
      await this.#read();
    }
  }

  async retry(): Promise<void> {
    this.#cancelRetry?.();
    await this.#read();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#leave();
    this.#ringer.stop();
    this.#ports.leader.stop();
    for (const off of this.#offs) {
      off();
    }
  }

  async signIn(login: string, password: string): Promise<void> {
    this.#enter(await this.#http.signIn(login, password));
  }

  async accept(form: AcceptForm): Promise<void> {
    const code = this.#invitation.value?.code ?? "";
    this.#enter(await this.#http.accept(code, form));
  }

  leaveInvitation(): void {
    this.#invitation.value = null;
    void this.#read();
  }

  async signOut(): Promise<void> {
    try {
      await this.#http.signOut();
    } catch (error) {
      // Whose sign-in has run out is signed out already.
      if (problemIn(error)?.kind !== "expired") {
        throw error;
      }
    }
    this.#ports.local.set(SIGNED_IN, "");
    this.#leave();
    this.#stage.value = "signed-out";
  }

  async invite(site: string, rank: Rank): Promise<InvitationLink> {
    return this.#signedIn(() => this.#http.invite(site, rank));
  }

  openSite(id: string): void {
    const site = this.#sites.value.find((one) => one.id === id);
    const account = this.#account.value?.id;
    if (site === undefined || account === undefined) {
      return;
    }
    this.#ports.local.set(SITE + account, id);
    this.#site.value = site;
    this.#connectSites();
  }

  async #readInvitation(code: string): Promise<void> {
    try {
      this.#invitation.value = await this.#http.invitation(code);
      this.#stage.value = "invited";
    } catch (error) {
      if (problemIn(error)?.kind === "unreachable") {
        this.#unreachable(() => this.#readInvitation(code));
        return;
      }
      this.#invitationGone.value = true;
      await this.#read();
    }
  }

  async #read(): Promise<void> {
    try {
      this.#enter(await this.#http.me());
    } catch (error) {
      if (problemIn(error)?.kind === "expired") {
        this.#stage.value = "signed-out";
      } else {
        this.#unreachable(() => this.#read());
      }
    }
  }

  #unreachable(again: () => Promise<void>): void {
    if (this.#stopped) {
      return;
    }
    this.#stage.value = "unreachable";
    const wait = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#ports.clock.after(wait, () => void again());
  }

  /** Somebody is signed in. */
  #enter(me: Me): void {
    this.#failures = 0;
    this.#cancelRetry?.();
    const again = this.#account.value?.id === me.account.id;
    batch(() => {
      this.#invitation.value = null;
      this.#invitationGone.value = false;
      this.#expired.value = false;
      if (!again) {
        this.#leave();
        this.#account.value = me.account;
        this.#furnish(me);
      }
      this.#stage.value = "desk";
    });
    this.#ports.local.set(SIGNED_IN, me.account.id);
    this.#renewal?.resolve();
    this.#renewal = undefined;
    this.#connectSites();
    for (const site of this.#sites.value) {
      site.retryNow();
    }
  }

  #furnish(me: Me): void {
    const account = me.account.id;
    this.#sites.value = me.sites.map(
      (grant): ConnectedSite =>
        new ConnectedSite(grant, {
          ports: this.#ports,
          preferences: this.preferences,
          ringer: this.#ringer,
          account,
          shown: computed(() => this.#site.value?.id === grant.site),
          token: () => this.#token(grant.site),
          rename: async (name) => {
            const renamed = await this.#signedIn(() => this.#http.displayName(grant.site, name));
            return renamed.display_name;
          },
          show: () => this.openSite(grant.site),
        }),
    );
    const last = this.#ports.local.get(SITE + account);
    const sites = this.#sites.value;
    this.#site.value = sites.find(({ id }) => id === last) ?? sites[0] ?? null;
  }

  /** Everything of the account that is left goes, but for what storage keeps. */
  #leave(): void {
    for (const site of this.#sites.value) {
      site.stop();
    }
    this.#renewal?.resolve();
    this.#renewal = undefined;
    batch(() => {
      this.#sites.value = [];
      this.#site.value = null;
      this.#account.value = null;
      this.#expired.value = false;
    });
  }

  /** The shown site is connected, and as many of the others as may be, so that they ring. */
  #connectSites(): void {
    const shown = this.#site.value;
    const others = this.#sites.value.filter((site) => site !== shown);
    const wanted = [...(shown === null ? [] : [shown]), ...others].slice(0, SITES_CONNECTED_MAX);
    for (const site of this.#sites.value) {
      if (!wanted.includes(site)) {
        site.disconnect();
      }
    }
    for (const site of wanted) {
      if (!site.connected) {
        site.connect();
      }
    }
  }

  /** A token for a site's connection; while the sign-in has run out, it waits for the next one. */
  async #token(site: string): Promise<string> {
    for (;;) {
      try {
        const { token } = await this.#http.token(site);
        return token;
      } catch (error) {
        const problem = problemIn(error)?.kind;
        if (problem === "forbidden" || problem === "gone") {
          throw new VigieError("forbidden", "this account is not of that site any more");
        }
        if (problem !== "expired" || this.#account.value === null) {
          throw error;
        }
        await this.#expire();
      }
    }
  }

  async #signedIn<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (problemIn(error)?.kind === "expired" && this.#account.value !== null) {
        void this.#expire();
      }
      throw error;
    }
  }

  /** The sign-in has run out. Resolves when somebody has signed in again, or left. */
  #expire(): Promise<void> {
    if (this.#renewal === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#renewal = { promise, resolve };
    }
    this.#expired.value = true;
    return this.#renewal.promise;
  }

  /** Another tab has signed in or out. */
  async #lookAgain(): Promise<void> {
    try {
      const me = await this.#http.me();
      if (me.account.id !== this.#account.value?.id || this.#expired.value) {
        this.#enter(me);
      }
    } catch (error) {
      if (problemIn(error)?.kind === "expired" && this.#account.value !== null) {
        void this.#expire();
      }
    }
  }
}
