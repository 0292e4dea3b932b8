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
  type BatchFlushOptions,
  type BatchLoader,
  type BatchLoadOptions,
  type BatchResults,
} from "./src/batch/batch_options.ts";
export { Batcher } from "./src/batch/batcher.ts";
export { type BatcherStats } from "./src/batch/batcher_stats.ts";
export {
  type AnyBatchLoader,
  type BatchDefaults,
  Batchers,
  type BatchersOptions,
  type BatchKeyOf,
  type BatchValueOf,
} from "./src/batch/batchers.ts";
export { type BatchSchedule, endOfTick } from "./src/batch/end_of_tick.ts";
export {
  HttpCircuitOpenError,
  HttpError,
  type HttpErrorCode,
  HttpFailedError,
  HttpStatusError,
  HttpTimeoutError,
} from "./src/pool/http_errors.ts";
export {
  type HttpCircuitOptions,
  type HttpPoolOptions,
  type HttpRequestOptions,
} from "./src/pool/http_options.ts";
export { type HttpOriginStats } from "./src/pool/http_origin.ts";
export {
  type HttpFetchAllOptions,
  HttpPool,
  type HttpPoolStats,
} from "./src/pool/http_pool.ts";
export { type HttpOutcome } from "./src/pool/http_outcome.ts";
export { PostgresPool } from "./src/pool/postgres/postgres_pool.ts";
export {
  type PostgresDriverName,
  type PostgresOptions,
  type PostgresStats,
} from "./src/pool/postgres/postgres_options.ts";
export {
  PostgresQueries,
  type PostgresRow,
  type StreamOptions,
} from "./src/pool/postgres/postgres_queries.ts";
export { PostgresSession } from "./src/pool/postgres/postgres_session.ts";
export {
  type PostgresIsolation,
  PostgresTransaction,
  type TransactionOptions,
  TransactionOverError,
} from "./src/pool/postgres/postgres_transaction.ts";
export {
  type CommandCounters,
  type QueryOptions,
} from "./src/pool/postgres/command_guard.ts";
export {
  type PostgresConnectContext,
  type PostgresConnection,
  type PostgresDriver,
  type PostgresResult,
  type PostgresSsl,
} from "./src/pool/postgres/postgres_driver.ts";
export {
  PostgresConnectionError,
  PostgresError,
  type PostgresErrorFields,
  PostgresParameterError,
} from "./src/pool/postgres/postgres_errors.ts";
export {
  cached,
  type CachedFunction,
  type CachedOptions,
  type CachedStats,
} from "./src/cache/cached.ts";
export { cacheKey } from "./src/cache/cache_key.ts";
export {
  type CacheClaim,
  type CacheClaimOptions,
  type CacheClaimOutcome,
  type CacheHit,
  type CacheSetOptions,
  type CacheStore,
  type ClaimingCacheStore,
  type MaybePromise,
} from "./src/cache/cache_store.ts";
export { type LifetimeOptions } from "./src/cache/lifetimes.ts";
export { MemoryCache } from "./src/cache/memory_cache.ts";
export {
  type MemoryCacheOptions,
  type MemoryCacheStats,
} from "./src/cache/memory_cache_options.ts";
export { RedisCache } from "./src/cache/redis_cache.ts";
export {
  type RedisCacheOptions,
  type RedisCacheStats,
  type RedisEntry,
} from "./src/cache/redis_cache_options.ts";
export {
  type RedisCircuitStats,
  type RedisState,
} from "./src/cache/redis_circuit.ts";
export { type RedisFormat } from "./src/cache/redis_codec.ts";
export {
  type RedisClient,
  type RedisDriver,
} from "./src/cache/redis_clients.ts";
export { type NodeRedisClient } from "./src/cache/node_redis.ts";
export { type IoRedisClient } from "./src/cache/io_redis.ts";
export {
  type DenoRedisClient,
  type DenoRedisSubscription,
} from "./src/cache/deno_redis.ts";
export {
  type RedisArgument,
  type RedisListener,
  type RedisPort,
} from "./src/cache/redis_port.ts";
export {
  type ChangeChannel,
  type ChangeListener,
} from "./src/cache/change_channel.ts";
export { TieredCache } from "./src/cache/tiered_cache.ts";
export {
  type TieredCacheOptions,
  type TieredCacheStats,
} from "./src/cache/tiered_cache_options.ts";
export { CacheKeyError, CacheValueError } from "./src/base/errors.ts";
export {
  BatchKeyMissingError,
  BatchResultsError,
  ClosedError,
  errorTable,
  InvalidOptionError,
  QueueFullError,
  RateLimitedError,
  SluiceError,
  type SluiceErrorCode,
  TimeoutError,
} from "./src/base/errors.ts";
