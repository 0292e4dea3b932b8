import type { Revocation } from "../../auth/revocation.ts";
import type { Clock, TimerHandle } from "../../base/clock.ts";
import { SlowClientError } from "../../base/errors.ts";
import type { SharedRoom } from "../../base/shared_room.ts";

const encoder = new TextEncoder();
const BEAT = encoder.encode(":\n\n");

/** Bytes written ahead of the client; with more waiting it is behind. */
export const AHEAD_BYTES = 64 * 1024;
/** Bytes of a long text that are handed on at once: a client that reads takes them one by one. */
const PIECE_BYTES = 16 * 1024;

/** Length up to which a message is kept for the next stream that gets the same. */
const MAX_SHARED = 4_096;

const STRATEGY = new ByteLengthQueuingStrategy({ highWaterMark: AHEAD_BYTES });

/**
 * A client may fall this many times further behind for {@linkcode BURST_MS}
 * milliseconds: what is written in one turn can't leave before the turn is over,
 * however fast its client reads.
 */
const BURST = 8;
const BURST_MS = 1_000;

/** Looks at a client per `maxStallMs`, so that it is cut off a quarter late at the most. */
const LOOKS = 4;

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

let lastText = "";
let lastBytes = new Uint8Array();

/** One message as bytes: what one stream after the other gets is encoded once. */
function frameBytes(text: string): Uint8Array {
  if (text.length > MAX_SHARED) return encoder.encode(frame(text));
  if (text !== lastText) {
    lastText = text;
    lastBytes = encoder.encode(frame(text));
  }
  return lastBytes;
}

/** Parts that a stream needs of the endpoint that it belongs to. */
export interface SseStreamHost {
  readonly clock: Clock;
  /** Bytes that may wait for the client. */
  readonly maxUnsentBytes: number;
  /** Milliseconds for which the client may take none of them. */
  readonly maxStallMs: number;
  /** Room for what waits for the clients of all streams. */
  readonly room: SharedRoom;
  /** The stream has ended. */
  ended(stream: SseStream): void;
  /** The stream's client was too slow, and has been cut off. */
  slow(error: SlowClientError, fields: Record<string, unknown>): void;
}

/** Owner that is told of a stream's end, and what the log says of it. */
export interface SseStreamOwner {
  /** Account that what waits for the client counts for. */
  readonly account: string;
  /** The client has gone, or was cut off, before the stream was closed. */
  gone(reason: unknown): void;
  /** Fields that the log has of a client that was cut off. */
  logFields?(): Record<string, unknown>;
}

/**
 * An open event stream. Writing to one whose client has gone does nothing; its
 * going is told once. A client that falls too far behind is cut off, so that
 * what waits for it is bounded, also once the stream has been closed.
 */
export class SseStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #host: SseStreamHost;
  readonly #owner: SseStreamOwner;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #state: "open" | "closing" | "ended" = "open";
  #writtenBytes = 0;
  /** Bytes that wait for the client, as far as they count in the room. */
  #countedBytes = 0;
  #caughtUp: PromiseWithResolvers<void> | undefined;
  /**
   * Ends the pull that lasts while the client keeps up: one for each message would
   * cost a tenth of it (bench/cluster.ts, "notices").
   */
  #endPull: (() => void) | undefined;
  #burstTimer: TimerHandle;
  #stallTimer: TimerHandle;
  #expiryTimer: TimerHandle;
  /** Calls off its end by a revocation. */
  #staysOn: (() => void) | undefined;

  constructor(host: SseStreamHost, owner: SseStreamOwner) {
    this.#host = host;
    this.#owner = owner;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#catchUp();
        return new Promise<void>((resolve) => this.#endPull = resolve);
      },
      cancel: (reason) =>
        this.#gone(
          reason ?? new DOMException("client disconnected", "AbortError"),
        ),
    }, STRATEGY);
  }

  get open(): boolean {
    return this.#state === "open";
  }

  /** Writes frames as they are. */
  write(frames: string): void {
    this.#enqueue(encoder.encode(frames));
  }

  /** Writes one message. */
  writeMessage(text: string): void {
    this.#enqueue(frameBytes(text));
  }

  /** Writes the last text, which may be of any size, and closes. */
  end(text: string): void {
    const bytes = encoder.encode(text);
    for (let at = 0; this.open && at < bytes.length; at += PIECE_BYTES) {
      this.#handOn(bytes.subarray(at, at + PIECE_BYTES));
    }
    if (this.open && this.#behind && this.#count()) {
      this.#stallTimer ??= this.#watch();
    }
    this.close();
  }

  /** Writes a comment, so that nobody on the way takes the stream for dead. */
  beat(): void {
    this.#enqueue(BEAT);
  }

  /**
   * For who can wait: resolves when the client has caught up, or the stream has
   * been closed; `undefined` if there is nothing to wait for.
   */
  caughtUp(): Promise<void> | undefined {
    if (!this.open || !this.#behind) return undefined;
    return (this.#caughtUp ??= Promise.withResolvers()).promise;
  }

  get #unsentBytes(): number {
    return AHEAD_BYTES - this.#controller.desiredSize!;
  }

  get #behind(): boolean {
    return this.#unsentBytes >= AHEAD_BYTES;
  }

  /** Hands bytes on; true if they wait for the client. */
  #handOn(bytes: Uint8Array): boolean {
    this.#writtenBytes += bytes.length;
    try {
      // After a disconnect this may cancel the stream on the spot.
      this.#controller.enqueue(bytes);
    } catch (error) {
      this.#gone(error);
    }
    if (!this.open || !this.#behind) return false;
    // From here on it is told when the client has caught up.
    this.#endPull?.();
    return true;
  }

  /** Counts what waits for the client; cuts it off if there is no room for it. */
  #count(): boolean {
    const { room } = this.#host;
    const { account } = this.#owner;
    const more = (this.#behind ? this.#unsentBytes : 0) - this.#countedBytes;
    if (more > 0 && !room.take(account, more)) {
      this.#cutOff("too much waits for this caller");
      return false;
    }
    if (more < 0) room.give(account, -more);
    this.#countedBytes += more;
    return true;
  }

  #enqueue(bytes: Uint8Array): void {
    if (!this.open) return;
    if (!this.#handOn(bytes) || !this.#count()) return;
    this.#stallTimer ??= this.#watch();
    const { maxUnsentBytes } = this.#host;
    // The last message alone may be of any size.
    const before = this.#unsentBytes - bytes.length;
    if (before > BURST * maxUnsentBytes) this.#cutOffForSize();
    else if (before > maxUnsentBytes) this.#burstTimer ??= this.#allowBurst();
  }

  #allowBurst(): TimerHandle {
    return this.#after(BURST_MS, () => {
      this.#burstTimer = undefined;
      if (this.#unsentBytes > this.#host.maxUnsentBytes) this.#cutOffForSize();
    });
  }

  #cutOffForSize(): void {
    this.#cutOff(`more than ${this.#host.maxUnsentBytes} bytes wait for it`);
  }

  /** Looks, for as long as a client is behind, whether it takes anything at all. */
  #watch(stalledMs: number = 0): TimerHandle {
    const { maxStallMs } = this.#host;
    if (maxStallMs === Infinity) return undefined;
    const lookMs = Math.ceil(maxStallMs / LOOKS);
    const takenBytes = this.#writtenBytes - this.#unsentBytes;
    return this.#after(lookMs, () => {
      this.#stallTimer = undefined;
      if (!this.#behind) return;
      const moved = this.#writtenBytes - this.#unsentBytes > takenBytes;
      const stalled = moved ? 0 : stalledMs + lookMs;
      if (stalled < maxStallMs) this.#stallTimer = this.#watch(stalled);
      else this.#cutOff(`it has taken nothing for ${maxStallMs} ms`);
    });
  }

  #after(delayMs: number, act: () => void): TimerHandle {
    return this.#host.clock.setTimeout(act, delayMs, { keepAlive: false });
  }

  /** Takes no more; what has been written still goes to a client that takes it. */
  close(): void {
    if (!this.open) return;
    if (this.#behind) {
      this.#state = "closing";
      this.#letOn();
    } else this.#finish();
  }

  /** Ends the stream after a while, for what it was opened with is no good any more. */
  expireIn(delayMs: number): void {
    this.#expiryTimer = this.#after(
      delayMs,
      () => this.#expire("the caller's token has expired"),
    );
  }

  /** Ends the stream when what it was opened with is revoked. */
  endWith(revocation: Revocation | undefined): void {
    this.#staysOn = revocation?.whenRevoked(() =>
      this.#expire("the caller's key has been revoked")
    );
  }

  #expire(why: string): void {
    const { open } = this;
    this.#finish();
    if (open) this.#owner.gone(new DOMException(why, "AbortError"));
  }

  #finish(): void {
    this.#end();
    try {
      this.#controller.close();
    } catch {
      // The client has gone in the meantime.
    }
  }

  #catchUp(): void {
    if (this.#countedBytes > 0) this.#count();
    this.#letOn();
    if (this.#state === "closing") this.#finish();
  }

  #cutOff(why: string): void {
    const error = new SlowClientError(why);
    // What waits for the client is dropped with this.
    this.#controller.error(error);
    this.#host.slow(error, this.#owner.logFields?.() ?? {});
    this.#gone(error);
  }

  #gone(reason: unknown): void {
    if (this.#state === "ended") return;
    const { open } = this;
    this.#end();
    if (open) this.#owner.gone(reason);
  }

  #end(): void {
    const { clock, room } = this.#host;
    this.#state = "ended";
    if (this.#countedBytes > 0) {
      room.give(this.#owner.account, this.#countedBytes);
      this.#countedBytes = 0;
    }
    for (
      const timer of [this.#burstTimer, this.#stallTimer, this.#expiryTimer]
    ) {
      if (timer !== undefined) clock.clearTimeout(timer);
    }
    this.#staysOn?.();
    this.#host.ended(this);
    this.#letOn();
  }

  #letOn(): void {
    this.#caughtUp?.resolve();
    this.#caughtUp = undefined;
  }
}
