import { InvalidOptionError } from "../../base/errors.ts";
import { checkDurationMs, checkGroup } from "../../base/options.ts";
import type { CacheHint } from "../../protocol/types.ts";

const HINT_OPTIONS: Readonly<Record<keyof CacheHint, true>> = {
  ttlMs: true,
  cacheScope: true,
};

/** The hint in full: nothing said means stale at once and private. */
export function checkCacheHint(
  hint: CacheHint | undefined,
  where: string,
): Required<CacheHint> {
  checkGroup(where, hint, HINT_OPTIONS);
  const { ttlMs = 0, cacheScope = "private" } = hint ?? {};
  checkDurationMs(`${where}: ttlMs`, ttlMs);
  if (!Number.isInteger(ttlMs)) {
    throw new InvalidOptionError(
      `${where}: ttlMs must be a whole number, got ${ttlMs}`,
    );
  }
  if (cacheScope !== "public" && cacheScope !== "private") {
    throw new InvalidOptionError(
      `${where}: cacheScope must be "public" or "private", got ${
        JSON.stringify(cacheScope)
      }`,
    );
  }
  return { ttlMs, cacheScope };
}
