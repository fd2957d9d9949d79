// The sessions that a client follows: subscribed again from the last event after every loss.

import type { Connection } from "./connection.ts";
import { safely } from "./connection.ts";
import { VigieError } from "./errors.ts";
import { Follow, type Verdict } from "./follow.ts";
import type { Outcome } from "./outbox.ts";
import type { Card, Control, Event, EventPush, Subscribed } from "./protocol.ts";

/** How many sessions a client follows at most: as many as the server lets one connection follow. */
export const FOLLOWS_MAX = 256;

/** Who is told of a followed session. All are called in the order of the log, one at a time. */
export interface FollowHandlers {
  /** Something happened: each event once, in order, without gap. */
  event(event: Event): void;
  /** Who is in control: once at the beginning of each connection, then with every change. */
  control?(control: Control): void;
  /** Everything that had happened when the session was subscribed to has been told. */
  caughtUp?(): void;
  /** What was told before is void: the log is another one, and comes from its beginning. */
  reset?(): void;
  /** The session cannot be followed; nothing more comes. */
  failed?(error: VigieError): void;
}

/** A position in a session's log: `offset` is the last event that one has. */
export interface Position {
  /** Which session. */
  session: string;
  /** The last offset that one has; 0 for none. */
  offset: number;
}

/** A session that is being followed. */
export interface Following {
  /** Which session; undefined before a visitor's first connection. */
  readonly session: string | undefined;
  /** The last offset that was told; where to go on another time. */
  readonly offset: number;
  /** Ends it; nothing is told any more. */
  stop(): void;
}

/** The handlers of operators, who are told of the card as well. */
export type AnyFollowHandlers = FollowHandlers & {
  /** The session's card: once at the beginning of each connection. */
  card?(card: Card): void;
};

interface Follower {
  handlers: AnyFollowHandlers;
  follow: Follow;
  session: string | undefined;
  /** The offset that ends what had happened; told of once. */
  head: number | undefined;
  stopped: boolean;
}

/** A subscription of the connection; several followers may share one. */
interface Group {
  followers: Set<Follower>;
  asking: boolean;
  askAgain: boolean;
}

/** See the head of this file. */
export class Follows {
  readonly #connection: Connection;
  readonly #groups = new Map<string, Group>();
  /** Those that go where the visitor goes. */
  readonly #mine = new Set<Follower>();
  #own: string | undefined;
  #online = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Follows a session from an offset. `own`: a visitor's own session, whichever it is. */
  add(
    { session, offset, own }: Partial<Position> & { own: boolean },
    handlers: AnyFollowHandlers,
  ): Following {
    const follower: Follower = {
      handlers,
      follow: new Follow(offset ?? 0),
      session,
      head: undefined,
      stopped: false,
    };
    if (own) {
      this.#mine.add(follower);
    }
    if (own && this.#own !== undefined) {
      this.#move(follower, this.#own);
    } else if (session !== undefined) {
      this.#join(follower, session);
    }
    return {
      get session() {
        return follower.session;
      },
      get offset() {
        return follower.follow.last;
      },
      stop: () => this.#stop(follower),
    };
  }

  /** There is a connection; visitors are in this session. `resync`: all logs are others. */
  connected(own: string | undefined, resync: boolean): void {
    this.#own = own;
    if (resync) {
      this.#groups.forEach((group) => {
        this.#resetAll(group);
      });
    }
    if (own !== undefined) {
      for (const follower of this.#mine) {
        this.#move(follower, own);
      }
    }
    this.#online = true;
    for (const [session, group] of this.#groups) {
      group.asking = false;
      this.#subscribe(session, group);
    }
  }

  /** There is none. */
  disconnected(): void {
    this.#online = false;
  }

  /** An event came. */
  event({ session, prev, ...event }: EventPush): void {
    const group = this.#groups.get(session);
    const verdicts = new Set<Verdict>();
    for (const follower of [...(group?.followers ?? [])]) {
      const verdict = follower.follow.judge(prev, event.offset);
      verdicts.add(verdict);
      if (verdict === "accept") {
        this.#tell(follower, event);
      }
    }
    if (verdicts.has("hopeless")) {
      this.#connection.feed({ kind: "renew", reason: "missing events do not come when asked for" });
    } else if (verdicts.has("gap") && group !== undefined) {
      this.#subscribe(session, group);
    }
  }

  /** A visitor's follower goes where the visitor is. */
  #move(follower: Follower, session: string): void {
    const before = follower.session;
    if (before !== session) {
      this.#leave(follower);
      if (before !== undefined) {
        this.#reset(follower);
      }
      this.#join(follower, session);
    }
  }

  #join(follower: Follower, session: string): void {
    follower.session = session;
    let group = this.#groups.get(session);
    if (group === undefined) {
      if (this.#groups.size >= FOLLOWS_MAX) {
        throw new VigieError("full", `${FOLLOWS_MAX} sessions are followed already: stop one`);
      }
      group = { followers: new Set(), asking: false, askAgain: false };
      this.#groups.set(session, group);
    }
    group.followers.add(follower);
    this.#subscribe(session, group);
  }

  #subscribe(session: string, group: Group): void {
    if (!this.#online) {
      return;
    }
    if (group.asking) {
      group.askAgain = true;
      return;
    }
    group.asking = true;
    group.askAgain = false;
    const offset = Math.min(...Array.from(group.followers, ({ follow }) => follow.last));
    this.#connection.start("subscribe", { session, offset }, { policy: "link" }, (outcome) =>
      this.#subscribed(session, group, offset, outcome),
    );
  }

  #subscribed(session: string, group: Group, offset: number, { error, result }: Outcome): void {
    if (this.#groups.get(session) !== group || error?.name === "disconnected") {
      return;
    }
    group.asking = false;
    if (error?.name === "offset_ahead" && offset > 0) {
      this.#resetAll(group);
      this.#subscribe(session, group);
    } else if (error !== undefined) {
      this.#groups.delete(session);
      for (const follower of [...group.followers]) {
        tell(follower, (handlers) => handlers.failed?.(error));
      }
    } else if (group.askAgain) {
      this.#subscribe(session, group);
    } else {
      for (const follower of [...group.followers]) {
        this.#begin(follower, result as Subscribed);
      }
    }
  }

  #begin(follower: Follower, { offset, control, card }: Subscribed): void {
    follower.follow.asked();
    follower.head = offset;
    if (card !== undefined) {
      tell(follower, (handlers) => handlers.card?.(card));
    }
    tell(follower, (handlers) => handlers.control?.(control));
    this.#look(follower);
  }

  #tell(follower: Follower, event: Event): void {
    tell(follower, (handlers) => handlers.event(event));
    if (event.body.type === "control_changed") {
      const { epoch, holder } = event.body;
      tell(follower, (handlers) => handlers.control?.({ epoch, holder, since: event.time }));
    }
    this.#look(follower);
  }

  /** Says once that the past has come. */
  #look(follower: Follower): void {
    if (follower.head !== undefined && follower.follow.last >= follower.head) {
      follower.head = undefined;
      tell(follower, (handlers) => handlers.caughtUp?.());
    }
  }

  #resetAll({ followers }: Group): void {
    followers.forEach((follower) => {
      this.#reset(follower);
    });
  }

  #reset(follower: Follower): void {
    follower.follow = new Follow(0);
    follower.head = undefined;
    tell(follower, (handlers) => handlers.reset?.());
  }

  #stop(follower: Follower): void {
    const { session } = follower;
    follower.stopped = true;
    this.#mine.delete(follower);
    if (this.#leave(follower) && session !== undefined && this.#online) {
      this.#connection.start("unsubscribe", { session }, { policy: "link" }, () => {});
    }
  }

  /** Whether nobody is left who follows that session. */
  #leave(follower: Follower): boolean {
    const { session = "" } = follower;
    const group = this.#groups.get(session);
    if (!group?.followers.delete(follower) || group.followers.size > 0) {
      return false;
    }
    return this.#groups.delete(session);
  }
}

/** Nothing is told after a stop, also if it came in the middle of the telling. */
function tell(follower: Follower, say: (handlers: AnyFollowHandlers) => void): void {
  if (!follower.stopped) {
    safely(() => say(follower.handlers));
  }
}
