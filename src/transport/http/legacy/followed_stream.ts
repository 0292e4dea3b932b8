import type { Clock, TimerHandle } from "../../../base/clock.ts";
import { jsonText } from "../../../protocol/json_value.ts";
import { errorText } from "../../../protocol/jsonrpc.ts";
import { RefusedError } from "../../../protocol/protocol_errors.ts";
import type { JSONRPCMessage, RequestId } from "../../../protocol/types.ts";
import { frame, type SseStream } from "../sse_stream.ts";
import type { EventStore } from "./event_store.ts";

/** Interval at which it is made sure that a stream is still written, in milliseconds. */
const LOOK_MS = 5_000;

/** Facts of a stream that another replica writes. */
export interface FollowedStreamParts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly connection: SseStream;
  /** The requests that it answers. */
  readonly requests: readonly RequestId[];
  /**
   * Asks the replica that writes it to tell if it is finished; false if that has
   * gone.
   */
  askWriter(): Promise<boolean>;
}

/** The rest of a stream that another replica writes, read from the store as it grows. */
export class FollowedStream {
  readonly #parts: FollowedStreamParts;
  readonly #open: Set<RequestId>;
  #last: string;
  #reading = false;
  #woken = false;
  #finished = false;
  #timer: TimerHandle;

  constructor(parts: FollowedStreamParts, lastEventId: string) {
    this.#parts = parts;
    this.#open = new Set(parts.requests);
    this.#last = lastEventId;
    this.#look();
  }

  get open(): boolean {
    return this.#parts.connection.open;
  }

  /** Asks after the writer now and then: news of it may be missed. */
  #look(): void {
    const { clock, connection } = this.#parts;
    if (!connection.open) return;
    this.#timer = clock.setTimeout(() => this.#look(), LOOK_MS, {
      keepAlive: false,
    });
    void this.ask();
  }

  /** Finds out if anybody writes it still. */
  async ask(): Promise<void> {
    // A bus that is away says nothing of the writer.
    const there = await this.#parts.askWriter().catch(() => true);
    if (there) return;
    this.#finished = true;
    this.wake();
  }

  /** There may be more to read. @param finished if that is the last of it */
  wake(finished = false): void {
    this.#finished ||= finished;
    this.#woken = true;
    if (!this.#reading) void this.#read();
  }

  async #read(): Promise<void> {
    const { connection, store } = this.#parts;
    this.#reading = true;
    try {
      while (this.#woken && connection.open) {
        this.#woken = false;
        await store.replayEventsAfter(this.#last, {
          send: (id, message) => this.#send(id, message),
        });
      }
    } catch {
      // Its client comes back for the rest.
      connection.close();
    }
    this.#reading = false;
    if (this.#finished) this.#giveUp();
    else if (this.#parts.requests.length > 0 && this.#open.size === 0) {
      this.close();
    }
  }

  async #send(eventId: string, message: JSONRPCMessage): Promise<void> {
    const { connection } = this.#parts;
    this.#last = eventId;
    if (Object.keys(message).length === 0) return;
    if (!("method" in message)) this.#open.delete(message.id!);
    connection.write(frame(jsonText(message), eventId));
    await connection.caughtUp();
  }

  /** Says of what has no answer that it won't get one any more. */
  #giveUp(): void {
    const { connection } = this.#parts;
    for (const id of this.#open) {
      connection.write(frame(errorText(id, WRITER_GONE)));
    }
    this.close();
  }

  close(): void {
    this.#parts.clock.clearTimeout(this.#timer);
    this.#parts.connection.close();
  }
}

const WRITER_GONE = new RefusedError(
  "unavailable",
  1_000,
  "Refused: the replica that served the request has gone; what it did is unknown",
);
