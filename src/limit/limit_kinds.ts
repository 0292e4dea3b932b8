import {
  counter,
  gauge,
  type InstrumentValues,
} from "../observe/metrics/instruments.ts";
import type { MemoryRateLimitStoreStats } from "./memory_rate_limit_store.ts";
import type { RateLimiterStats } from "./rate_limiter.ts";
import type { RedisRateLimitStoreStats } from "./redis_rate_limit_store.ts";
import type { SemaphoreStats } from "./semaphore.ts";

/** What operators see of semaphores, if they are named. */
export const semaphoreKind = {
  kind: "semaphore",
  measures: {
    permits: gauge("How many may hold a permit at once, if that is limited."),
    active: gauge("How many hold a permit."),
    waiting: gauge("Callers in line."),
    acquired: counter("Permits given."),
    rejected: counter("Callers that found the line full."),
    timeouts: counter("Callers that waited too long."),
    aborted: counter("Callers that gave up by their signal."),
  },
};

/** What a Semaphore shows. */
export function semaphoreValues(
  { stats }: { readonly stats: SemaphoreStats },
): InstrumentValues<keyof typeof semaphoreKind.measures> {
  const { permits, active, waiting, acquired, rejected, timedOut, aborted } =
    stats;
  return {
    permits: permits === Infinity ? undefined : permits,
    active,
    waiting,
    acquired,
    rejected,
    timeouts: timedOut,
    aborted,
  };
}

/** What operators see of rate limiters. */
export const limiterKind = {
  kind: "limiter",
  measures: {
    allowed: counter("Calls that were allowed."),
    refused: counter("Calls that were over the limit."),
    waiting: gauge("Callers that wait for their turn."),
    keys: gauge("Keys remembered in this process."),
    evictions: counter("Keys that went while they still counted."),
  },
};

/** What a RateLimiter shows, and the store that is its own. */
export function limiterValues(
  { allowed, limited, waiting }: RateLimiterStats,
  own: MemoryRateLimitStoreStats | undefined,
): InstrumentValues<keyof typeof limiterKind.measures> {
  const held = own && { keys: own.keys, evictions: own.evicted };
  return { allowed, refused: limited, waiting, ...held };
}

/**
 * What operators see of the stores that rate limiters share. The label `type`
 * is `memory` or `redis`.
 */
export const rateLimitStoreKind = {
  kind: "rate_limit_store",
  measures: {
    keys: gauge("Keys remembered in this process."),
    evictions: counter("Keys that went while they still counted."),
    local_decisions: counter("Decisions made without Redis."),
  },
};

type StoreValues = InstrumentValues<keyof typeof rateLimitStoreKind.measures>;

/** What a MemoryRateLimitStore shows. */
export function memoryStoreValues(
  { stats }: { readonly stats: MemoryRateLimitStoreStats },
): StoreValues {
  return { keys: stats.keys, evictions: stats.evicted };
}

/** What a RedisRateLimitStore shows, beside its circuit. */
export function redisStoreValues(
  { stats }: { readonly stats: RedisRateLimitStoreStats },
): StoreValues {
  return { local_decisions: stats.localDecisions };
}
