import type { Clock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import { Cluster } from "../cluster/cluster.ts";
import { SharedRedis } from "../cluster/shared_redis.ts";
import type { Logger } from "../observe/log/logger.ts";
import { RedisSessionStore } from "../server/sessions/redis_session_store.ts";
import type { SessionStore } from "../server/sessions/session_store.ts";
import type { McpServerOptions } from "./server_options.ts";

/** Knowledge that what is shared needs of its server. */
export interface SharedHost {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  disposeLater(resource: AsyncDisposable): void;
}

/** Parts that this process has in common with the others of its server. */
export interface SharedParts {
  readonly redis: SharedRedis | undefined;
  /** `undefined` where this process is the whole server. */
  readonly cluster: Cluster | undefined;
  readonly sessionStore: SessionStore | undefined;
}

/**
 * Makes what the processes of a server share.
 *
 * @throws {InvalidOptionError} naming the option
 */
export function makeShared(
  { redis: given, bus, sessionStore }: McpServerOptions,
  { disposeLater, ...host }: SharedHost,
): SharedParts {
  if (sessionStore !== undefined && given === undefined && bus === undefined) {
    throw new InvalidOptionError(
      "sessionStore needs a bus: give redis, or a bus as well",
    );
  }
  const redis = given === undefined ? undefined : new SharedRedis(given, host);
  if (redis !== undefined) disposeLater(redis);
  const way = bus ?? redis?.bus;
  return {
    redis,
    cluster: way && new Cluster(way, host.log),
    sessionStore: sessionStore ?? (redis && new RedisSessionStore(redis)),
  };
}
