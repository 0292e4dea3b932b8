import type { Clock, TimerHandle } from "../base/clock.ts";
import { TimeoutError } from "../base/errors.ts";
import { RedisConnection } from "./redis_connection.ts";
import { opened, type RedisListener, type RedisOpener } from "./redis_port.ts";

/** Options of a {@linkcode RedisSubscriber}. */
export interface RedisSubscriberOptions {
  readonly open: RedisOpener;
  readonly channels: readonly string[];
  /** A channel of its own, for its heartbeats. */
  readonly inbox: string;
  /** Has Redis publish a heartbeat on the inbox; what is put after it is handed on. */
  readonly beat: (heartbeat: string) => Promise<unknown>;
  /** Time after which it proves that it hears everything; ten times that often until then. */
  readonly heartbeatMs: number;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onMessage: RedisListener;
  /** Told what a heartbeat that came back has after it. */
  readonly onBeat?: (rest: string) => void;
  /** Told when it hears again, after what may have been missed; the first time as well. */
  readonly onGap: () => void;
}

/**
 * Hears what is published on some channels. Redis delivers in order, so a
 * heartbeat that came back proves that every message before it has come in too.
 */
export class RedisSubscriber {
  readonly #options: RedisSubscriberOptions;
  readonly #connection: RedisConnection;
  readonly #ready = Promise.withResolvers<void>();
  #timer: TimerHandle;
  #provenAt = -Infinity;
  /** Number of the connection that a heartbeat belongs to. */
  #generation = 0;
  /** True if messages may have been missed since the last proof. */
  #gap = true;
  /** Time in which heartbeats have not come back: what stops this process counts for nothing. */
  #unheardMs = 0;

  constructor(options: RedisSubscriberOptions) {
    this.#options = options;
    const { channels, inbox } = options;
    this.#connection = new RedisConnection({
      ...options,
      open: async (signal) => {
        const port = await options.open(signal);
        const subscribing = port.subscribe(
          [...channels, inbox],
          (channel, message) => this.#receive(channel, message),
        );
        return await opened(port, subscribing, signal);
      },
      onOpen: () => this.#opened(),
      onLost: () => this.#lost(),
    });
  }

  /** Everything published before this time, by the clock, has been heard. */
  get provenAt(): number {
    return this.#provenAt;
  }

  /** Settled when it has been proven for the first time, or closed. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Hears no more, and ends its connection. */
  close(): void {
    this.#ready.resolve();
    this.#options.clock.clearTimeout(this.#timer);
    this.#provenAt = -Infinity;
    this.#connection.close();
  }

  #opened(): void {
    this.#generation++;
    this.#unheardMs = 0;
    this.#beat();
  }

  #lost(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#provenAt = -Infinity;
    this.#gap = true;
  }

  #beat(): void {
    const { beat, clock, connectTimeoutMs, heartbeatMs } = this.#options;
    if (this.#unheardMs >= connectTimeoutMs) {
      return this.#connection.drop(
        new TimeoutError("a heartbeat", connectTimeoutMs),
      );
    }
    beat(`${this.#generation} ${clock.now()}`);
    const waitMs = this.#gap ? heartbeatMs / 10 : heartbeatMs;
    this.#unheardMs += waitMs;
    this.#timer = clock.setTimeout(() => this.#beat(), waitMs, {
      keepAlive: false,
    });
  }

  #receive(channel: string, message: string): void {
    const { inbox, onMessage } = this.#options;
    if (channel === inbox) this.#prove(message);
    else onMessage(channel, message);
  }

  #prove(heartbeat: string): void {
    const [generation, sentAt, rest = ""] = heartbeat.split(" ");
    if (Number(generation) !== this.#generation) return;
    this.#unheardMs = 0;
    this.#options.onBeat?.(rest);
    if (this.#gap) {
      this.#gap = false;
      this.#options.onGap();
    }
    this.#provenAt = Number(sentAt);
    this.#ready.resolve();
  }
}
