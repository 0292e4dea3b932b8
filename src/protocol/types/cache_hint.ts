/**
 * How long a client may reuse a result, and with whom it may share it
 * (specification, server/utilities/caching).
 */
export interface CacheHint {
  /**
   * Milliseconds for which the result may be taken as fresh.
   * @default 0
   */
  ttlMs?: number;
  /**
   * `public` results are the same for every caller.
   * @default "private"
   */
  cacheScope?: "public" | "private";
}
