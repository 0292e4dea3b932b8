import type { Cluster } from "./cluster.ts";
import type { RedisSpace } from "./shared_redis.ts";

/** Length of a key, in bytes. */
const KEY_BYTES = 32;

/** A random key that all replicas have, made by the first that needs it. */
export class SharedKey {
  readonly #redis: RedisSpace;
  readonly #name: string;
  #key: string | undefined;

  constructor(redis: RedisSpace, cluster: Cluster, name: string) {
    this.#redis = redis;
    this.#name = `${redis.prefix}${name}`;
    // A Redis that comes back empty is given the key that is in use.
    cluster.onGap(() => {
      if (this.#key !== undefined) void this.#put(this.#key).catch(() => {});
    });
  }

  /** @throws {UnavailableError} */
  async read(): Promise<Uint8Array<ArrayBuffer>> {
    const made = crypto.getRandomValues(new Uint8Array(KEY_BYTES)).toHex();
    const [, kept] = await Promise.all([
      this.#put(made),
      this.#redis.send(["GET", this.#name]),
    ]);
    this.#key = kept as string;
    return Uint8Array.fromHex(this.#key);
  }

  #put(key: string): Promise<unknown> {
    return this.#redis.send(["SET", this.#name, key, "NX"]);
  }
}
