import type { NetworkPeer } from "../../base/network_peer.ts";
import type { Clock, TimerHandle } from "../../base/clock.ts";
import type { SlowClientError } from "../../base/errors.ts";
import { revocationOf } from "../../auth/revocation.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import { SharedRoom } from "../../base/shared_room.ts";
import { option, type OptionRules } from "../../base/option_rules.ts";
import {
  AHEAD_BYTES,
  SseStream,
  type SseStreamHost,
  type SseStreamOwner,
} from "./sse_stream.ts";

/** Number of streams for whose clients as much may wait as for one's. */
const FULL_STREAMS = 64;

/** Settings for keeping streams alive, and how far clients may fall behind. */
export interface EventStreamOptions {
  /**
   * Milliseconds between the comments that keep event streams alive; `Infinity`
   * for none.
   * @default 15000
   */
  keepAliveMs?: number;
  /**
   * Bytes of an event stream that may wait for its client to take them. One that
   * is further behind for a second, or by eight times as much, is cut off, and
   * its request called off. At least 65536, which are written ahead to anybody. For
   * all clients 64 times as many may wait, and for one caller half of these.
   * @default 4194304
   */
  maxUnsentBytes?: number;
  /**
   * Milliseconds for which a client may take nothing of what waits for it before
   * its event stream is cut off, give or take a quarter; `Infinity` for any time.
   * The system holds up to some megabytes for a connection, so that one that takes
   * less than these in that time may look as if it took nothing.
   * @default 120000
   */
  maxStallMs?: number;
}

/** How they are read. */
export const EVENT_STREAM_OPTIONS = {
  keepAliveMs: option.timeoutMs(15_000, 1),
  maxUnsentBytes: option.integer(4 * 1024 * 1024, AHEAD_BYTES),
  maxStallMs: option.timeoutMs(120_000, 1),
} satisfies OptionRules<EventStreamOptions>;

/** The open event streams of an endpoint. */
export class EventStreams implements SseStreamHost {
  readonly clock: Clock;
  readonly maxUnsentBytes: number;
  readonly maxStallMs: number;
  readonly room: SharedRoom;
  readonly #keepAliveMs: number;
  readonly #tokenSkewMs: number | undefined;
  readonly #onCutOff: (
    error: SlowClientError,
    fields: Record<string, unknown>,
  ) => void;
  readonly #open: Set<SseStream> = new Set();
  #timer: TimerHandle;
  #cutOff = 0;
  /** Of the answers that are on their way in one piece. */
  #wholeLength = 0;

  /**
   * @param options with `tokenSkewMs`, streams end so long after their caller's token
   * @param onCutOff is told of every stream whose client was too slow
   */
  constructor(
    clock: Clock,
    { keepAliveMs, maxUnsentBytes, maxStallMs, tokenSkewMs }:
      & Required<EventStreamOptions>
      & { tokenSkewMs?: number },
    onCutOff: (error: SlowClientError, fields: Record<string, unknown>) => void,
  ) {
    this.clock = clock;
    this.#keepAliveMs = keepAliveMs;
    this.maxUnsentBytes = maxUnsentBytes;
    this.room = new SharedRoom(FULL_STREAMS * this.maxUnsentBytes);
    this.maxStallMs = maxStallMs;
    this.#tokenSkewMs = tokenSkewMs;
    this.#onCutOff = onCutOff;
  }

  /** Number of streams that are open, or have something left to send. */
  get size(): number {
    return this.#open.size;
  }

  /** Number of streams that were cut off since the start. */
  get cutOff(): number {
    return this.#cutOff;
  }

  /** Opens a stream, for as long as its caller's token or key is good. */
  open(owner: SseStreamOwner, authInfo?: AuthInfo): SseStream {
    const stream = new SseStream(this, owner);
    const { expiresAt } = authInfo ?? {};
    if (expiresAt !== undefined && this.#tokenSkewMs !== undefined) {
      const endMs = expiresAt * 1_000 + this.#tokenSkewMs;
      stream.expireIn(Math.max(0, endMs - Date.now()));
    }
    this.#open.add(stream);
    if (this.#open.size === 1) this.#wind();
    if (authInfo !== undefined) stream.endWith(revocationOf(authInfo));
    return stream;
  }

  /**
   * Tells if a long answer may go out in one piece, which costs a fifth of a stream
   * (bench/http.ts, "list"). Who doesn't read it can't be cut off, so there is room
   * for a few; once they stand, answers go by streams.
   *
   * @param peer of a request that came in this very turn
   */
  takesWhole(length: number, peer: NetworkPeer | undefined): boolean {
    const limit = this.maxUnsentBytes;
    if (length > limit / 4 || this.#wholeLength + length > 4 * limit) {
      return false;
    }
    const completed = peer?.completed;
    if (completed === undefined) return false;
    this.#wholeLength += length;
    const gone = () => void (this.#wholeLength -= length);
    completed.then(gone, gone);
    return true;
  }

  /** Called by a stream that has ended. */
  ended(stream: SseStream): void {
    this.#open.delete(stream);
    if (this.#open.size === 0) this.clock.clearTimeout(this.#timer);
  }

  /** Called by a stream whose client was too slow. */
  slow(error: SlowClientError, fields: Record<string, unknown>): void {
    this.#cutOff++;
    this.#onCutOff(error, fields);
  }

  /** One timer for the beats of all. */
  #wind(): void {
    if (this.#keepAliveMs === Infinity) return;
    this.#timer = this.clock.setTimeout(
      () => {
        for (const stream of [...this.#open]) stream.beat();
        if (this.#open.size > 0) this.#wind();
      },
      this.#keepAliveMs,
      { keepAlive: false },
    );
  }
}
