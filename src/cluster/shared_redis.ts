import type { Clock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import { option, type OptionRules, readOptions } from "../base/option_rules.ts";
import { quote } from "../base/options.ts";
import type { HealthResult } from "../observe/health/health_check.ts";
import type { HealthCheckable } from "../observe/health/health_checkable.ts";
import type { Log } from "../observe/log/log.ts";
import {
  type RedisClient,
  type RedisDriver,
  redisSource,
} from "../redis/redis_clients.ts";
import { RedisCommands } from "../redis/redis_commands.ts";
import {
  opened,
  type RedisArgument,
  redisFailure,
  type RedisOpener,
  type RedisPort,
  refusalOf,
} from "../redis/redis_port.ts";
import { RedisBus } from "./redis_bus.ts";

/** Settings for the Redis that the replicas of a server share. */
export interface SharedRedisOptions {
  /** Where it is: `redis://` or `rediss://`. This or `client` is needed. */
  url?: string;
  /** A client of node-redis or ioredis, be it of a cluster, in place of a URL. */
  client?: RedisClient;
  /**
   * Package that connects to the URL.
   * @default "redis"
   */
  driver?: RedisDriver;
  /**
   * Goes before every key and channel. Servers that share a Redis, but are not
   * replicas of each other, need one each.
   * @default "sluice:" and the server's name
   */
  prefix?: string;
  /**
   * Milliseconds that Redis may take to answer.
   * @default 1000
   */
  timeoutMs?: number;
  /**
   * Milliseconds that connecting may take, and after which silence means that the
   * connection is gone.
   * @default 2000
   */
  connectTimeoutMs?: number;
}

/** Part of a shared Redis in which replicas keep things. */
export interface RedisSpace {
  /** Goes before every key. */
  readonly prefix: string;
  /**
   * Sends one command, at once and in order.
   *
   * @throws {UnavailableError} if no answer came in time, or none can come
   */
  send(command: readonly string[]): Promise<unknown>;
}

/** Knowledge that shared Redis needs of its server. */
export interface SharedRedisHost {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Why one of a cluster's nodes can't be used by itself. */
const CLUSTER_NODE =
  "it is a node of a cluster: give a client of the cluster in place of a url";

/** Interval at which a replica proves to itself that it hears, in milliseconds. */
const HEARTBEAT_MS = 500;

const OPTIONS = {
  url: option.optional<string>(),
  client: option.optional<RedisClient>(),
  driver: option.optional<RedisDriver>(),
  prefix: option.optional<string>(),
  timeoutMs: option.durationMs(1_000, 1),
  connectTimeoutMs: option.durationMs(2_000, 1),
} satisfies OptionRules<SharedRedisOptions>;

/** All that a server's replicas have in common, in one Redis. */
export class SharedRedis
  implements RedisSpace, HealthCheckable, AsyncDisposable {
  readonly #commands: RedisCommands;
  readonly bus: RedisBus;
  readonly prefix: string;
  /** True if commands are carried out in the order in which they are sent, whatever their keys. */
  readonly inOrder: boolean;

  /** @throws {InvalidOptionError} naming the option */
  constructor(
    given: string | SharedRedisOptions,
    { name, clock, log }: SharedRedisHost,
  ) {
    const options = typeof given === "string" ? { url: given } : given;
    const { timeoutMs, connectTimeoutMs, prefix = `sluice:${name}:` } =
      readOptions("redis", options, OPTIONS, "redis.");
    const times = { timeoutMs, connectTimeoutMs };
    const { commands, opener, isCluster } = redisSource(options);
    if (opener === undefined) {
      throw new InvalidOptionError(
        "redis.client can't open a second connection to listen with: give a " +
          "url, or a client of node-redis or ioredis",
      );
    }
    this.prefix = checkPrefix(prefix);
    this.inOrder = !isCluster;
    this.#commands = new RedisCommands({
      ...times,
      commands: typeof commands === "function"
        ? toPrimary(commands, `${this.prefix}trial`)
        : commands,
      clock,
      random: Math.random,
      onChange: (error) => {
        if (error === undefined) log.info("Redis can be reached again");
        else {
          log.warning(`Redis can't be reached: ${redisFailure(error)}`);
        }
      },
    });
    this.bus = new RedisBus({
      ...times,
      commands: this.#commands,
      open: opener,
      prefix: this.prefix,
      heartbeatMs: HEARTBEAT_MS,
      clock,
      random: Math.random,
    });
  }

  send(command: readonly RedisArgument[]): Promise<unknown> {
    return this.#commands.send(command);
  }

  /** The same connection as a client, for what listens to nothing and keeps text. */
  get client(): RedisPort {
    const refuse = () => Promise.reject(new Error("it is shared"));
    return {
      command: (args) => this.send(args),
      commandBytes: refuse,
      subscribe: refuse,
      onLost() {},
      close() {},
    };
  }

  async checkHealth(): Promise<HealthResult> {
    try {
      // One that is full, or may not be written, answers a PING.
      await this.send(["SET", `${this.prefix}trial`, "", "PX", "1000"]);
    } catch (error) {
      return { status: "unhealthy", message: redisFailure(error) };
    }
    const failure = this.#commands.recentFailure;
    if (failure !== undefined) {
      return {
        status: "degraded",
        message: `some commands failed lately: ${failure}`,
      };
    }
    return this.bus.connected ? { status: "healthy" } : {
      status: "degraded",
      message: "the other replicas aren't heard",
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bus[Symbol.asyncDispose]();
    this.#commands.close();
  }
}

/** Opens no connection to a Redis that takes no changes: the address may yet move on. */
function toPrimary(open: RedisOpener, trial: string): RedisOpener {
  return async (signal) => {
    const port = await open(signal);
    const tried = port.command(["DEL", trial]).catch((error) => {
      const refusal = refusalOf(error);
      if (refusal === "READONLY") throw error;
      if (refusal === "MOVED") throw new Error(CLUSTER_NODE);
    });
    return await opened(port, tried, signal);
  };
}

function checkPrefix(prefix: unknown): string {
  if (typeof prefix === "string" && prefix !== "") return prefix;
  throw new InvalidOptionError(
    `redis.prefix must be a string that is not empty, got ${quote(prefix)}`,
  );
}
