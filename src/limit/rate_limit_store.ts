import { counter, gauge } from "../observe/metrics/instruments.ts";

/** Rule of what is allowed: `limit` units in every `intervalMs` milliseconds. */
export interface RateLimitRule {
  /**
   * `"token-bucket"` refills evenly and remembers one number per key.
   * `"sliding-window"` never allows more than `limit` in any window of
   * `intervalMs`, and remembers each call of the window (to the millisecond).
   */
  algorithm: "token-bucket" | "sliding-window";
  /** Number of units that a key may take in `intervalMs`. */
  limit: number;
  /** Time that `limit` is counted over: a whole number of milliseconds. */
  intervalMs: number;
  /** Units that a full token bucket holds. */
  burst: number;
}

/** Answer whether a call may go on, and when to come back if not. */
export interface RateLimitDecision {
  /** True if the units were taken; if not, none of them were. */
  allowed: boolean;
  /** Number of units that could still be taken now. */
  remaining: number;
  /** Milliseconds until the same call would be allowed; 0 if it was. */
  retryAfterMs: number;
  /** Milliseconds until nothing of what was taken counts any more. */
  resetAfterMs: number;
}

/** State of one key under one rule. */
export interface RateLimitState {
  /** Takes `cost` units, or none of them if that would be too much. */
  take(cost: number, nowMs: number): RateLimitDecision;
  /** From here on it is as if the key had never taken anything. */
  readonly expiresAtMs: number;
}

/** Store in which a {@linkcode RateLimiter} keeps what each key has taken. */
export interface RateLimitStore {
  /** Takes `cost` units for `key` in one atomic step. */
  take(
    key: string,
    cost: number,
    rule: RateLimitRule,
  ): RateLimitDecision | Promise<RateLimitDecision>;
}

/**
 * Figures, for operators, of the stores that rate limiters share. The label
 * `type` is `memory` or `redis`.
 */
export const rateLimitStoreKind = {
  kind: "rate_limit_store",
  measures: {
    keys: gauge("Keys remembered in this process."),
    evictions: counter("Keys that went while they still counted."),
    local_decisions: counter("Decisions made without Redis."),
  },
};
