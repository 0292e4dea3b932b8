import type {
  RateLimitDecision,
  RateLimitRule,
  RateLimitState,
} from "./rate_limit_store.ts";

/** Units that were taken in the same millisecond. */
interface Entry {
  atMs: number;
  cost: number;
}

/** At most `limit` units in any stretch of `intervalMs`, by a log of the calls. */
export class SlidingWindow implements RateLimitState {
  readonly #rule: RateLimitRule;
  #entries: Entry[] = [];
  #head = 0;
  #taken = 0;

  constructor(rule: RateLimitRule) {
    this.#rule = rule;
  }

  take(cost: number, nowMs: number): RateLimitDecision {
    const { limit } = this.#rule;
    this.#forget(nowMs);
    const allowed = this.#taken + cost <= limit;
    if (allowed) this.#add(cost, nowMs);
    return {
      allowed,
      remaining: limit - this.#taken,
      retryAfterMs: allowed ? 0 : this.#roomAtMs(cost) - nowMs,
      resetAfterMs: Math.max(0, this.expiresAtMs - nowMs),
    };
  }

  get expiresAtMs(): number {
    const last = this.#entries.at(-1);
    return last === undefined ? -Infinity : last.atMs + this.#rule.intervalMs;
  }

  /** Drops what has left the window, and now and then the memory it took. */
  #forget(nowMs: number): void {
    const since = nowMs - this.#rule.intervalMs;
    while (this.#entries[this.#head]?.atMs <= since) {
      this.#taken -= this.#entries[this.#head++].cost;
    }
    if (this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  #add(cost: number, nowMs: number): void {
    const last = this.#entries.at(-1);
    if (last?.atMs === nowMs) last.cost += cost;
    else this.#entries.push({ atMs: nowMs, cost });
    this.#taken += cost;
  }

  /** Finds when enough will have left the window for `cost` to fit. */
  #roomAtMs(cost: number): number {
    let excess = this.#taken + cost - this.#rule.limit;
    let index = this.#head;
    while ((excess -= this.#entries[index].cost) > 0) index++;
    return this.#entries[index].atMs + this.#rule.intervalMs;
  }
}

/**
 * {@linkcode SlidingWindow.take}, for Redis to run in one step: a list of the
 * sum, then an element "milliseconds:cost" per entry.
 */
export const slidingWindowScript = `
local limit, interval, cost =
  tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local now = tonumber(ARGV[5])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function read(entry)
  local at, taken = string.match(entry, '(%d+):(%d+)')
  return tonumber(at), tonumber(taken)
end

local taken = tonumber(redis.call('LPOP', KEYS[1]) or 0)
local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and read(oldest) <= now - interval do
  local _, gone = read(redis.call('LPOP', KEYS[1]))
  taken = taken - gone
  oldest = redis.call('LINDEX', KEYS[1], 0)
end

local newest = redis.call('LINDEX', KEYS[1], -1)
local newestAt, newestCost = now, 0
if newest then newestAt, newestCost = read(newest) end

if taken + cost > limit then
  local excess, from, roomAt = taken + cost - limit, 0, now
  while excess > 0 do
    for _, entry in ipairs(redis.call('LRANGE', KEYS[1], from, from + 99)) do
      local at, gone = read(entry)
      roomAt = at + interval
      excess = excess - gone
      if excess <= 0 then break end
    end
    from = from + 100
  end
  redis.call('LPUSH', KEYS[1], taken)
  return { 0, limit - taken, roomAt - now, newestAt + interval - now }
end

if newest and newestAt >= now then
  redis.call('LSET', KEYS[1], -1,
    string.format('%.0f:%.0f', newestAt, newestCost + cost))
else
  newestAt = now
  redis.call('RPUSH', KEYS[1], string.format('%.0f:%.0f', now, cost))
end
redis.call('LPUSH', KEYS[1], taken + cost)
local reset = newestAt + interval - now
redis.call('PEXPIRE', KEYS[1], reset + tonumber(ARGV[6]))
return { 1, limit - taken - cost, 0, reset }
`;
