import type { Clock, TimerHandle } from "../../../base/clock.ts";
import { TimeoutError } from "../../../base/errors.ts";
import { thrownText } from "../../../base/thrown.ts";
import type { Log } from "../../../observe/log/log.ts";
import type { JSONRPCMessage } from "../../../protocol/types.ts";
import type { EventSink, EventStore } from "./event_store.ts";

/** Milliseconds for which a message waits for its store. */
const LIMIT_MS = 1_000;

/** Milliseconds for which a store that has hung is given nothing more to keep. */
const REST_MS = 2_000;

/** A store that is down is told of once in so many milliseconds. */
const LOG_EVERY_MS = 10_000;

/**
 * The author's event store, held to a time and told of when it fails: what it
 * costs then is that streams can't be resumed, and nothing else.
 */
export class GuardedEventStore implements EventStore {
  readonly getStreamIdForEventId: EventStore["getStreamIdForEventId"];
  readonly #store: EventStore;
  readonly #clock: Clock;
  readonly #log: Log;
  #failures = 0;
  #restsUntilMs = -Infinity;
  #loggedMs = -Infinity;

  constructor(store: EventStore, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    if (store.getStreamIdForEventId !== undefined) {
      this.getStreamIdForEventId = (eventId) =>
        this.#guard(() => store.getStreamIdForEventId!(eventId));
    }
  }

  /** Number of times it has failed, or got nothing because it had hung. */
  get failures(): number {
    return this.#failures;
  }

  /** Does not wait again at once for a store that has hung: messages queue up behind. */
  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    return this.#guard(() => {
      if (this.#clock.now() < this.#restsUntilMs) throw tooLate();
      return this.#store.storeEvent(streamId, message);
    });
  }

  /** The time that the client takes is not the store's. */
  replayEventsAfter(lastEventId: string, sink: EventSink): Promise<string> {
    return this.#guard((limit) =>
      this.#store.replayEventsAfter(lastEventId, {
        send: async (eventId, message) => {
          limit.stop();
          await sink.send(eventId, message);
          limit.start();
        },
      })
    );
  }

  async #guard<T>(act: (limit: Limit) => Promise<T>): Promise<T> {
    const limit = new Limit(this.#clock);
    try {
      limit.start();
      return await Promise.race([Promise.try(() => act(limit)), limit.over]);
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      limit.end();
    }
  }

  #failed(error: unknown): void {
    this.#failures++;
    const now = this.#clock.now();
    if (error instanceof TimeoutError && now >= this.#restsUntilMs) {
      this.#restsUntilMs = now + REST_MS;
    }
    if (now - this.#loggedMs < LOG_EVERY_MS) return;
    this.#loggedMs = now;
    this.#log.error(
      `the event store failed, streams can't be resumed: ${thrownText(error)}`,
      { failures: this.#failures },
    );
  }
}

function tooLate(): TimeoutError {
  return new TimeoutError("the event store", LIMIT_MS);
}

/** The time of one operation, which can be stopped while it is not the store's turn. */
class Limit {
  readonly #clock: Clock;
  readonly #over = Promise.withResolvers<never>();
  #timer: TimerHandle;
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#over.promise.catch(() => {});
  }

  /** Rejects once the time is over. */
  get over(): Promise<never> {
    return this.#over.promise;
  }

  /** @throws {TimeoutError} if nobody waits for the operation any more */
  start(): void {
    if (this.#ended) throw tooLate();
    this.#timer = this.#clock.setTimeout(
      () => this.#over.reject(tooLate()),
      LIMIT_MS,
    );
  }

  stop(): void {
    if (this.#ended) throw tooLate();
    this.#clock.clearTimeout(this.#timer);
  }

  end(): void {
    this.#ended = true;
    this.#clock.clearTimeout(this.#timer);
  }
}
