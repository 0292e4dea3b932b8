import type { Buffer } from "node:buffer";
import { toBuffers } from "./node_redis.ts";
import {
  opened,
  type RedisArgument,
  type RedisListener,
  type RedisOpener,
  type RedisPort,
} from "./redis_port.ts";

/** What is used of a client of `npm:ioredis`, version 5 or later. */
export interface IoRedisClient {
  call(command: string, args: (string | Buffer)[]): Promise<unknown>;
  callBuffer(command: string, args: (string | Buffer)[]): Promise<unknown>;
  duplicate(overrides?: Record<never, never>): unknown;
  connect(): Promise<void>;
  subscribe(...channels: string[]): Promise<unknown>;
  // deno-lint-ignore no-explicit-any
  on(event: string, listener: (...args: any[]) => void): unknown;
  disconnect(reconnect?: boolean): void;
}

/** A client of `npm:ioredis` as a {@linkcode RedisPort}. */
export class IoRedisPort implements RedisPort {
  readonly #client: IoRedisClient;

  constructor(client: IoRedisClient) {
    this.#client = client;
    client.on("error", () => {});
  }

  command(args: readonly RedisArgument[]): Promise<unknown> {
    const [command, ...rest] = toBuffers(args);
    return this.#client.call(command as string, rest);
  }

  commandBytes(args: readonly RedisArgument[]): Promise<unknown> {
    const [command, ...rest] = toBuffers(args);
    return this.#client.callBuffer(command as string, rest);
  }

  async subscribe(
    channels: readonly string[],
    listener: RedisListener,
  ): Promise<void> {
    this.#client.on("message", listener);
    await this.#client.subscribe(...channels);
  }

  onLost(callback: () => void): void {
    this.#client.on("close", callback);
  }

  close(): void {
    this.#client.disconnect();
  }
}

/** Opens connections like the client's own. */
export function duplicateIoRedis(client: IoRedisClient): RedisOpener {
  return async (signal) => {
    const copy = client.duplicate({
      lazyConnect: true,
      retryStrategy: null,
    }) as IoRedisClient;
    return await opened(new IoRedisPort(copy), copy.connect(), signal);
  };
}
