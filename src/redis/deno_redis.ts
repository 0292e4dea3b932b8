import {
  closeQuietly,
  type RedisArgument,
  type RedisListener,
  type RedisOpener,
  type RedisPort,
} from "./redis_port.ts";

/** Part that is used of a client of `jsr:@db/redis`. */
export interface DenoRedisClient {
  /** Never read: by it this client is told from others. */
  readonly isConnected: boolean;
  /** Sends one command; `returnUint8Arrays` has strings come back as bytes. */
  sendCommand(
    command: string,
    args?: RedisArgument[],
    options?: { returnUint8Arrays?: boolean },
  ): Promise<unknown>;
  /** Turns the connection into a subscriber of channels. */
  subscribe(...channels: string[]): Promise<DenoRedisSubscription>;
  /** Hears that the connection was lost. */
  addEventListener(type: "close" | "end", callback: () => void): void;
  /** Ends the connection; throws if it has ended. */
  close(): void;
}

/** Part that is used of its subscriptions. */
export interface DenoRedisSubscription {
  /** Messages that are published, until the connection ends. */
  receive(): AsyncIterable<{ channel: string; message: string }>;
}

/** Puts a client of `jsr:@db/redis` behind the {@linkcode RedisPort}. */
export function denoRedisPort(client: DenoRedisClient): RedisPort {
  let onLost = (): void => {};
  client.addEventListener("close", () => onLost());
  client.addEventListener("end", () => onLost());
  return {
    command: ([command, ...args]) =>
      client.sendCommand(command as string, args),
    commandBytes: ([command, ...args]) =>
      client.sendCommand(command as string, args, { returnUint8Arrays: true }),
    async subscribe(channels, listener) {
      const subscription = await client.subscribe(...channels);
      receive(subscription, listener).catch(() => {}).finally(onLost);
    },
    onLost: (callback) => void (onLost = callback),
    close: () => closeQuietly(() => client.close()),
  };
}

async function receive(
  subscription: DenoRedisSubscription,
  listener: RedisListener,
): Promise<void> {
  for await (const { channel, message } of subscription.receive()) {
    listener(channel, message);
  }
}

/** Part that is used of the package. */
export interface DenoRedisPackage {
  parseURL(url: string): object;
  connect(options: object): Promise<DenoRedisClient>;
}

/**
 * Not a literal in the import: Deno would ask JSR for its metadata whenever the
 * module graph is built, named or not.
 */
export const DENO_REDIS: string = "jsr:@db/redis@^0.41.0";

/** Loads `jsr:@db/redis`, once. */
export function loadDenoRedis(): Promise<DenoRedisPackage> {
  return import(DENO_REDIS);
}

/** Loads `jsr:@db/redis` and connects it to a URL. */
export function denoRedisOpener(url: string): RedisOpener {
  return async (signal) => {
    const { connect, parseURL } = await loadDenoRedis();
    const client = await connect({
      ...parseURL(url),
      maxRetryCount: 0,
      noDelay: true,
      signal: () => signal,
    });
    return denoRedisPort(client);
  };
}
