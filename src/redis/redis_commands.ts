import type { Clock } from "../base/clock.ts";
import { TimeoutError, UnavailableError } from "../base/errors.ts";
import { RedisConnection } from "./redis_connection.ts";
import {
  isUnusable,
  type RedisArgument,
  redisFailure,
  type RedisOpener,
  type RedisPort,
  refusalOf,
} from "./redis_port.ts";
import { ReplyDeadlines } from "./reply_deadlines.ts";

/** Options of {@linkcode RedisCommands}. */
export interface RedisCommandsOptions {
  /** A connection that someone else keeps, or how to open one. */
  readonly commands: RedisPort | RedisOpener;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told when Redis can't be used any more, and, without an error, when it can again. */
  readonly onChange: (error?: unknown) => void;
}

/** A failure counts as recent for so long, in milliseconds. */
const RECENT_MS = 5_000;

/**
 * Sends commands to Redis over one connection for all who share it. While there
 * is none a command fails at once; one whose answer is late gives the connection
 * up, since what comes over it later can't be told from what was asked later.
 */
export class RedisCommands {
  readonly #port: RedisPort | undefined;
  readonly #connection: RedisConnection | undefined;
  readonly #deadlines: ReplyDeadlines;
  readonly #options: RedisCommandsOptions;
  #up: boolean | undefined;
  /** The last failure since a connection was opened. */
  #failed: { readonly at: number; readonly cause: unknown } | undefined;
  #closed = false;

  constructor(options: RedisCommandsOptions) {
    this.#options = options;
    this.#deadlines = new ReplyDeadlines(options.clock, options.timeoutMs);
    const { commands } = options;
    if (typeof commands === "function") {
      this.#connection = new RedisConnection({
        ...options,
        open: commands,
        onOpen: () => {
          this.#failed = undefined;
          this.#change(true);
        },
        onLost: (error) => this.#change(false, error),
      });
    } else this.#port = commands;
  }

  /**
   * Sends one command, at once and in order.
   *
   * @throws {UnavailableError} if no answer came in time, or none can come
   * @throws {Error} that Redis answered with
   */
  send(args: readonly RedisArgument[]): Promise<unknown> {
    if (this.#closed) {
      return Promise.reject(new UnavailableError("Redis", "it is closed"));
    }
    return new Promise((resolve, reject) => {
      const pending = this.#deadlines.add(() => {
        const late = new TimeoutError("an answer", this.#options.timeoutMs);
        this.#connection?.drop(late);
        reject(this.#unavailable(late));
      });
      this.#dispatch(args).then((reply) => {
        pending.done = true;
        if (this.#up !== true) this.#reached();
        resolve(reply);
      }, (error) => {
        pending.done = true;
        // It is the primary no more: who is, a new connection may find.
        if (refusalOf(error) === "READONLY") this.#connection?.drop(error);
        reject(isUnusable(error) ? this.#unavailable(error) : error);
      });
    });
  }

  /** Why a command failed within the last seconds; `undefined` if none did. */
  get recentFailure(): string | undefined {
    if (this.#failed === undefined) return undefined;
    const { at, cause } = this.#failed;
    const isRecent = this.#options.clock.now() - at < RECENT_MS;
    return isRecent ? redisFailure(cause) : undefined;
  }

  close(): void {
    this.#closed = true;
    this.#deadlines.stop();
    this.#connection?.close();
  }

  #dispatch(args: readonly RedisArgument[]): Promise<unknown> {
    const way = this.#connection ?? this.#port!;
    // A client may throw at once as well.
    return Promise.try(() => way.command(args));
  }

  /** A connection of its own is to one node; of a client's, another may not answer. */
  #reached(): void {
    if (this.#connection !== undefined) this.#failed = undefined;
    if (this.recentFailure === undefined) this.#change(true);
  }

  #unavailable(cause: unknown): UnavailableError {
    this.#failed = { at: this.#options.clock.now(), cause };
    // One that refuses some commands answers others: it is not lost and found with each.
    if (refusalOf(cause) === undefined) this.#change(false, cause);
    return new UnavailableError("Redis", redisFailure(cause), { cause });
  }

  #change(up: boolean, error?: unknown): void {
    if (this.#up === up) return;
    const first = this.#up === undefined;
    this.#up = up;
    if (!up) this.#options.onChange(error);
    else if (!first) this.#options.onChange();
  }
}
