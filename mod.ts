export {
  type Clock,
  systemClock,
  type TimerHandle,
  type TimerOptions,
} from "./src/base/clock.ts";
export {
  type Permit,
  Semaphore,
  type SemaphoreAcquireOptions,
  type SemaphoreOptions,
  type SemaphoreStats,
} from "./src/limit/semaphore.ts";
export { deadline, type DeadlineOptions } from "./src/limit/deadline.ts";
export {
  mapConcurrent,
  type MapConcurrentContext,
  type MapConcurrentOptions,
} from "./src/limit/map_concurrent.ts";
export {
  MemoryRateLimitStore,
  type MemoryRateLimitStoreOptions,
  type MemoryRateLimitStoreStats,
} from "./src/limit/memory_rate_limit_store.ts";
export {
  type RateLimitDecision,
  type RateLimitRule,
  type RateLimitStore,
} from "./src/limit/rate_limit_store.ts";
export {
  type RateLimitAcquireOptions,
  RateLimiter,
  type RateLimiterOptions,
  type RateLimiterStats,
  type RateLimitTakeOptions,
} from "./src/limit/rate_limiter.ts";
export {
  RedisRateLimitStore,
  type RedisRateLimitStoreOptions,
  type RedisRateLimitStoreStats,
  type RedisSend,
} from "./src/limit/redis_rate_limit_store.ts";
export { Pool } from "./src/pool/pool.ts";
export {
  type AcquireOptions,
  type CreateContext,
  type DrainOptions,
  type PoolCounters,
  type PoolLimits,
  type PoolLog,
  type PoolOptions,
  type PoolStats,
} from "./src/pool/pool_options.ts";
export { type Lease } from "./src/pool/lease.ts";
export { LeaseReleasedError } from "./src/pool/pool_errors.ts";
export {
  type BatchContext,
  type BatcherOptions,
  type BatchLoader,
  type BatchResults,
} from "./src/batch/batch_options.ts";
export {
  Batcher,
  type BatcherStats,
  type BatchFlushOptions,
  type BatchLoadOptions,
} from "./src/batch/batcher.ts";
export {
  type AnyBatchLoader,
  type BatchDefaults,
  Batchers,
  type BatchersOptions,
  type BatchKeyOf,
  type BatchValueOf,
} from "./src/batch/batchers.ts";
export { type BatchSchedule, endOfTick } from "./src/batch/end_of_tick.ts";
