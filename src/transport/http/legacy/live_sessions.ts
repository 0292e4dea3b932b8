import type { Clock, TimerHandle } from "../../../base/clock.ts";
import { option, type OptionRules } from "../../../base/option_rules.ts";
import { SharedRoom } from "../../../base/shared_room.ts";
import type { HttpSession } from "./http_session.ts";

/**
 * Number of sessions of one account that were only opened; one more ends the
 * oldest. A client asks for something at once.
 */
const MAX_UNUSED = 100;

/** Limits on how long and how many legacy sessions are kept. */
export interface SessionLimits {
  /**
   * Milliseconds without a request after which a session ends.
   * @default 1800000
   */
  sessionIdleMs?: number;
  /**
   * Number of sessions there may be. For a new one room is made by one that was
   * opened and never used, and else by the longest idle of the callers (or, where
   * nobody knows them, addresses) who have many.
   * @default 10000
   */
  maxSessions?: number;
}

/** How they are read. */
export const SESSION_LIMITS = {
  sessionIdleMs: option.durationMs(1_800_000, 1),
  maxSessions: option.limit(10_000, 1),
} satisfies OptionRules<SessionLimits>;

interface Entry {
  readonly session: HttpSession;
  usedAt: number;
}

/** Sessions by id, the longest idle first: a used session moves to the end. */
type ByIdleness = Map<string, Entry>;

/** The legacy sessions of one endpoint. */
export class LiveSessions {
  readonly #idleMs: number;
  readonly #max: number;
  readonly #clock: Clock;
  readonly #used: ByIdleness = new Map();
  readonly #unused: ByIdleness = new Map();
  /** The sessions that each account has. */
  readonly #held: SharedRoom = new SharedRoom(Infinity);
  /** Those of them that were only opened. */
  readonly #opened: SharedRoom = new SharedRoom(Infinity);
  #timer: TimerHandle;
  #closed = false;

  constructor(
    { sessionIdleMs, maxSessions }: Required<SessionLimits>,
    clock: Clock,
  ) {
    this.#idleMs = sessionIdleMs;
    this.#max = maxSessions;
    this.#clock = clock;
  }

  get size(): number {
    return this.#used.size + this.#unused.size;
  }

  /** Adds a session, if need be in place of another; false if there is no place for it. */
  add(session: HttpSession): boolean {
    // One that was being read may come when the server has gone.
    if (this.#closed) return false;
    this.#endUnused(session.session.account);
    if (this.size >= this.#max && !this.#evict()) return false;
    this.#unused.set(session.id, { session, usedAt: this.#clock.now() });
    this.#held.add(session.session.account, 1);
    this.#opened.add(session.session.account, 1);
    if (this.size === 1) this.#wind(this.#idleMs);
    return true;
  }

  /** The session of an id; not counted as visited. */
  peek(id: string): HttpSession | undefined {
    return (this.#used.get(id) ?? this.#unused.get(id))?.session;
  }

  /** The session of an id, counted as visited now. */
  use(id: string): HttpSession | undefined {
    const sessions = this.#used.has(id) ? this.#used : this.#unused;
    const found = sessions.get(id);
    if (found === undefined) return undefined;
    sessions.delete(id);
    found.usedAt = this.#clock.now();
    sessions.set(id, found);
    return found.session;
  }

  /** Counts a session as one that is worked with. */
  markUsed({ id, session }: HttpSession): void {
    const found = this.#unused.get(id);
    if (found === undefined) return;
    this.#unused.delete(id);
    this.#opened.give(session.account, 1);
    this.#used.set(id, found);
  }

  /** Ends a session that is over. */
  end(session: HttpSession, reason: string): void {
    if (this.#remove(session)) session.close(reason);
  }

  /** Lets go of a session that other replicas may go on with. */
  leave(session: HttpSession, reason: string): void {
    if (this.#remove(session)) session.leave(reason);
  }

  #remove({ id, session: { account } }: HttpSession): boolean {
    if (this.#unused.delete(id)) this.#opened.give(account, 1);
    else if (!this.#used.delete(id)) return false;
    this.#held.give(account, 1);
    if (this.size === 0) this.#clock.clearTimeout(this.#timer);
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const session of this.all()) {
      this.end(session, "the server is shutting down");
    }
  }

  all(): HttpSession[] {
    return [...this.#unused.values(), ...this.#used.values()]
      .map(({ session }) => session);
  }

  /** Ends the oldest of an account's sessions that were only opened, if it has many. */
  #endUnused(account: string): void {
    if (this.#opened.heldBy(account) < MAX_UNUSED) return;
    this.#evictFirst(
      this.#unused,
      ({ session }) => session.account === account,
    );
  }

  /**
   * Ends one that was never used; or one of an account that has many, be it that
   * its client only listens; or whichever is idle.
   */
  #evict(): boolean {
    const isIdle = (session: HttpSession) => !session.busy;
    const isCrowding = ({ session }: HttpSession) =>
      this.#held.isLarge(session.account);
    return this.#evictFirst(this.#unused, isIdle) ||
      this.#evictFirst(
        this.#used,
        (each) => isIdle(each) && isCrowding(each),
      ) ||
      this.#evictFirst(
        this.#used,
        (each) => each.session.inFlight.size === 0 && isCrowding(each),
      ) ||
      this.#evictFirst(this.#used, isIdle);
  }

  #evictFirst(
    sessions: ByIdleness,
    mayGo: (session: HttpSession) => boolean,
  ): boolean {
    for (const { session } of sessions.values()) {
      if (!mayGo(session)) continue;
      this.leave(session, MADE_ROOM);
      return true;
    }
    return false;
  }

  #wind(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => this.#sweep(), delayMs, {
      keepAlive: false,
    });
  }

  /** Ends what has been idle too long; an open stream keeps a session alive. */
  #sweep(): void {
    const now = this.#clock.now();
    let next = this.#idleMs;
    for (const sessions of [this.#unused, this.#used]) {
      for (const { session, usedAt } of [...sessions.values()]) {
        const left = usedAt + this.#idleMs - now;
        if (left > 0) {
          next = Math.min(next, left);
          break;
        }
        if (session.busy) this.use(session.id);
        else this.leave(session, "the session was idle for too long");
      }
    }
    if (this.size > 0) this.#wind(next);
  }
}

const MADE_ROOM = "the session made room for a new one";
