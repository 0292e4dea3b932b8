import type { Clock, TimerHandle } from "../../../base/clock.ts";
import { checkDurationMs, checkLimit } from "../../../base/options.ts";
import type { HttpSession } from "./http_session.ts";

/** Limits on how long and how many legacy sessions are kept. */
export interface SessionLimits {
  /**
   * Milliseconds without a request after which a session ends.
   * @default 1800000
   */
  sessionIdleMs?: number;
  /**
   * Number of sessions there may be; the longest idle one makes room for a new
   * one.
   * @default 10000
   */
  maxSessions?: number;
}

/** Time without a request after which a session ends. @throws {InvalidOptionError} */
export function checkIdleMs(sessionIdleMs: number = 1_800_000): number {
  return checkDurationMs("sessionIdleMs", sessionIdleMs, 1);
}

/** The legacy sessions of one endpoint, the longest idle first. */
export class LiveSessions {
  readonly #idleMs: number;
  readonly #max: number;
  readonly #clock: Clock;
  /** In order of use: a used session moves to the end. */
  readonly #sessions: Map<string, { session: HttpSession; usedAt: number }> =
    new Map();
  #timer: TimerHandle;

  constructor(
    { sessionIdleMs, maxSessions = 10_000 }: SessionLimits,
    clock: Clock,
  ) {
    this.#idleMs = checkIdleMs(sessionIdleMs);
    this.#max = checkLimit("maxSessions", maxSessions, 1);
    this.#clock = clock;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Adds a session, if need be in place of the longest idle; false if all are busy. */
  add(session: HttpSession): boolean {
    if (this.#sessions.size >= this.#max && !this.#evict()) return false;
    this.#sessions.set(session.id, { session, usedAt: this.#clock.now() });
    if (this.#sessions.size === 1) this.#wind(this.#idleMs);
    return true;
  }

  /** The session of an id; not counted as used. */
  peek(id: string): HttpSession | undefined {
    return this.#sessions.get(id)?.session;
  }

  /** The session of an id, counted as used now. */
  use(id: string): HttpSession | undefined {
    const found = this.#sessions.get(id);
    if (found === undefined) return undefined;
    this.#sessions.delete(id);
    found.usedAt = this.#clock.now();
    this.#sessions.set(id, found);
    return found.session;
  }

  end(session: HttpSession, reason: string): void {
    if (!this.#sessions.delete(session.id)) return;
    session.close(reason);
    if (this.#sessions.size === 0) this.#clock.clearTimeout(this.#timer);
  }

  close(): void {
    for (const { session } of [...this.#sessions.values()]) {
      this.end(session, "the server is shutting down");
    }
  }

  #evict(): boolean {
    for (const { session } of this.#sessions.values()) {
      if (session.busy) continue;
      this.end(session, "the session made room for a new one");
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
    for (const { session, usedAt } of [...this.#sessions.values()]) {
      const left = usedAt + this.#idleMs - now;
      if (left > 0) {
        next = left;
        break;
      }
      if (session.busy) this.use(session.id);
      else this.end(session, "the session was idle for too long");
    }
    if (this.#sessions.size > 0) this.#wind(next);
  }
}
