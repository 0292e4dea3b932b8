import type { Buffer } from "node:buffer";
import { toBuffers } from "./node_redis.ts";
import { opened, type RedisOpener, type RedisPort } from "./redis_port.ts";

/** Part that is used of a client of `npm:ioredis`, version 5 or later. */
export interface IoRedisClient {
  /** Sends one command; strings come back as strings. */
  call(command: string, args: (string | Buffer)[]): Promise<unknown>;
  /** The same, but strings come back as bytes. */
  callBuffer(command: string, args: (string | Buffer)[]): Promise<unknown>;
  /** A client of the same settings, not yet connected if `lazyConnect` says so. */
  duplicate(overrides?: Record<never, never>): unknown;
  /** Connects a duplicate. */
  connect(): Promise<void>;
  /** Turns a duplicate into a subscriber of channels. */
  subscribe(...channels: string[]): Promise<unknown>;
  /** Hears of `error`, `close` and, as a subscriber, `message`. */
  // deno-lint-ignore no-explicit-any
  on(event: string, listener: (...args: any[]) => void): unknown;
  /** Ends a connection at once. */
  disconnect(reconnect?: boolean): void;
}

/** Puts a client of `npm:ioredis` behind the {@linkcode RedisPort}. */
export function ioRedisPort(client: IoRedisClient): RedisPort {
  client.on("error", () => {});
  return {
    command(args) {
      const [command, ...rest] = toBuffers(args);
      return client.call(command as string, rest);
    },
    commandBytes(args) {
      const [command, ...rest] = toBuffers(args);
      return client.callBuffer(command as string, rest);
    },
    async subscribe(channels, listener) {
      client.on("message", listener);
      await client.subscribe(...channels);
    },
    onLost: (callback) => void client.on("close", callback),
    close: () => client.disconnect(),
  };
}

/** Opens connections like the client's own. */
export function duplicateIoRedis(client: IoRedisClient): RedisOpener {
  return async (signal) => {
    const copy = client.duplicate({
      lazyConnect: true,
      retryStrategy: null,
    }) as IoRedisClient;
    return await opened(ioRedisPort(copy), copy.connect(), signal);
  };
}
