import { redisName } from "../../redis/redis_name.ts";

/** Names of things in Redis. */
export class RedisKeys {
  readonly #entryPrefix: string;
  readonly #lockPrefix: string;
  readonly #tagPrefix: string;
  /** Channel on which changes are told. */
  readonly channel: string;
  /** Until when each process that listens is due to show that it lives. */
  readonly peers: string;
  /** Nothing's name: what a health check may delete. */
  readonly trial: string;

  constructor(prefix: string) {
    this.#entryPrefix = `${prefix}:`;
    this.#lockPrefix = `${prefix}#lock:`;
    this.#tagPrefix = `${prefix}#tag:`;
    this.channel = `${prefix}#changes`;
    this.peers = `${prefix}#peers`;
    this.trial = `${prefix}#trial`;
  }

  entry(key: string): string {
    return this.#entryPrefix + redisName(key);
  }

  lock(key: string): string {
    return this.#lockPrefix + redisName(key);
  }

  tag(tag: string): string {
    return this.#tagPrefix + redisName(tag);
  }

  tags(tags: readonly string[]): string[] {
    return tags.map((tag) => this.tag(tag));
  }

  /** A channel that only one process listens to. */
  inbox(id: string): string {
    return `${this.channel}:${id}`;
  }
}
