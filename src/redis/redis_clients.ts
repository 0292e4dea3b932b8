import { InvalidOptionError } from "../base/errors.ts";
import { checkWord, quote } from "../base/options.ts";
import {
  type DenoRedisClient,
  denoRedisOpener,
  denoRedisPort,
  loadDenoRedis,
} from "./deno_redis.ts";
import {
  duplicateIoRedis,
  type IoRedisClient,
  ioRedisPort,
} from "./io_redis.ts";
import {
  duplicateNodeRedis,
  loadNodeRedis,
  type NodeRedisClient,
  nodeRedisOpener,
  nodeRedisPort,
} from "./node_redis.ts";
import {
  type IoRedisCluster,
  nodeOfIoRedis,
  nodeOfNodeRedis,
  type NodeRedisCluster,
  nodeRedisClusterPort,
} from "./redis_cluster.ts";
import type { RedisOpener, RedisPort } from "./redis_port.ts";

/** Any client that Sluice can speak to Redis through. */
export type RedisClient =
  | NodeRedisClient
  | NodeRedisCluster
  | IoRedisClient
  | DenoRedisClient
  | RedisPort;

/** The packages that can connect to a URL; loaded on first use. */
export type RedisDriver = "redis" | "@db/redis";

/** A way to reach Redis. */
export interface RedisSource {
  /** For commands: a connection that someone else keeps, or how to open one. */
  readonly commands: RedisPort | RedisOpener;
  /** Opener of one to listen with, where that is possible. */
  readonly opener: RedisOpener | undefined;
  /** True if keys are on several nodes, which carry commands out each in its own time. */
  readonly isCluster: boolean;
}

/**
 * Finds the way to reach Redis: by a URL, or a client.
 *
 * @throws {InvalidOptionError} for none or both, and for what can't be used.
 */
export function redisSource(
  options:
    | { url?: string; driver?: RedisDriver; client?: RedisClient }
    | undefined,
): RedisSource {
  const { url, driver = "redis", client } = options ?? {};
  if (url === undefined && client === undefined) {
    throw new InvalidOptionError("url or client is needed, got neither");
  }
  checkWord("driver", driver, ["redis", "@db/redis"]);
  if (client === undefined) {
    const opener = redisOpener(url, driver);
    return { commands: opener, opener, isCluster: false };
  }
  if (url !== undefined) {
    throw new InvalidOptionError("url and client can't both be given");
  }
  return {
    commands: redisPort(client),
    opener: redisDuplicator(client),
    isCluster: "nodeByAddress" in client || isIoRedisCluster(client),
  };
}

/**
 * Opens connections to a URL.
 *
 * @throws {InvalidOptionError} for a URL that isn't Redis's.
 */
export function redisOpener(
  url: unknown,
  driver: RedisDriver = "redis",
): RedisOpener {
  const checked = checkRedisUrl(url);
  return driver === "redis"
    ? nodeRedisOpener(checked)
    : denoRedisOpener(checked);
}

/** Loads a driver's package beforehand; what fails here fails again in its use. */
export async function loadRedisDriver(driver: RedisDriver): Promise<void> {
  const load = driver === "redis" ? loadNodeRedis : loadDenoRedis;
  await load().catch(() => {});
}

/**
 * Puts a client behind the {@linkcode RedisPort}.
 *
 * @throws {InvalidOptionError} for what isn't a client that can be used.
 */
export function redisPort(client: RedisClient): RedisPort {
  if ("commandBytes" in client) return client;
  if ("getSentinelNode" in client) {
    throw new InvalidOptionError(
      "client can't be a sentinel client of node-redis: give one of ioredis " +
        "with its option sentinels",
    );
  }
  if ("nodeByAddress" in client) return nodeRedisClusterPort(client);
  if ("callBuffer" in client) return ioRedisPort(client);
  if ("withTypeMapping" in client) return nodeRedisPort(client);
  if ("isConnected" in client) return denoRedisPort(client);
  throw new InvalidOptionError(
    "client must be one of node-redis, ioredis or @db/redis, or a RedisPort, " +
      `got ${quote(client)}`,
  );
}

/** Opens connections like the client's own, for a client that can. */
function redisDuplicator(client: RedisClient): RedisOpener | undefined {
  if ("nodeByAddress" in client) return nodeOfNodeRedis(client);
  if (!("duplicate" in client)) return undefined;
  if (isIoRedisCluster(client)) return nodeOfIoRedis(client);
  return "callBuffer" in client
    ? duplicateIoRedis(client)
    : duplicateNodeRedis(client);
}

function isIoRedisCluster(client: object): client is IoRedisCluster {
  return "isCluster" in client && client.isCluster === true;
}

/** Says nothing of a refused URL but its scheme: it may hold a password. */
function checkRedisUrl(url: unknown): string {
  const isText = typeof url === "string" && url !== "";
  const protocol = isText && URL.canParse(url)
    ? new URL(url).protocol
    : undefined;
  if (protocol === "redis:" || protocol === "rediss:") return url as string;
  const got = protocol !== undefined
    ? quote(protocol)
    : isText
    ? "something else"
    : quote(url);
  throw new InvalidOptionError(
    `url must begin with redis:// or rediss://, got ${got}`,
  );
}
