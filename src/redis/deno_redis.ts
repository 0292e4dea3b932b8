import type {
  RedisArgument,
  RedisListener,
  RedisOpener,
  RedisPort,
} from "./redis_port.ts";

/** What is used of a client of `jsr:@db/redis`. */
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

/** What is used of its subscriptions. */
export interface DenoRedisSubscription {
  /** What is published, until the connection ends. */
  receive(): AsyncIterable<{ channel: string; message: string }>;
}

/** A client of `jsr:@db/redis` as a {@linkcode RedisPort}. */
export class DenoRedisPort implements RedisPort {
  readonly #client: DenoRedisClient;
  #onLost: () => void = () => {};

  constructor(client: DenoRedisClient) {
    this.#client = client;
    client.addEventListener("close", () => this.#onLost());
    client.addEventListener("end", () => this.#onLost());
  }

  command([command, ...args]: readonly RedisArgument[]): Promise<unknown> {
    return this.#client.sendCommand(command as string, args);
  }

  commandBytes([command, ...args]: readonly RedisArgument[]): Promise<unknown> {
    return this.#client.sendCommand(command as string, args, {
      returnUint8Arrays: true,
    });
  }

  async subscribe(
    channels: readonly string[],
    listener: RedisListener,
  ): Promise<void> {
    const subscription = await this.#client.subscribe(...channels);
    receive(subscription, listener).catch(() => {}).finally(this.#onLost);
  }

  onLost(callback: () => void): void {
    this.#onLost = callback;
  }

  close(): void {
    try {
      this.#client.close();
    } catch {
      // It was closed already.
    }
  }
}

async function receive(
  subscription: DenoRedisSubscription,
  listener: RedisListener,
): Promise<void> {
  for await (const { channel, message } of subscription.receive()) {
    listener(channel, message);
  }
}

/** What is used of the package. */
interface DenoRedisPackage {
  parseURL(url: string): object;
  connect(options: object): Promise<DenoRedisClient>;
}

/**
 * Not a literal in the import: Deno would ask JSR for its metadata whenever the
 * module graph is built, named or not.
 */
export const DENO_REDIS: string = "jsr:@db/redis@^0.41.0";

/** Loads `jsr:@db/redis` and connects it to a URL. */
export function denoRedisOpener(url: string): RedisOpener {
  return async (signal) => {
    const { connect, parseURL } = await import(
      DENO_REDIS
    ) as DenoRedisPackage;
    const client = await connect({
      ...parseURL(url),
      maxRetryCount: 0,
      noDelay: true,
      signal: () => signal,
    });
    return new DenoRedisPort(client);
  };
}
