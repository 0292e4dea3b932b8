import { LruEntry, LruMap } from "../../cache/memory/lru_map.ts";
import type { AuthInfo } from "../../protocol/types.ts";

class KnownToken extends LruEntry {
  constructor(
    token: string,
    readonly authInfo: AuthInfo,
    readonly untilMs: number,
  ) {
    super(token, 1);
  }
}

/** The callers of tokens that have been checked, for as long as that holds. */
export class TokenCache {
  readonly #known: LruMap<KnownToken>;
  readonly #now: () => number;

  constructor(maxTokens: number, now: () => number) {
    this.#known = new LruMap({
      maxEntries: maxTokens,
      maxSize: maxTokens,
      onRemove: () => {},
    });
    this.#now = now;
  }

  /** Number of those that are kept. */
  get size(): number {
    return this.#known.length;
  }

  get(token: string): AuthInfo | undefined {
    const known = this.#known.get(token);
    if (known === undefined) return undefined;
    if (known.untilMs > this.#now()) return known.authInfo;
    this.#known.delete(token);
    return undefined;
  }

  /** @param untilMs in milliseconds since the epoch */
  set(token: string, authInfo: AuthInfo, untilMs: number): void {
    this.#known.add(new KnownToken(token, authInfo, untilMs));
  }
}
