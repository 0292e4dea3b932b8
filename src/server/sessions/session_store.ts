import { type Clock, systemClock, type TimerHandle } from "../../base/clock.ts";
import type {
  ClientCapabilities,
  Implementation,
  LoggingLevel,
} from "../../protocol/types.ts";

/** Knowledge of a legacy session that any replica can go on with. */
export interface KeptSession {
  /** Version of this form; what a newer one adds, an older one leaves alone. */
  readonly v: 1;
  /** Identity of its opener. */
  readonly principal: string;
  /** The member of the bus that opened it. */
  readonly home: string;
  /** The revision agreed on. */
  readonly revision: string;
  /** What the client said that it can do. */
  readonly capabilities: ClientCapabilities;
  /** What the client said that it is. */
  readonly clientInfo?: Implementation;
  /** Set by `logging/setLevel`. */
  readonly logLevel?: LoggingLevel;
  /** The member that the client's standing stream is open at; "" for none. */
  readonly standing?: string;
}

/** The part of a session that changes while it lives. */
export type SessionChange = Pick<KeptSession, "logLevel" | "standing">;

/**
 * Store of legacy sessions that replicas share. A session that nobody has used
 * for its time is gone.
 */
export interface SessionStore {
  /** Keeps a new session; resolves once every replica would find it. */
  create(id: string, session: KeptSession, idleMs: number): Promise<void>;
  /** The session, counted as used now; `undefined` if it is unknown or gone. */
  use(id: string, idleMs: number): Promise<KeptSession | undefined>;
  /** Changes a session, if it is there. */
  update(id: string, change: SessionChange): Promise<void>;
  /** Adds a resource to those that a session follows, if it is there. */
  follow(id: string, uri: string): Promise<void>;
  /** Takes a resource from those that a session follows. */
  unfollow(id: string, uri: string): Promise<void>;
  /** The resources that a session follows. */
  followed(id: string): Promise<string[]>;
  /** Forgets a session, if it is there. */
  delete(id: string): Promise<void>;
}

/** Settings for how a {@linkcode MemorySessionStore} tells the time. */
export interface MemorySessionStoreOptions {
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

interface Entry {
  session: KeptSession;
  readonly followed: Set<string>;
  timer: TimerHandle;
}

/** Keeps sessions in this process, for several servers in it. */
export class MemorySessionStore implements SessionStore, AsyncDisposable {
  readonly #entries: Map<string, Entry> = new Map();
  readonly #clock: Clock;

  /** Makes an empty store. */
  constructor({ clock = systemClock }: MemorySessionStoreOptions = {}) {
    this.#clock = clock;
  }

  /** Keeps a new session. */
  create(id: string, session: KeptSession, idleMs: number): Promise<void> {
    const kept = structuredClone(session);
    const entry = { session: kept, followed: new Set<string>(), timer: 0 };
    this.#entries.set(id, entry);
    this.#wind(id, entry, idleMs);
    return Promise.resolve();
  }

  /** The session, counted as used now. */
  use(id: string, idleMs: number): Promise<KeptSession | undefined> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#wind(id, entry, idleMs);
    return Promise.resolve(structuredClone(entry?.session));
  }

  /** Changes a session, if it is there. */
  update(id: string, change: SessionChange): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.session = { ...entry.session, ...change };
    return Promise.resolve();
  }

  /** Adds a resource to those that a session follows. */
  follow(id: string, uri: string): Promise<void> {
    this.#entries.get(id)?.followed.add(uri);
    return Promise.resolve();
  }

  /** Takes a resource from those that a session follows. */
  unfollow(id: string, uri: string): Promise<void> {
    this.#entries.get(id)?.followed.delete(uri);
    return Promise.resolve();
  }

  /** The resources that a session follows. */
  followed(id: string): Promise<string[]> {
    return Promise.resolve([...this.#entries.get(id)?.followed ?? []]);
  }

  /** Forgets a session. */
  delete(id: string): Promise<void> {
    this.#clock.clearTimeout(this.#entries.get(id)?.timer);
    this.#entries.delete(id);
    return Promise.resolve();
  }

  #wind(id: string, entry: Entry, idleMs: number): void {
    this.#clock.clearTimeout(entry.timer);
    entry.timer = this.#clock.setTimeout(() => this.delete(id), idleMs, {
      keepAlive: false,
    });
  }

  /** Forgets every session. */
  [Symbol.asyncDispose](): Promise<void> {
    for (const id of [...this.#entries.keys()]) void this.delete(id);
    return Promise.resolve();
  }
}
