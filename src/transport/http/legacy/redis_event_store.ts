import type { RedisSpace } from "../../../cluster/shared_redis.ts";
import type { JSONRPCMessage } from "../../../protocol/types.ts";
import type { EventSink, EventStore } from "./event_store.ts";

/** Events kept of each stream, about; the oldest go first. */
const MAX_EVENTS = 1_000;

/** Milliseconds for which a stream is kept after its last event. */
const KEPT_MS = 600_000;

/** Number of events read at once. */
const READ_AT_ONCE = 50;

/** One event as Redis gives it. */
type Entry = [id: string, fields: [name: string, json: string]];

/** Keeps events in the Redis that replicas share, a Redis stream for each stream. */
export class RedisEventStore implements EventStore {
  readonly #redis: RedisSpace;

  constructor(redis: RedisSpace) {
    this.#redis = redis;
  }

  async storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const key = this.#key(streamId);
    const json = JSON.stringify(message);
    const limit = ["MAXLEN", "~", String(MAX_EVENTS)];
    // Sent together, so that it takes one round trip.
    const [id] = await Promise.all([
      this.#redis.send(["XADD", key, ...limit, "*", "m", json]),
      this.#redis.send(["PEXPIRE", key, String(KEPT_MS)]),
    ]);
    return `${streamId}_${id}`;
  }

  async getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    const { streamId, id } = partsOf(eventId);
    const [found] = await this.#read(streamId, id, id);
    return found === undefined ? undefined : streamId;
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: EventSink,
  ): Promise<string> {
    let { streamId, id } = partsOf(lastEventId);
    if ((await this.#read(streamId, id, id)).length === 0) return "";
    for (;;) {
      const entries = await this.#read(streamId, `(${id}`, "+");
      for (const [each, [, json]] of entries) {
        await send(`${streamId}_${each}`, JSON.parse(json));
        id = each;
      }
      if (entries.length < READ_AT_ONCE) return streamId;
    }
  }

  async #read(streamId: string, from: string, to: string): Promise<Entry[]> {
    const count = ["COUNT", String(READ_AT_ONCE)];
    const key = this.#key(streamId);
    return await this.#redis.send([
      "XRANGE",
      key,
      from,
      to,
      ...count,
    ]) as Entry[];
  }

  #key(streamId: string): string {
    return `${this.#redis.prefix}events:${streamId}`;
  }
}

/** What is no id of an event is one of no stream: `0-0` is never given. */
function partsOf(eventId: string): { streamId: string; id: string } {
  const { streamId = "", id = "0-0" } =
    /^(?<streamId>.+)_(?<id>\d{1,19}-\d{1,19})$/.exec(eventId)?.groups ?? {};
  return { streamId, id };
}
