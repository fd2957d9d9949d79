/**
 * What rings, how often, and where it stops.
 *
 * Every tab of the browser hears every alert; only the leading one makes it heard. A visitor who
 * waits rings again, a bounded number of times, until somebody takes the conversation.
 */

import { effect, type ReadonlySignal, signal } from "@preact/signals";
import type { Alert } from "@vigie/client";
import { RING_AGAIN_MS, RING_ROUNDS_MAX, RINGING_MAX, SOUND_GAP_MS } from "./bounds.ts";
import type {
  AlertKind,
  Clock,
  DesktopPermission,
  Leader,
  Notifications,
  Notifier,
  NotifyChoice,
  Sound,
} from "./types.ts";

/** What the ringer needs. */
export interface RingerPorts {
  readonly clock: Clock;
  readonly sound: Sound;
  readonly notifier: Notifier;
  readonly leader: Leader;
}

/** Where an alert comes from, and what becomes of it. */
export interface Bell {
  /** The site's id. */
  readonly site: string;
  readonly siteName: string;
  /** Whether the operator has the conversation before their eyes. */
  readonly inSight: boolean;
  /** The operator wants to see it. */
  opened(): void;
}

interface Ring {
  readonly site: string;
  readonly session: string;
  readonly kind: AlertKind;
  round: number;
  cancel: () => void;
}

/** See the head of this file. */
export class Ringer implements Notifications {
  readonly #ports: RingerPorts;
  readonly #choice: ReadonlySignal<NotifyChoice>;
  readonly #ringing = signal(0);
  readonly #sound = signal<"ready" | "blocked">("blocked");
  readonly #rings = new Map<string, Ring>();
  readonly #offs: (() => void)[];
  #lastSound = Number.NEGATIVE_INFINITY;

  constructor(ports: RingerPorts, choice: ReadonlySignal<NotifyChoice>) {
    this.#ports = ports;
    this.#choice = choice;
    this.#offs = [
      effect(() => {
        const ready = ports.sound.ready.value;
        this.#sound.value = ready ? "ready" : "blocked";
        ports.leader.setFit(ready);
      }),
      effect(() => {
        if (choice.value === "none") {
          this.#stopAll();
        }
      }),
    ];
  }

  get sound(): ReadonlySignal<"ready" | "blocked"> {
    return this.#sound;
  }

  get desktop(): ReadonlySignal<DesktopPermission> {
    return this.#ports.notifier.permission;
  }

  get ringing(): ReadonlySignal<number> {
    return this.#ringing;
  }

  unlock(): Promise<void> {
    return this.#ports.sound.unlock();
  }

  askDesktop(): Promise<void> {
    return this.#ports.notifier.ask();
  }

  /** Whether the operator wants to hear of such a thing. */
  wants(kind: AlertKind): boolean {
    const choice = this.#choice.value;
    return choice === "all" || (choice === "new" && kind !== "message");
  }

  /** Something has happened that rings. */
  ring({ kind, card }: Alert, bell: Bell): void {
    if (!this.wants(kind)) {
      return;
    }
    const id = `${bell.site}/${card.session}`;
    this.#play(kind, bell.site, card.session, 1);
    if (kind === "waiting") {
      this.#again(id, { site: bell.site, session: card.session, kind, round: 1, cancel: () => {} });
    }
    if (!bell.inSight && this.#ports.leader.leads()) {
      const { opened, siteName: site } = bell;
      this.#ports.notifier.show({ tag: id, kind, site, card, opened });
    }
  }

  /** Somebody has taken it, or it is gone: it rings no more. */
  quiet(site: string, session: string): void {
    const id = `${site}/${session}`;
    this.#stop(id);
    this.#ports.notifier.hide(id);
  }

  /** A card says that somebody has taken it; its notification stays until the engine says quiet. */
  taken(site: string, session: string): void {
    if (this.#rings.size > 0) {
      this.#stop(`${site}/${session}`);
    }
  }

  /** The site's connection is lost, and with it the word that would stop what rings. */
  quietAll(site: string): void {
    for (const [id, ring] of [...this.#rings]) {
      if (ring.site === site) {
        this.#stop(id);
      }
    }
  }

  stop(): void {
    this.#stopAll();
    for (const off of this.#offs) {
      off();
    }
  }

  #again(id: string, ring: Ring): void {
    this.#rings.get(id)?.cancel();
    this.#rings.delete(id);
    ring.cancel = this.#ports.clock.after(RING_AGAIN_MS, () => {
      ring.round += 1;
      this.#play(ring.kind, ring.site, ring.session, ring.round);
      if (ring.round < RING_ROUNDS_MAX) {
        this.#again(id, ring);
      } else {
        this.#stop(id);
      }
    });
    this.#rings.set(id, ring);
    const [oldest] = this.#rings.keys();
    if (this.#rings.size > RINGING_MAX && oldest !== undefined) {
      this.#stop(oldest);
    }
    this.#ringing.value = this.#rings.size;
  }

  #play(kind: AlertKind, site: string, session: string, round: number): void {
    const now = this.#ports.clock.now();
    if (this.#ports.leader.leads() && now - this.#lastSound >= SOUND_GAP_MS) {
      this.#lastSound = now;
      this.#ports.sound.play({ kind, site, session, round });
    }
  }

  #stop(id: string): void {
    this.#rings.get(id)?.cancel();
    this.#rings.delete(id);
    this.#ringing.value = this.#rings.size;
  }

  #stopAll(): void {
    for (const id of [...this.#rings.keys()]) {
      this.#stop(id);
    }
  }
}
