import type {
  RateLimitDecision,
  RateLimitRule,
  RateLimitState,
} from "./rate_limit_store.ts";

/**
 * A bucket of `burst` tokens that refills by `limit` every `intervalMs`.
 *
 * It is kept as the time at which it will be full again. Times are multiplied
 * by `limit`, in which unit a token takes exactly `intervalMs` to come back, so
 * that whole numbers stay whole.
 */
export class TokenBucket implements RateLimitState {
  readonly #rule: RateLimitRule;
  #fullAt = -Infinity;

  constructor(rule: RateLimitRule) {
    this.#rule = rule;
  }

  take(cost: number, nowMs: number): RateLimitDecision {
    const { limit, intervalMs, burst } = this.#rule;
    const now = nowMs * limit;
    const fullAt = Math.max(this.#fullAt, now);
    const room = now + burst * intervalMs - fullAt;
    const spare = room - cost * intervalMs;
    const allowed = spare >= 0;
    if (allowed) this.#fullAt = fullAt + cost * intervalMs;
    return {
      allowed,
      remaining: Math.floor((allowed ? spare : room) / intervalMs),
      retryAfterMs: allowed ? 0 : Math.ceil(-spare / limit),
      resetAfterMs: Math.ceil((this.#fullAt - now) / limit),
    };
  }

  get expiresAtMs(): number {
    return this.#fullAt / this.#rule.limit;
  }
}

/** {@linkcode TokenBucket.take}, for Redis to run in one step. */
export const tokenBucketScript = `
local limit, interval, burst, cost =
  tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = tonumber(ARGV[5])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
now = now * limit
local fullAt = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local room = now + burst * interval - fullAt
local spare = room - cost * interval
if spare < 0 then
  return { 0, math.floor(room / interval), math.ceil(-spare / limit),
    math.ceil((fullAt - now) / limit) }
end
fullAt = fullAt + cost * interval
local reset = math.ceil((fullAt - now) / limit)
redis.call('SET', KEYS[1], string.format('%.0f', fullAt),
  'PX', math.max(1, reset) + tonumber(ARGV[6]))
return { 1, math.floor(spare / interval), 0, reset }
`;
