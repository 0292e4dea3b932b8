import { waitAtMost } from "../base/deadline.ts";
import { TimeoutError } from "../base/errors.ts";
import { instruments } from "../observe/metrics/instruments.ts";
import {
  loadRedisDriver,
  type RedisClient,
  redisOpener,
  redisPort,
} from "../redis/redis_clients.ts";
import { RedisConnection } from "../redis/redis_connection.ts";
import { redisName } from "../redis/redis_name.ts";
import { opened, redisFailure, type RedisPort } from "../redis/redis_port.ts";
import { RedisScript } from "../redis/redis_script.ts";
import { ReplyDeadlines } from "../redis/reply_deadlines.ts";
import { Circuit, circuitKind } from "./circuit.ts";
import { MemoryRateLimitStore } from "./memory_rate_limit_store.ts";
import {
  type RateLimitDecision,
  type RateLimitRule,
  type RateLimitStore,
  rateLimitStoreKind,
} from "./rate_limit_store.ts";
import {
  redisRateLimitSettings,
  type RedisRateLimitStoreOptions,
  type RedisRateLimitStoreStats,
} from "./redis_rate_limit_options.ts";
import { slidingWindowScript } from "./sliding_window.ts";
import { tokenBucketScript } from "./token_bucket.ts";

/**
 * Sends one command to Redis, for a client that isn't known here: whatever it is,
 * it has a method for it, such as `(command) => client.sendCommand(command)`.
 */
export type RedisSend = (command: string[]) => Promise<unknown>;

/** Time that `connect` waits for a Redis that says nothing. */
const connectWaitMs = 1_000;
/** Time that one attempt to connect may take: a busy machine is slow at first. */
const connectTimeoutMs = 5_000;
/** Number of late answers in a row that are only hiccups. */
const mostHiccups = 3;
/** Number of pings, at the most, that make a connection warm. */
const warmingPings = 10;
/** Time that Redis keeps a key longer when its own clock isn't the one that counts. */
const foreignClockMarginMs = 60_000;

const scripts: Record<RateLimitRule["algorithm"], RedisScript> = {
  "token-bucket": new RedisScript(tokenBucketScript),
  "sliding-window": new RedisScript(slidingWindowScript),
};

/**
 * Keeps what each key has taken in Redis, so that all processes share one
 * limit. A decision is one script, run by Redis in one step; keys expire by
 * themselves as soon as they no longer count.
 *
 * @example
 * ```ts ignore
 * import { RateLimiter, RedisRateLimitStore } from "@sluice/mcp";
 *
 * await using store = await RedisRateLimitStore.connect("redis://127.0.0.1");
 * const limiter = new RateLimiter({ limit: 100, intervalMs: 60_000, store });
 * ```
 */
export class RedisRateLimitStore implements RateLimitStore, AsyncDisposable {
  readonly #send: RedisSend;
  readonly #settings: Required<RedisRateLimitStoreOptions>;
  readonly #local: MemoryRateLimitStore;
  readonly #circuit: Circuit;
  readonly #deadlines: ReplyDeadlines;
  readonly #endings: (() => void)[];
  #lastError: unknown;
  #failures = 0;
  #localDecisions = 0;
  #lateInRow = 0;

  /**
   * For a client of your own, which stays open when the store closes.
   *
   * @throws {InvalidOptionError} when an option makes no sense.
   */
  constructor(
    client: RedisClient | RedisSend,
    options: RedisRateLimitStoreOptions = {},
  ) {
    const settings = redisRateLimitSettings(options);
    const { name, timeoutMs, retryAfterMs, clock } = settings;
    this.#send = typeof client === "function" ? client : senderOf(client);
    this.#settings = settings;
    this.#local = instruments.withdraw(
      new MemoryRateLimitStore({ name, clock }),
    );
    this.#circuit = new Circuit({
      failures: 1,
      openMs: retryAfterMs,
      clock,
      onChange: (state) => state === "open" ? this.#down() : this.#up(),
    });
    this.#deadlines = new ReplyDeadlines(clock, timeoutMs);
    this.#endings = [...this.#track(), () => this.#deadlines.stop()];
  }

  /**
   * Opens a connection of the store's own, by the option `driver`. A Redis that
   * is down is no error here; the connection is retried behind the scenes.
   *
   * @throws {InvalidOptionError} when an option makes no sense, or the URL
   * doesn't begin with redis:// or rediss://.
   */
  static async connect(
    url: string,
    options: RedisRateLimitStoreOptions = {},
  ): Promise<RedisRateLimitStore> {
    const open = redisOpener(url, options.driver);
    const store: RedisRateLimitStore = new RedisRateLimitStore(
      (command) => connection.command(command),
      options,
    );
    const settings = store.#settings;
    const { clock, driver } = settings;
    await loadRedisDriver(driver);
    const connected = Promise.withResolvers<void>();
    const connection: RedisConnection = new RedisConnection({
      open: async (signal) => {
        const port = await open(signal);
        return await opened(port, warm(port, settings), signal);
      },
      connectTimeoutMs,
      clock,
      random: Math.random,
      onOpen: () => {
        connected.resolve();
        store.#circuit.tryNow().end("success");
      },
      onLost: (error) => store.#lost(error),
    });
    store.#endings.push(() => connection.close());
    await waitAtMost(connected.promise, connectWaitMs, { clock });
    return store;
  }

  /**
   * Takes `cost` units for `key`. Rejects only if `whenDown` is `"throw"`.
   *
   * @throws {TimeoutError} when Redis took longer than `timeoutMs`.
   */
  async take(
    key: string,
    cost: number,
    rule: RateLimitRule,
  ): Promise<RateLimitDecision> {
    const local = this.#settings.whenDown === "local";
    const call = this.#circuit.enter();
    if (call === undefined && local) {
      return this.#decideLocally(key, cost, rule);
    }
    const work = this.#decide(key, cost, rule);
    try {
      const decision = await this.#inTime(work);
      this.#lateInRow = 0;
      call?.end("success");
      return decision;
    } catch (error) {
      this.#failures++;
      this.#lastError = error;
      call?.end("failure");
      work.then(() => this.#answeredLate(), () => {});
      if (!local) throw error;
      return this.#decideLocally(key, cost, rule);
    }
  }

  /** Ends the connection, if `connect` opened it. */
  close(): Promise<void> {
    for (const end of this.#endings.splice(0)) end();
    return Promise.resolve();
  }

  /** Same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A snapshot of the counters. */
  get stats(): RedisRateLimitStoreStats {
    const { state, opened } = this.#circuit.stats;
    return {
      name: this.#settings.name,
      down: state !== "closed",
      failures: this.#failures,
      outages: opened,
      localDecisions: this.#localDecisions,
    };
  }

  #track(): (() => void)[] {
    const { name } = this.#settings;
    return [
      instruments.track(
        rateLimitStoreKind,
        { name, type: "redis" },
        this,
        ({ stats }) => ({ local_decisions: stats.localDecisions }),
      ),
      instruments.track(circuitKind, { name }, this, ({ stats }) => ({
        open: stats.down ? 1 : 0,
        opened: stats.outages,
        errors: stats.failures,
      })),
    ];
  }

  async #decide(
    key: string,
    cost: number,
    { algorithm, limit, intervalMs, burst }: RateLimitRule,
  ): Promise<RateLimitDecision> {
    const time = this.#settings.useServerTime
      ? ["", 0]
      : [Math.floor(this.#settings.wallClock()), foreignClockMarginMs];
    const reply = await scripts[algorithm].run(
      this.#send,
      this.#settings.prefix + redisName(key),
      [limit, intervalMs, burst, cost, ...time].map(String),
    );
    const [allowed, remaining, retryAfterMs, resetAfterMs] =
      (reply as unknown[]).map(Number);
    return { allowed: allowed === 1, remaining, retryAfterMs, resetAfterMs };
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const pending = this.#deadlines.add(() =>
        reject(
          new TimeoutError("the rate limit's Redis", this.#settings.timeoutMs),
        )
      );
      work.then(resolve, reject).finally(() => pending.done = true);
    });
  }

  /** A hiccup is over when the answer comes; a slow Redis is left alone. */
  #answeredLate(): void {
    if (this.#circuit.state !== "open") return;
    if (++this.#lateInRow <= mostHiccups) this.#circuit.tryNow().end("success");
  }

  #decideLocally(
    key: string,
    cost: number,
    rule: RateLimitRule,
  ): RateLimitDecision {
    this.#localDecisions++;
    const limit = this.#shareOf(rule.limit);
    const burst = this.#shareOf(rule.burst);
    const most = rule.algorithm === "token-bucket" ? burst : limit;
    if (cost > most) {
      // Never alone: Redis must be back for it.
      return {
        allowed: false,
        remaining: 0,
        retryAfterMs: this.#settings.retryAfterMs,
        resetAfterMs: this.#settings.retryAfterMs,
      };
    }
    return this.#local.take(key, cost, { ...rule, limit, burst });
  }

  #shareOf(units: number): number {
    return Math.max(1, Math.floor(units * this.#settings.localShare));
  }

  #lost(error: unknown): void {
    this.#lastError = error;
    this.#circuit.trip();
  }

  #down(): void {
    this.#report(
      `limits are not shared for now, Redis is away: ${
        redisFailure(this.#lastError)
      }`,
    );
    this.#settings.onStateChange(this.#lastError);
  }

  #up(): void {
    this.#report("limits are shared through Redis again");
    this.#settings.onStateChange();
  }

  /** With `"throw"` the callers know already. */
  #report(message: string): void {
    if (this.#settings.whenDown === "local") {
      this.#settings.log(`${this.#settings.name}: ${message}`);
    }
  }
}

function senderOf(client: RedisClient): RedisSend {
  const port = redisPort(client);
  return (command) => port.command(command);
}

/** Waits until Redis answers in time: the first answers over a connection are slow. */
async function warm(
  port: RedisPort,
  { clock, timeoutMs }: Required<RedisRateLimitStoreOptions>,
): Promise<void> {
  const send = (command: string[]): Promise<unknown> => port.command(command);
  for (const script of Object.values(scripts)) {
    await script.load(send).catch(() => {});
  }
  for (let pings = 0; pings < warmingPings; pings++) {
    const start = clock.now();
    await port.command(["PING"]);
    if (clock.now() - start <= timeoutMs / 2) return;
  }
}
