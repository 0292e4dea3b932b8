import { jsonText } from "../../../protocol/json_value.ts";
import { parseMessage } from "../../../protocol/message_text.ts";
import type { JSONRPCMessage } from "../../../protocol/types.ts";
import type { EventStore } from "./event_store.ts";
import { frame, type SseStream } from "../sse_stream.ts";

/** Number of messages kept here that a failing store didn't take. */
const MAX_UNSTORED = 100;

/**
 * A stream of messages that outlives its connections: everything is stored
 * first, then sent to whichever connection there is. What the store doesn't take
 * is sent all the same, to the next connection if there is none.
 */
export class ResumableStream {
  readonly id: string;
  readonly #store: EventStore;
  readonly #onStored: ((finished: boolean) => void) | undefined;
  #connection: SseStream | undefined;
  /** The connection that has yet to get what was missed. */
  #replayed: SseStream | undefined;
  #finished = false;
  /** True if the client has been given an id. */
  #known = false;
  #unstored: string[] = [];
  // Storing is asynchronous; messages must leave in the order they came.
  #queue: Promise<void> = Promise.resolve();

  /** @param onStored told of what was stored while no connection was there to send it to */
  constructor(
    id: string,
    store: EventStore,
    onStored?: (finished: boolean) => void,
  ) {
    this.id = id;
    this.#store = store;
    this.#onStored = onStored;
  }

  /** True if a connection is there now. */
  get connected(): boolean {
    return this.#connection?.open === true;
  }

  /** The connection, unless it is being replayed to. */
  get #caughtUp(): SseStream | undefined {
    return this.#connection === this.#replayed ? undefined : this.#connection;
  }

  /** True if the last message has been stored. */
  get finished(): boolean {
    return this.#finished;
  }

  /** True if its client is there, or has an id to come back with. */
  get reachable(): boolean {
    return this.connected || this.#known;
  }

  /** Sends what comes from now on to this connection. */
  connect(connection: SseStream): void {
    this.#connection = connection;
    if (this.#unstored.length === 0) return;
    this.#enqueue(() => {
      this.#sendUnstored(connection);
      return Promise.resolve();
    });
  }

  /**
   * Sends an empty event, so that the client has an id to resume from; resolves
   * when it has.
   */
  prime(retryMs: number | undefined): Promise<void> {
    const connection = this.#connection!;
    this.#known = true;
    this.#enqueue(async () => {
      const id = await this.#stored({} as JSONRPCMessage);
      const retry = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
      if (id === undefined) connection.beat();
      else connection.write(`id: ${id}\n${retry}data: \n\n`);
    });
    return this.#queue;
  }

  /** The id that a message has in the store; `undefined` if it isn't there. */
  async #stored(message: JSONRPCMessage): Promise<string | undefined> {
    try {
      return await this.#store.storeEvent(this.id, message);
    } catch {
      return undefined;
    }
  }

  #sendUnstored(connection: SseStream): void {
    for (const text of this.#unstored.splice(0)) connection.write(frame(text));
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
    const place: Place = { last: lastEventId };
    const breakOff = () => this.#breakOff(connection, place);
    void this.#catchUp(connection, place)
      .then(() =>
        this.#enqueue(async () => {
          if (this.#connection !== connection) return;
          await this.#replay(connection, place, () => undefined)
            .then(() => this.#goOn(connection), breakOff);
        })
      )
      .catch(breakOff);
  }

  #goOn(connection: SseStream): void {
    this.#replayed = undefined;
    this.#sendUnstored(connection);
    if (this.#finished) connection.close();
  }

  /**
   * Better no connection than one with a gap. Its client comes back for the rest,
   * if the last thing that it hears is an id: one that hears nothing forgets its own.
   */
  #breakOff(connection: SseStream, { last }: Place): void {
    if (last !== undefined) connection.write(`id: ${last}\ndata: \n\n`);
    connection.close();
  }

  /** Replays until nothing new has been stored meanwhile. */
  async #catchUp(connection: SseStream, place: Place): Promise<void> {
    let before: string | undefined;
    do {
      before = place.last;
      await this.#replay(connection, place, () => connection.caughtUp());
    } while (place.last !== before && connection.open);
  }

  /** @throws {Error} if the store fails, or has let go of the event to begin after */
  async #replay(
    connection: SseStream,
    place: Place,
    caughtUp: () => Promise<void> | undefined,
  ): Promise<void> {
    const after = place.last!;
    const streamId = await this.#store.replayEventsAfter(after, {
      send: async (eventId, message) => {
        place.last = eventId;
        if (!isMessage(message)) return;
        connection.write(frame(jsonText(message), eventId));
        await caughtUp();
      },
    });
    if (streamId !== "") return;
    place.last = undefined;
    throw new Error(`event ${after} is stored no more`);
  }

  send(text: string): void {
    this.#known ||= this.connected;
    this.#enqueue(async () => {
      const id = await this.#stored(parseMessage(text) as JSONRPCMessage);
      const connection = this.#caughtUp;
      if (connection?.open) connection.write(frame(text, id));
      else if (id === undefined) this.#keep(text);
      else this.#onStored?.(false);
    });
  }

  /** The last are the ones that count: the result is among them. */
  #keep(text: string): void {
    this.#unstored.push(text);
    if (this.#unstored.length > MAX_UNSTORED) this.#unstored.shift();
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
      if (this.#caughtUp?.open) this.#caughtUp.close();
      else this.#onStored?.(true);
      return Promise.resolve();
    });
  }

  #enqueue(step: () => Promise<void>): void {
    this.#queue = this.#queue.then(step).catch(() => {
      // Better no connection than one with a gap; the client may try again.
      this.#connection?.close();
    });
  }
}

/** Place that a replay has got to. */
interface Place {
  /** The id of the last event sent; `undefined` if there is nothing to go on from. */
  last: string | undefined;
}

/** A priming event has no message in it. */
function isMessage(message: JSONRPCMessage): boolean {
  return Object.keys(message).length > 0;
}
