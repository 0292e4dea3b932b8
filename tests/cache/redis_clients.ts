import { DENO_REDIS } from "../../src/redis/deno_redis.ts";
import { Redis as IoRedis } from "ioredis";
import { createClient } from "redis";
import type { RedisCacheOptions } from "../../src/cache/redis/redis_cache_options.ts";

/** One way to reach Redis. */
export interface ClientUnderTest {
  readonly name: string;
  /** Why it can't be tested here. */
  readonly missing?: string;
  /** Connects; `close` ends what the cache doesn't. */
  connect(url: string): Promise<{
    options: Pick<RedisCacheOptions, "url" | "client" | "driver">;
    close(): void | Promise<void>;
  }>;
}

const nothing = (): void => {};

/** Whether `jsr:@db/redis` can be loaded here. */
async function denoRedisMissing(): Promise<string | undefined> {
  try {
    await import(DENO_REDIS);
    return undefined;
  } catch (error) {
    return (error as Error).message.split("\n")[0];
  }
}

const missing = await denoRedisMissing();

/** Every client that a RedisCache takes. */
export const clients: readonly ClientUnderTest[] = [
  {
    name: "url",
    connect: (url) => Promise.resolve({ options: { url }, close: nothing }),
  },
  {
    name: "node-redis",
    connect: async (url) => {
      const client = createClient({
        url,
        disableOfflineQueue: true,
        socket: { reconnectStrategy: 20 },
      });
      client.on("error", nothing);
      await client.connect();
      return { options: { client }, close: () => client.destroy() };
    },
  },
  {
    name: "ioredis",
    connect: async (url) => {
      const client = new IoRedis(url, {
        lazyConnect: true,
        retryStrategy: () => 20,
      });
      client.on("error", nothing);
      await client.connect();
      return { options: { client }, close: () => client.disconnect() };
    },
  },
  {
    name: "@db/redis",
    missing,
    connect: (url) =>
      Promise.resolve({
        options: { url, driver: "@db/redis" },
        close: nothing,
      }),
  },
];

if (missing !== undefined) {
  console.log(`jsr:@db/redis isn't tested, it can't be loaded: ${missing}`);
}
