import type { Clock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import { Cluster } from "../cluster/cluster.ts";
import type { CacheStore } from "../cache/cache_store.ts";
import { RedisCache } from "../cache/redis/redis_cache.ts";
import { SharedRedis } from "../cluster/shared_redis.ts";
import type { RateLimitStore } from "../limit/rate_limit_store.ts";
import { RedisRateLimitStore } from "../limit/redis_rate_limit_store.ts";
import type { Log } from "../observe/log/log.ts";
import type { Logger } from "../observe/log/logger.ts";
import { RedisSessionStore } from "../server/sessions/redis_session_store.ts";
import type { SessionStore } from "../server/sessions/session_store.ts";
import { RedisTaskStore } from "../server/tasks/redis_task_store.ts";
import type { TaskStore } from "../server/tasks/task_store.ts";
import type { ResolvedOptions } from "./resolved_options.ts";
import type { ThisWorker } from "./workers/this_worker.ts";

/** Knowledge that what is shared needs of its server. */
export interface SharedHost {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** For what may come in any number. */
  readonly quietLog: Log;
  /** This process, if it is one of those that serve one port together. */
  readonly worker: ThisWorker | undefined;
  disposeLater(resource: AsyncDisposable): void;
}

/** Parts that this process has in common with the others of its server. */
export interface SharedParts {
  readonly redis: SharedRedis | undefined;
  /** `undefined` where this process is the whole server. */
  readonly cluster: Cluster | undefined;
  readonly sessionStore: SessionStore | undefined;
  /** True if what is said on the bus once the store is asked to keep something comes after it. */
  readonly inOrder: boolean;
  /** `undefined` for tasks of this process alone. */
  readonly taskStore: TaskStore | undefined;
  /** Stores for what is to be the same at every replica, each made when asked for. */
  readonly stores: SharedStores;
}

/** Stores in what is shared; none where a process is the whole server. */
export interface SharedStores {
  rateLimits?(): RateLimitStore;
  /** For the outcomes of calls with an idempotency key. */
  outcomes?(): CacheStore;
}

/** Milliseconds that Redis may take to find out if a call has run already. */
const OUTCOME_MS = 250;

/**
 * Makes what the processes of a server share.
 *
 * @throws {InvalidOptionError} naming the option
 */
export function makeShared(
  { redis: given, bus, sessionStore, tasks }: ResolvedOptions,
  { disposeLater, worker, quietLog, ...host }: SharedHost,
): SharedParts {
  if (sessionStore !== undefined && given === undefined && bus === undefined) {
    throw new InvalidOptionError(
      "sessionStore needs a bus: give redis, or a bus as well",
    );
  }
  const redis = given === undefined ? undefined : new SharedRedis(given, host);
  if (redis !== undefined) disposeLater(redis);
  // Workers without a Redis share what their supervisor holds.
  const held = redis === undefined && bus === undefined
    ? worker?.join(host.name)
    : undefined;
  const way = bus ?? redis?.bus ?? held?.bus;
  const cluster = way &&
    new Cluster(way, { clock: host.clock, log: quietLog });
  if (cluster !== undefined) disposeLater(cluster);
  return {
    redis,
    cluster,
    sessionStore: sessionStore ??
      (redis ? new RedisSessionStore(redis) : held?.sessions),
    inOrder: bus === undefined && sessionStore === undefined &&
      redis?.inOrder === true,
    taskStore: tasks.store ??
      (redis ? new RedisTaskStore(redis) : held?.tasks),
    stores: redis === undefined
      ? { rateLimits: held && (() => held.rateLimits) }
      : sharedStores(redis, { disposeLater, ...host }),
  };
}

function sharedStores(
  redis: SharedRedis,
  { clock, log, disposeLater }: Pick<
    SharedHost,
    "clock" | "log" | "disposeLater"
  >,
): SharedStores {
  let rateLimits: RedisRateLimitStore | undefined;
  let outcomes: RedisCache | undefined;
  const warn = (message: string) => log.warning(message);
  return {
    rateLimits() {
      if (rateLimits === undefined) {
        rateLimits = new RedisRateLimitStore((command) => redis.send(command), {
          prefix: `${redis.prefix}rate:`,
          clock,
          log: warn,
        });
        disposeLater(rateLimits);
      }
      return rateLimits;
    },
    outcomes() {
      if (outcomes === undefined) {
        outcomes = new RedisCache({
          client: redis.client,
          name: "idempotency",
          // In a cluster the keys of one script must be together.
          prefix: `${redis.prefix}{once}`,
          timeoutMs: OUTCOME_MS,
          clock,
          log: warn,
        });
        disposeLater(outcomes);
      }
      return outcomes;
    },
  };
}
