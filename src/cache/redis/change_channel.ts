import type { Clock, TimerHandle } from "../../base/clock.ts";
import { TimeoutError } from "../../base/errors.ts";
import { RedisConnection } from "../../redis/redis_connection.ts";
import { opened, type RedisOpener } from "../../redis/redis_port.ts";

/** Hears of changes that others made. */
export interface ChangeListener {
  /** These entries were set or deleted. */
  onKeys(keys: readonly string[]): void;
  /** Every entry with this tag was invalidated. */
  onTag(tag: string): void;
  /** Changes may have been missed. */
  onGap(): void;
}

/** Options of a {@linkcode ChangeChannel}. */
export interface ChangeChannelOptions {
  readonly open: RedisOpener;
  /** Channel on which changes are told. */
  readonly channel: string;
  /** A channel of its own, for its heartbeats. */
  readonly inbox: string;
  /** The name its own process tells changes under; these it doesn't pass on. */
  readonly id: string;
  readonly publish: (channel: string, message: string) => Promise<unknown>;
  /** Time after which it proves that it hears everything; ten times that until then. */
  readonly heartbeatMs: number;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly listener: ChangeListener;
}

/**
 * Hears of the changes that other processes make. Redis delivers in order, so a
 * heartbeat that came back proves that every change before it has come in too.
 */
export class ChangeChannel {
  readonly #options: ChangeChannelOptions;
  readonly #connection: RedisConnection;
  readonly #ready = Promise.withResolvers<void>();
  #timer: TimerHandle;
  #provenAt = -Infinity;
  /** Number of the connection that a heartbeat belongs to. */
  #generation = 0;
  /** True if changes may have been missed since the last proof. */
  #gap = true;
  #openedAt = Infinity;

  /**
   * Made by {@linkcode RedisCache.watch} alone.
   * @internal
   */
  constructor(options: ChangeChannelOptions) {
    this.#options = options;
    this.#connection = new RedisConnection({
      ...options,
      open: async (signal) => {
        const port = await options.open(signal);
        const subscribing = port.subscribe(
          [options.channel, options.inbox],
          (channel, message) => this.#receive(channel, message),
        );
        return await opened(port, subscribing, signal);
      },
      onOpen: () => this.#opened(),
      onLost: () => this.#lost(),
    });
  }

  /** Every change made before this time, by the clock, has been heard of. */
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
    this.#openedAt = this.#options.clock.now();
    this.#beat();
  }

  #lost(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#provenAt = -Infinity;
    this.#gap = true;
  }

  #beat(): void {
    const { clock, connectTimeoutMs, heartbeatMs, inbox, publish } =
      this.#options;
    const now = clock.now();
    if (now - Math.max(this.#provenAt, this.#openedAt) > connectTimeoutMs) {
      return this.#connection.drop(
        new TimeoutError("a heartbeat", connectTimeoutMs),
      );
    }
    publish(inbox, `${this.#generation} ${now}`);
    const waitMs = this.#gap ? heartbeatMs / 10 : heartbeatMs;
    this.#timer = clock.setTimeout(() => this.#beat(), waitMs, {
      keepAlive: false,
    });
  }

  #receive(channel: string, message: string): void {
    if (channel === this.#options.inbox) return this.#prove(message);
    const { id, listener } = this.#options;
    const [teller, kind, ...subjects] = parseChange(message) ?? [id];
    if (teller === id) return;
    if (kind === "t") listener.onTag(subjects[0]);
    else listener.onKeys(subjects);
  }

  #prove(heartbeat: string): void {
    const [generation, sentAt] = heartbeat.split(" ").map(Number);
    if (generation !== this.#generation) return;
    if (this.#gap) {
      this.#gap = false;
      this.#options.listener.onGap();
    }
    this.#provenAt = sentAt;
    this.#ready.resolve();
  }
}

/** A change as it was told: by whom, of what, and which. */
type Change = [id: string, kind: string, ...subjects: string[]];

function parseChange(message: string): Change | undefined {
  try {
    const change = JSON.parse(message);
    return Array.isArray(change) ? change as Change : undefined;
  } catch {
    return undefined;
  }
}
