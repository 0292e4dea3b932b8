import {
  option,
  type OptionRules,
  readOptions,
} from "../../../base/option_rules.ts";
import { SharedRoom } from "../../../base/shared_room.ts";
import { bytesOf } from "../../../protocol/value_bytes.ts";
import type { JSONRPCMessage } from "../../../protocol/types.ts";

/** Receiver that replay hands each stored message to. */
export interface EventSink {
  /** Takes one message, in the order they were sent. */
  send(eventId: string, message: JSONRPCMessage): Promise<void>;
}

/**
 * Keeps what legacy streams have sent, so that a client that was cut off can
 * resume. The same shape as the official SDK's.
 */
export interface EventStore {
  /** Keeps a message and gives it an id that is unique in the store. */
  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string>;
  /** The stream that an event was sent on, if it is still known. */
  getStreamIdForEventId?(eventId: string): Promise<string | undefined>;
  /** Sends what came after an event on its stream; returns the stream. */
  replayEventsAfter(lastEventId: string, sink: EventSink): Promise<string>;
}

/** Limits on what a {@linkcode MemoryEventStore} keeps. */
export interface MemoryEventStoreOptions {
  /**
   * Number of events kept over all streams; the oldest of the streams that have
   * many go first.
   * @default 10000
   */
  maxEvents?: number;
  /**
   * Bytes that the events kept have, about; they go in the same order, and one that
   * has more by itself is not kept, nor what came before it on its stream.
   * @default 67108864 (64 MiB)
   */
  maxBytes?: number;
}

const MEMORY_OPTIONS = {
  maxEvents: option.integer(10_000, 1),
  maxBytes: option.integer(64 * 1024 * 1024, 1),
} satisfies OptionRules<MemoryEventStoreOptions>;

interface StoredEvent {
  readonly streamId: string;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
}

/** Keeps the last events in this process. */
export class MemoryEventStore implements EventStore {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  readonly #events: Map<string, StoredEvent> = new Map();
  /** The bytes that each stream has of it. */
  readonly #held: SharedRoom = new SharedRoom(Infinity);
  #last = 0;

  /**
   * Makes an empty store.
   *
   * @throws {InvalidOptionError} naming the option
   */
  constructor(options: MemoryEventStoreOptions = {}) {
    const read = readOptions("MemoryEventStore", options, MEMORY_OPTIONS);
    this.#maxEvents = read.maxEvents;
    this.#maxBytes = read.maxBytes;
  }

  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const eventId = `${streamId}_${++this.#last}`;
    const bytes = bytesOf(message);
    this.#events.set(eventId, { streamId, message, bytes });
    this.#held.add(streamId, bytes);
    if (bytes > this.#maxBytes) this.#forgetStream(streamId);
    while (
      this.#held.used > this.#maxBytes || this.#events.size > this.#maxEvents
    ) this.#forgetOldest();
    return Promise.resolve(eventId);
  }

  /** Of the streams that have much: a flood of one costs the others nothing. */
  #forgetOldest(): void {
    for (const [eventId, event] of this.#events) {
      if (!this.#held.isLarge(event.streamId)) continue;
      this.#forget(eventId, event);
      return;
    }
  }

  /** What is replayed must have no gap. */
  #forgetStream(streamId: string): void {
    for (const [eventId, event] of this.#events) {
      if (event.streamId === streamId) this.#forget(eventId, event);
    }
  }

  #forget(eventId: string, { streamId, bytes }: StoredEvent): void {
    this.#events.delete(eventId);
    this.#held.give(streamId, bytes);
  }

  getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return Promise.resolve(this.#events.get(eventId)?.streamId);
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: EventSink,
  ): Promise<string> {
    const streamId = this.#events.get(lastEventId)?.streamId;
    if (streamId === undefined) return "";
    let passed = false;
    for (const [eventId, event] of [...this.#events]) {
      if (passed && event.streamId === streamId) {
        await send(eventId, event.message);
      }
      passed ||= eventId === lastEventId;
    }
    return streamId;
  }
}
