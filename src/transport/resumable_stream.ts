import type { JSONRPCMessage } from "../protocol/types.ts";
import type { EventStore } from "./event_store.ts";
import { frame, type SseStream } from "./sse_stream.ts";

/**
 * A stream of messages that outlives its connections: everything is stored
 * first, then sent to whichever connection there is.
 */
export class ResumableStream {
  readonly id: string;
  readonly #store: EventStore;
  #connection: SseStream | undefined;
  #finished = false;
  // Storing is asynchronous; messages must leave in the order they came.
  #queue: Promise<void> = Promise.resolve();

  constructor(id: string, store: EventStore) {
    this.id = id;
    this.#store = store;
  }

  /** Whether a connection is there now. */
  get connected(): boolean {
    return this.#connection?.open === true;
  }

  /** Whether the last message has been stored. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Opens a connection with an empty event, so that its client has an id to resume from. */
  prime(connection: SseStream, retryMs: number | undefined): void {
    this.#connection = connection;
    this.#enqueue(async () => {
      const id = await this.#store.storeEvent(this.id, {} as JSONRPCMessage);
      const retry = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
      connection.write(`id: ${id}\n${retry}data: \n\n`);
    });
  }

  /** Goes on with a connection that begins with what was missed. */
  resume(connection: SseStream, lastEventId: string): void {
    this.#enqueue(async () => {
      await this.#store.replayEventsAfter(lastEventId, {
        send: async (eventId, message) => {
          if (!isMessage(message)) return;
          connection.write(frame(JSON.stringify(message), eventId));
          await connection.room();
        },
      });
      this.#connection = connection;
      if (this.#finished) connection.close();
    });
  }

  send(text: string): void {
    this.#enqueue(async () => {
      const id = await this.#store.storeEvent(this.id, JSON.parse(text));
      this.#connection?.write(frame(text, id));
    });
  }

  /** Resolves when all so far has been stored, and its client has caught up. */
  room(): Promise<void> {
    return this.#queue.then(() => this.#connection?.room());
  }

  /** Ends the connection; the client comes back for the rest. */
  disconnect(): void {
    this.#enqueue(() => {
      this.#connection?.close();
      this.#connection = undefined;
      return Promise.resolve();
    });
  }

  /** Ends the stream once everything before has been sent. */
  finish(): void {
    this.#enqueue(() => {
      this.#finished = true;
      this.#connection?.close();
      return Promise.resolve();
    });
  }

  #enqueue(step: () => Promise<void>): void {
    this.#queue = this.#queue.then(step).catch(() => {
      // A store that fails loses resumability, not the messages to come.
      this.#connection?.close();
    });
  }
}

/** A priming event has no message in it. */
function isMessage(message: JSONRPCMessage): boolean {
  return Object.keys(message).length > 0;
}
