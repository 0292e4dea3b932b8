import { parseMessage } from "../../../protocol/message_text.ts";
import type { JSONRPCMessage } from "../../../protocol/types.ts";
import type { EventStore } from "./event_store.ts";
import { frame, type SseStream } from "../sse_stream.ts";

/**
 * A stream of messages that outlives its connections: everything is stored
 * first, then sent to whichever connection there is.
 */
export class ResumableStream {
  readonly id: string;
  readonly #store: EventStore;
  #connection: SseStream | undefined;
  /** The connection that has yet to get what was missed. */
  #replayed: SseStream | undefined;
  #finished = false;
  /** Whether the client has been given an id. */
  #known = false;
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

  /** The connection, unless it is being replayed to. */
  get #caughtUp(): SseStream | undefined {
    return this.#connection === this.#replayed ? undefined : this.#connection;
  }

  /** Whether the last message has been stored. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Whether its client is there, or has an id to come back with. */
  get reachable(): boolean {
    return this.connected || this.#known;
  }

  /** Sends what comes from now on to this connection. */
  connect(connection: SseStream): void {
    this.#connection = connection;
  }

  /** Sends an empty event, so that the client has an id to resume from. */
  prime(retryMs: number | undefined): void {
    const connection = this.#connection!;
    this.#known = true;
    this.#enqueue(async () => {
      const id = await this.#store.storeEvent(this.id, {} as JSONRPCMessage);
      const retry = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
      connection.write(`id: ${id}\n${retry}data: \n\n`);
    });
  }

  /**
   * Goes on with a connection that begins with what was missed: at its client's
   * pace, while what comes in the meantime is stored, and that after it.
   */
  resume(connection: SseStream, lastEventId: string): void {
    // The connection before may look open for long, behind a proxy.
    this.#connection?.close();
    this.#connection = connection;
    this.#replayed = connection;
    void this.#catchUp(connection, lastEventId)
      .then((lastId) =>
        this.#enqueue(async () => {
          if (this.#connection !== connection) return;
          await this.#replay(connection, lastId, () => undefined);
          this.#replayed = undefined;
          if (this.#finished) connection.close();
        })
      )
      // Better no connection than one with a gap; the client may try again.
      .catch(() => connection.close());
  }

  /** Replays until nothing new has been stored meanwhile. */
  async #catchUp(connection: SseStream, after: string): Promise<string> {
    let last = after;
    let before: string;
    do {
      before = last;
      last = await this.#replay(
        connection,
        before,
        () => connection.caughtUp(),
      );
    } while (last !== before && connection.open);
    return last;
  }

  /**
   * @returns the id of the last event that was sent
   * @throws {Error} if the store has let go of the event to begin after
   */
  async #replay(
    connection: SseStream,
    after: string,
    caughtUp: () => Promise<void> | undefined,
  ): Promise<string> {
    let last = after;
    const streamId = await this.#store.replayEventsAfter(after, {
      send: async (eventId, message) => {
        last = eventId;
        if (!isMessage(message)) return;
        connection.write(frame(JSON.stringify(message), eventId));
        await caughtUp();
      },
    });
    if (streamId === "") throw new Error(`event ${after} is stored no more`);
    return last;
  }

  send(text: string): void {
    this.#known ||= this.connected;
    this.#enqueue(async () => {
      const id = await this.#store.storeEvent(
        this.id,
        parseMessage(text) as JSONRPCMessage,
      );
      this.#caughtUp?.write(frame(text, id));
    });
  }

  /** Resolves when all so far has been stored, and its client has caught up. */
  caughtUp(): Promise<void> {
    return this.#queue.then(() => this.#connection?.caughtUp());
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
      this.#caughtUp?.close();
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
