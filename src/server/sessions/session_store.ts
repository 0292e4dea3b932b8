import { type Clock, systemClock, type TimerHandle } from "../../base/clock.ts";
import { RefusedError } from "../../protocol/protocol_errors.ts";
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

/** Characters that the sessions of a {@linkcode MemorySessionStore} take at most, about. */
const MAX_KEPT = 64 * 1024 * 1024;

/** Milliseconds after which some of those that take all the room may have ended. */
const FULL_RETRY_MS = 5_000;

interface Entry {
  session: KeptSession;
  readonly followed: Set<string>;
  timer: TimerHandle;
  /** Characters that it takes, about. */
  size: number;
}

/**
 * Keeps sessions in this process, for several servers in it: 64 MiB of them. For
 * more, those that were opened and never used are forgotten, the oldest first.
 */
export class MemorySessionStore implements SessionStore, AsyncDisposable {
  readonly #entries: Map<string, Entry> = new Map();
  /** Those that nobody has used since they were opened. */
  readonly #unused: Set<string> = new Set();
  readonly #clock: Clock;
  #size = 0;

  /** Makes an empty store. */
  constructor({ clock = systemClock }: MemorySessionStoreOptions = {}) {
    this.#clock = clock;
  }

  /** Keeps a new session. Rejects with a RefusedError if there is no room. */
  create(id: string, session: KeptSession, idleMs: number): Promise<void> {
    const entry: Entry = {
      session: structuredClone(session),
      followed: new Set(),
      timer: undefined,
      size: 0,
    };
    if (!this.#take(entry, JSON.stringify(session).length)) return full();
    this.#entries.set(id, entry);
    this.#unused.add(id);
    this.#wind(id, entry, idleMs);
    return Promise.resolve();
  }

  /** The session, counted as used now. */
  use(id: string, idleMs: number): Promise<KeptSession | undefined> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#wind(id, entry, idleMs);
    this.#unused.delete(id);
    return Promise.resolve(structuredClone(entry?.session));
  }

  /** Changes a session, if it is there. */
  update(id: string, change: SessionChange): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.session = { ...entry.session, ...change };
    return Promise.resolve();
  }

  /** Adds a resource to those that a session follows. Rejects with a RefusedError if there is no room. */
  follow(id: string, uri: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.followed.has(uri)) {
      return Promise.resolve();
    }
    this.#unused.delete(id);
    if (!this.#take(entry, uri.length)) return full();
    entry.followed.add(uri);
    return Promise.resolve();
  }

  /** Takes a resource from those that a session follows. */
  unfollow(id: string, uri: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry?.followed.delete(uri)) this.#take(entry, -uri.length);
    return Promise.resolve();
  }

  /** The resources that a session follows. */
  followed(id: string): Promise<string[]> {
    return Promise.resolve([...this.#entries.get(id)?.followed ?? []]);
  }

  /** Forgets a session. */
  delete(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return Promise.resolve();
    this.#clock.clearTimeout(entry.timer);
    this.#entries.delete(id);
    this.#unused.delete(id);
    this.#size -= entry.size;
    return Promise.resolve();
  }

  /** Counts what an entry takes from now on; false if there is no room for it. */
  #take(entry: Entry, size: number): boolean {
    for (const id of this.#unused) {
      if (this.#size + size <= MAX_KEPT) break;
      void this.delete(id);
    }
    if (this.#size + size > MAX_KEPT) return false;
    this.#size += size;
    entry.size += size;
    return true;
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

function full(): Promise<never> {
  return Promise.reject(new RefusedError("overloaded", FULL_RETRY_MS));
}
