import { InvalidOptionError } from "../base/errors.ts";
import { quote } from "../base/options.ts";
import {
  type DenoRedisClient,
  denoRedisOpener,
  DenoRedisPort,
} from "./deno_redis.ts";
import {
  duplicateIoRedis,
  type IoRedisClient,
  IoRedisPort,
} from "./io_redis.ts";
import {
  duplicateNodeRedis,
  type NodeRedisClient,
  nodeRedisOpener,
  NodeRedisPort,
} from "./node_redis.ts";
import type { RedisOpener, RedisPort } from "./redis_port.ts";

/** Any client that Sluice can speak to Redis through. */
export type RedisClient =
  | NodeRedisClient
  | IoRedisClient
  | DenoRedisClient
  | RedisPort;

/** The packages that can connect to a URL; loaded on first use. */
export type RedisDriver = "redis" | "@db/redis";

/**
 * Puts a client behind the {@linkcode RedisPort}.
 *
 * @throws {InvalidOptionError} for what isn't a client known here.
 */
export function redisPort(client: RedisClient): RedisPort {
  if ("commandBytes" in client) return client;
  if ("callBuffer" in client) return new IoRedisPort(client);
  if ("withTypeMapping" in client) return new NodeRedisPort(client);
  if ("isConnected" in client) return new DenoRedisPort(client);
  throw new InvalidOptionError(
    "client must be one of node-redis, ioredis or @db/redis, or a RedisPort, " +
      `got ${quote(client)}`,
  );
}

/** Opens connections like the client's own, for a client that can. */
export function redisDuplicator(client: RedisClient): RedisOpener | undefined {
  if ("callBuffer" in client) return duplicateIoRedis(client);
  if ("withTypeMapping" in client) return duplicateNodeRedis(client);
  return undefined;
}

/** Opens connections to a URL. */
export function redisOpener(driver: RedisDriver, url: string): RedisOpener {
  return driver === "redis" ? nodeRedisOpener(url) : denoRedisOpener(url);
}
