import type { RedisSpace } from "../../cluster/shared_redis.ts";
import { RedisScript } from "../../redis/redis_script.ts";
import type { LoggingLevel } from "../../protocol/types.ts";
import type {
  KeptSession,
  SessionChange,
  SessionStore,
} from "./session_store.ts";

/** Begins the field of a resource that is followed. */
const FOLLOWED = "follows ";

/** Sets fields and a time to live in one step, lest a session stays for ever. */
const create = new RedisScript(`
redis.call("HSET", KEYS[1], unpack(ARGV, 2))
return redis.call("PEXPIRE", KEYS[1], ARGV[1])`);

/**
 * Changes what is there; a session that has ended must not come back. It is sent
 * whole each time: by a hash that Redis may have forgotten it would be done after
 * what is sent next.
 */
const CHANGE = `
if redis.call("EXISTS", KEYS[1]) == 0 then return 0 end
return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))`;

/** Keeps sessions in the Redis that replicas share, a hash each. */
export class RedisSessionStore implements SessionStore {
  readonly #redis: RedisSpace;
  readonly #send: (command: string[]) => Promise<unknown>;

  constructor(redis: RedisSpace) {
    this.#redis = redis;
    this.#send = (command) => redis.send(command);
  }

  async create(
    id: string,
    { logLevel, standing, ...session }: KeptSession,
    idleMs: number,
  ): Promise<void> {
    await create.run(this.#send, this.#key(id), [
      String(idleMs),
      "session",
      JSON.stringify(session),
      ...fieldsOf({ logLevel, standing }),
    ]);
  }

  async use(id: string, idleMs: number): Promise<KeptSession | undefined> {
    const key = this.#key(id);
    // Sent together, so that it takes one round trip.
    const [reply] = await Promise.all([
      this.#send(["HMGET", key, "session", "logLevel", "standing"]),
      this.#send(["PEXPIRE", key, String(idleMs)]),
    ]);
    const [session, logLevel, standing] = reply as (string | null)[];
    if (session === null) return undefined;
    return {
      ...JSON.parse(session),
      ...(logLevel !== null && { logLevel: logLevel as LoggingLevel }),
      ...(standing !== null && { standing }),
    };
  }

  async update(id: string, changed: SessionChange): Promise<void> {
    await this.#change(id, "HSET", fieldsOf(changed));
  }

  async follow(id: string, uri: string): Promise<void> {
    await this.#change(id, "HSET", [FOLLOWED + uri, "1"]);
  }

  async unfollow(id: string, uri: string): Promise<void> {
    await this.#change(id, "HDEL", [FOLLOWED + uri]);
  }

  async followed(id: string): Promise<string[]> {
    const fields = await this.#send(["HKEYS", this.#key(id)]) as string[];
    return fields
      .filter((field) => field.startsWith(FOLLOWED))
      .map((field) => field.slice(FOLLOWED.length));
  }

  async delete(id: string): Promise<void> {
    await this.#send(["DEL", this.#key(id)]);
  }

  async #change(id: string, command: string, args: string[]): Promise<void> {
    if (args.length === 0) return;
    await this.#send(["EVAL", CHANGE, "1", this.#key(id), command, ...args]);
  }

  #key(id: string): string {
    return `${this.#redis.prefix}session:${id}`;
  }
}

function fieldsOf(change: SessionChange): string[] {
  return Object.entries(change)
    .flatMap(([field, value]) => value === undefined ? [] : [field, value]);
}
