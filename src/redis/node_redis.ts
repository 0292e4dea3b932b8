import type { Buffer } from "node:buffer";
import {
  closeQuietly,
  opened,
  type RedisArgument,
  type RedisOpener,
  type RedisPort,
} from "./redis_port.ts";

/** Part that is used of a client of `npm:redis`, version 5 or later. */
export interface NodeRedisClient {
  /** Never called: by it this client is told from others. */
  withTypeMapping(mapping: Record<never, never>): unknown;
  /** Sends one command; the options say which replies come as bytes. */
  sendCommand(
    args: readonly (string | Buffer)[],
    options?: Record<never, never>,
  ): Promise<unknown>;
  /** A client of the same settings, not yet connected. */
  duplicate(overrides?: Record<never, never>): unknown;
  /** Connects a duplicate. */
  connect(): Promise<unknown>;
  /** Turns a duplicate into a subscriber of channels. */
  subscribe(
    channels: string[],
    listener: (message: string, channel: string) => void,
  ): Promise<void>;
  /** Hears of `error` and `end`. */
  // deno-lint-ignore no-explicit-any
  on(event: string, listener: (...args: any[]) => void): unknown;
  /** Ends a connection at once. */
  destroy(): void;
}

/** RESP's type byte of strings ("$"): node-redis maps reply types by number. */
export const bytesReply = (): object => ({
  typeMapping: { 36: nodeBuffer() },
});

/** Puts a client of `npm:redis` behind the {@linkcode RedisPort}. */
export function nodeRedisPort(client: NodeRedisClient): RedisPort {
  client.on("error", () => {});
  return {
    command: (args) => client.sendCommand(toBuffers(args)),
    commandBytes: (args) => client.sendCommand(toBuffers(args), bytesReply()),
    subscribe: (channels, listener) =>
      client.subscribe(
        [...channels],
        (message, channel) => listener(channel, message),
      ),
    onLost(callback) {
      client.on("error", callback);
      client.on("end", callback);
    },
    close: () => closeQuietly(() => client.destroy()),
  };
}

/** Loads `npm:redis`, once. */
export function loadNodeRedis(): Promise<typeof import("redis")> {
  return import("redis");
}

/** Loads `npm:redis` and connects it to a URL. */
export function nodeRedisOpener(url: string): RedisOpener {
  return async (signal) => {
    const { createClient } = await loadNodeRedis();
    const client = createClient({
      url,
      disableOfflineQueue: true,
      socket: { reconnectStrategy: false },
    });
    return await opened(nodeRedisPort(client), client.connect(), signal);
  };
}

/** Opens connections like the client's own. */
export function duplicateNodeRedis(client: NodeRedisClient): RedisOpener {
  const { options } = client as { options?: { socket?: object } };
  return async (signal) => {
    const copy = client.duplicate({
      socket: { ...options?.socket, reconnectStrategy: false },
    }) as NodeRedisClient;
    return await opened(nodeRedisPort(copy), copy.connect(), signal);
  };
}

/** Read when it is used: importing it costs every start 4 ms (bench/startup.ts). */
function nodeBuffer(): typeof Buffer {
  return (globalThis as unknown as { Buffer: typeof Buffer }).Buffer;
}

/** Node's clients take bytes as a Buffer only. */
export function toBuffers(
  args: readonly RedisArgument[],
): readonly (string | Buffer)[] {
  return args.every((arg) => typeof arg === "string")
    ? args
    : args.map(toBuffer);
}

function toBuffer(arg: RedisArgument): string | Buffer {
  return typeof arg === "string"
    ? arg
    : nodeBuffer().from(arg.buffer, arg.byteOffset, arg.byteLength);
}
