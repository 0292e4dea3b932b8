import {
  RedisSubscriber,
  type RedisSubscriberOptions,
} from "../../redis/redis_subscriber.ts";

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
export interface ChangeChannelOptions
  extends Omit<RedisSubscriberOptions, "channels" | "onMessage" | "onGap"> {
  /** Channel on which changes are told. */
  readonly channel: string;
  /** The name its own process tells changes under; these it doesn't pass on. */
  readonly id: string;
  readonly listener: ChangeListener;
}

/** Hears of the changes that other processes make. */
export class ChangeChannel {
  readonly #subscriber: RedisSubscriber;
  readonly #id: string;
  readonly #listener: ChangeListener;

  /**
   * Made by {@linkcode RedisCache.watch} alone.
   * @internal
   */
  constructor(options: ChangeChannelOptions) {
    this.#id = options.id;
    this.#listener = options.listener;
    this.#subscriber = new RedisSubscriber({
      ...options,
      channels: [options.channel],
      onMessage: (_channel, message) => this.#receive(message),
      onGap: () => this.#listener.onGap(),
    });
  }

  /** Every change made before this time, by the clock, has been heard of. */
  get provenAt(): number {
    return this.#subscriber.provenAt;
  }

  /** Settled when it has been proven for the first time, or closed. */
  get ready(): Promise<void> {
    return this.#subscriber.ready;
  }

  /** Hears no more, and ends its connection. */
  close(): void {
    this.#subscriber.close();
  }

  #receive(message: string): void {
    const [teller, kind, ...subjects] = parseChange(message) ?? [this.#id];
    if (teller === this.#id) return;
    if (kind === "t") this.#listener.onTag(subjects[0]);
    else this.#listener.onKeys(subjects);
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
