import type { RedisArgument } from "../../redis/redis_port.ts";
import {
  RedisSubscriber,
  type RedisSubscriberOptions,
} from "../../redis/redis_subscriber.ts";
import { BEAT, evalScript } from "./redis_scripts.ts";

/** Hears of changes that others made. */
export interface ChangeListener {
  /** These entries were set or deleted. */
  onKeys(keys: readonly string[]): void;
  /** Every entry with this tag was invalidated. */
  onTag(tag: string): void;
  /** Changes may have been missed. */
  onGap(): void;
}

/** Number of heartbeats that a process may miss until the others count it as gone. */
const MISSED_BEATS = 40;

/** Options of a {@linkcode ChangeChannel}; its inbox is its name among the peers. */
export interface ChangeChannelOptions extends
  Omit<
    RedisSubscriberOptions,
    "channels" | "beat" | "onMessage" | "onBeat" | "onGap"
  > {
  /** Channel on which changes are told. */
  readonly channel: string;
  /** The key that says until when each process is due. */
  readonly peers: string;
  /** The name its own process tells changes under; these it doesn't pass on. */
  readonly id: string;
  readonly send: (command: readonly RedisArgument[]) => Promise<unknown>;
  readonly listener: ChangeListener;
}

/**
 * Hears of the changes that other processes make: all of them, provided that
 * those who make changes reach Redis. Each says so by its own heartbeats, and
 * while one doesn't nothing is proven that is newer than its last.
 */
export class ChangeChannel {
  readonly #options: ChangeChannelOptions;
  readonly #subscriber: RedisSubscriber;
  /** Milliseconds for which the most overdue peer has said nothing. */
  #lateMs = 0;
  #closed = false;

  /**
   * Made by {@linkcode RedisCache.watch} alone.
   * @internal
   */
  constructor(options: ChangeChannelOptions) {
    const { channel, heartbeatMs, inbox, listener, peers, send } = options;
    this.#options = options;
    this.#subscriber = new RedisSubscriber({
      ...options,
      channels: [channel],
      beat: (heartbeat) =>
        send(evalScript(BEAT, [peers], [
          inbox,
          String(heartbeatMs),
          String(MISSED_BEATS * heartbeatMs),
          inbox,
          heartbeat,
        ])),
      onMessage: (_channel, message) => this.#receive(message),
      onBeat: (lateMs) => this.#lateMs = Number(lateMs),
      onGap: () => listener.onGap(),
    });
  }

  /** Every change made before this time, by the clock, has been heard of. */
  get provenAt(): number {
    const { provenAt } = this.#subscriber;
    return this.#lateMs > 0
      ? provenAt - this.#lateMs - this.#options.heartbeatMs
      : provenAt;
  }

  /** True while what is in Redis may lack a change that another has made. */
  get isPeerLate(): boolean {
    return this.#lateMs > 0 && this.#subscriber.provenAt > -Infinity;
  }

  /** Settled when it has been proven for the first time, or closed. */
  get ready(): Promise<void> {
    return this.#subscriber.ready;
  }

  /** Hears no more, ends its connection, and is no longer waited for. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#subscriber.close();
    const { inbox, peers, send } = this.#options;
    await send(["ZREM", peers, inbox]);
  }

  #receive(message: string): void {
    const { id, listener } = this.#options;
    const [teller, kind, ...subjects] = parseChange(message) ?? [id];
    if (teller === id) return;
    if (kind === "t") listener.onTag(subjects[0]);
    else listener.onKeys(subjects);
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
