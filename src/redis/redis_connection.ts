import { backoffMs } from "../base/backoff.ts";
import type { Clock, TimerHandle } from "../base/clock.ts";
import { deadline } from "../base/deadline.ts";
import type { RedisArgument, RedisOpener, RedisPort } from "./redis_port.ts";

/** Time before a lost connection is opened again. */
const WAIT = { firstMs: 25, maxMs: 400 };

/** Options of a {@linkcode RedisConnection}. */
export interface RedisConnectionOptions {
  readonly open: RedisOpener;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Called with each new connection. */
  readonly onOpen: (port: RedisPort) => void;
  /** Called when one is lost, and when one can't be opened. */
  readonly onLost: (error: unknown) => void;
}

/** Keeps one connection open: when it is lost another one takes its place. */
export class RedisConnection {
  readonly #options: RedisConnectionOptions;
  #port: RedisPort | undefined;
  #attempt: AbortController | undefined;
  #timer: TimerHandle;
  /** Settled when the first attempt has ended. */
  readonly #tried = Promise.withResolvers<void>();
  #failures = 0;
  #lostBy: unknown;
  #closed = false;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.#open();
  }

  /** Sends a command; rejects at once while there is no connection, but for the first. */
  command(args: readonly RedisArgument[]): Promise<unknown> {
    if (this.#port !== undefined) return this.#port.command(args);
    return this.#lostBy === undefined
      ? this.#tried.promise.then(() => this.command(args))
      : Promise.reject(this.#lostBy);
  }

  /** Gives the connection up for lost. */
  drop(reason: unknown): void {
    if (this.#port !== undefined) this.#lose(this.#port, reason);
  }

  close(): void {
    this.#closed = true;
    this.#lostBy ??= new Error("the connection is closed");
    this.#tried.resolve();
    this.#options.clock.clearTimeout(this.#timer);
    this.#attempt?.abort();
    this.#port?.close();
    this.#port = undefined;
  }

  async #open(): Promise<void> {
    const { clock, connectTimeoutMs, open } = this.#options;
    const { signal } = this.#attempt = new AbortController();
    let opening: Promise<RedisPort> | undefined;
    try {
      const port = await deadline(
        (signal) => opening = open(signal),
        connectTimeoutMs,
        { name: "connecting", clock, signal, keepAlive: false },
      );
      this.#use(port);
    } catch (error) {
      opening?.then((port) => port.close(), () => {});
      this.#reopen(error);
    }
  }

  #use(port: RedisPort): void {
    if (this.#closed) return port.close();
    this.#port = port;
    this.#failures = 0;
    this.#tried.resolve();
    port.onLost(() => this.#lose(port, new Error("the connection was lost")));
    this.#options.onOpen(port);
  }

  #lose(port: RedisPort, reason: unknown): void {
    if (this.#port !== port) return;
    this.#port = undefined;
    port.close();
    this.#reopen(reason);
  }

  #reopen(reason: unknown): void {
    if (this.#closed) return;
    const { clock, onLost, random } = this.#options;
    this.#lostBy = reason;
    this.#tried.resolve();
    onLost(reason);
    this.#timer = clock.setTimeout(
      () => this.#open(),
      backoffMs(++this.#failures, { ...WAIT, random }),
      { keepAlive: false },
    );
  }
}
