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
