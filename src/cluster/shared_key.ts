import type { Cluster } from "./cluster.ts";
import type { RedisSpace } from "./shared_redis.ts";

/** Length of a key, in bytes. */
const KEY_BYTES = 32;

/**
 * A random key that all replicas have, made by the first that needs it, and again
 * after Redis has lost it.
 */
export class SharedKey {
  readonly #redis: RedisSpace;
  readonly #cluster: Cluster;
  readonly #subject: string;
  readonly #name: string;
  readonly #onChange: () => void;
  #key: string | undefined;

  /** @param onChange told that the key that was read is not the one any more */
  constructor(
    redis: RedisSpace,
    cluster: Cluster,
    { name, onChange }: { name: string; onChange: () => void },
  ) {
    this.#redis = redis;
    this.#cluster = cluster;
    this.#subject = name;
    this.#name = `${redis.prefix}${name}`;
    this.#onChange = onChange;
    const agree = (): void => {
      if (this.#key !== undefined) void this.read().catch(() => {});
    };
    // A Redis that comes back empty is given the key that is in use.
    cluster.onGap(agree);
    cluster.on(name, agree);
  }

  /** @throws {UnavailableError} */
  async read(): Promise<Uint8Array<ArrayBuffer>> {
    const before = this.#key;
    const own = before ?? newKey();
    const [put, kept] = await Promise.all([
      this.#redis.send(["SET", this.#name, own, "NX"]),
      this.#redis.send(["GET", this.#name]),
    ]);
    this.#key = kept as string;
    if (before !== undefined && before !== kept) this.#onChange();
    // Those that have one which Redis has lost take this one.
    if (put !== null) this.#cluster.say(this.#subject, {}).catch(() => {});
    return Uint8Array.fromHex(this.#key);
  }
}

function newKey(): string {
  return crypto.getRandomValues(new Uint8Array(KEY_BYTES)).toHex();
}
