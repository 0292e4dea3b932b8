import type { Clock, TimerHandle } from "../base/clock.ts";
import { SlowClientError } from "../base/errors.ts";

const encoder = new TextEncoder();
const BEAT = encoder.encode(":\n\n");

/** Bytes written ahead of the client; with more than these waiting it is behind. */
const AHEAD_BYTES = 64 * 1024;
const STRATEGY = new ByteLengthQueuingStrategy({ highWaterMark: AHEAD_BYTES });

/** The headers of an event stream; proxies are told not to hold it back. */
export const SSE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** One message as a server-sent event. */
export function frame(text: string, id?: string): string {
  return id === undefined
    ? `event: message\ndata: ${text}\n\n`
    : `event: message\nid: ${id}\ndata: ${text}\n\n`;
}

/** What a stream needs of the endpoint that it belongs to. */
export interface SseStreamHost {
  readonly clock: Clock;
  /** Bytes that may wait for the client. */
  readonly maxUnsentBytes: number;
  /** Milliseconds for which the client may read none of them. */
  readonly maxStallMs: number;
  /** The stream is open no more. */
  closed(stream: SseStream): void;
  /** The stream's client was too slow, and has been cut off. */
  slow(error: SlowClientError): void;
}

/**
 * An open event stream. Writing to one whose client has gone does nothing; its
 * going is told once. A client that falls too far behind is cut off, so that
 * what waits for it is bounded.
 */
export class SseStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #host: SseStreamHost;
  readonly #onGone: (reason: unknown) => void;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #open = true;
  #writtenBytes = 0;
  #caughtUp: PromiseWithResolvers<void> | undefined;
  #stallTimer: TimerHandle;

  /** @param onGone is called if the client goes before {@linkcode close} */
  constructor(host: SseStreamHost, onGone: (reason: unknown) => void) {
    this.#host = host;
    this.#onGone = onGone;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#letOn(),
      cancel: (reason) =>
        this.#gone(
          reason ?? new DOMException("client disconnected", "AbortError"),
        ),
    }, STRATEGY);
  }

  get open(): boolean {
    return this.#open;
  }

  /** Writes frames as they are. */
  write(frames: string): void {
    this.#enqueue(encoder.encode(frames));
  }

  /** Writes a comment, so that nobody on the way takes the stream for dead. */
  beat(): void {
    this.#enqueue(BEAT);
  }

  /**
   * For who can wait: resolves when the client has caught up, or the stream has
   * ended; `undefined` if there is nothing to wait for.
   */
  room(): Promise<void> | undefined {
    if (!this.#open || !this.#behind) return undefined;
    return (this.#caughtUp ??= Promise.withResolvers()).promise;
  }

  get #unsentBytes(): number {
    return AHEAD_BYTES - this.#controller.desiredSize!;
  }

  get #behind(): boolean {
    return this.#unsentBytes >= AHEAD_BYTES;
  }

  #enqueue(bytes: Uint8Array): void {
    if (!this.#open) return;
    if (this.#unsentBytes > this.#host.maxUnsentBytes) {
      this.#cutOff(`more than ${this.#host.maxUnsentBytes} bytes wait for it`);
      return;
    }
    this.#writtenBytes += bytes.length;
    try {
      // After a disconnect this may cancel the stream on the spot.
      this.#controller.enqueue(bytes);
    } catch (error) {
      this.#gone(error);
    }
    if (this.#open && this.#stallTimer === undefined && this.#behind) {
      this.#watch();
    }
  }

  /** Looks again, after a while, whether a client that is behind reads at all. */
  #watch(): void {
    const { clock, maxStallMs } = this.#host;
    if (maxStallMs === Infinity) return;
    const readBytes = this.#writtenBytes - this.#unsentBytes;
    this.#stallTimer = clock.setTimeout(
      () => {
        this.#stallTimer = undefined;
        if (!this.#behind) return;
        if (this.#writtenBytes - this.#unsentBytes > readBytes) this.#watch();
        else this.#cutOff(`it has read nothing for ${maxStallMs} ms`);
      },
      maxStallMs,
      { keepAlive: false },
    );
  }

  close(): void {
    if (!this.#open) return;
    this.#end();
    try {
      this.#controller.close();
    } catch {
      // The client has gone in the meantime.
    }
  }

  #cutOff(why: string): void {
    const error = new SlowClientError(why);
    // What waits for the client is dropped with this.
    this.#controller.error(error);
    this.#host.slow(error);
    this.#gone(error);
  }

  #gone(reason: unknown): void {
    if (!this.#open) return;
    this.#end();
    this.#onGone(reason);
  }

  #end(): void {
    this.#open = false;
    if (this.#stallTimer !== undefined) {
      this.#host.clock.clearTimeout(this.#stallTimer);
    }
    this.#host.closed(this);
    this.#letOn();
  }

  #letOn(): void {
    this.#caughtUp?.resolve();
    this.#caughtUp = undefined;
  }
}
