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
