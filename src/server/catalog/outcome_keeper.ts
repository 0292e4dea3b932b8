import type { CacheStore } from "../../cache/cache_store.ts";
import type { Clock } from "../../base/clock.ts";
import { InvalidOptionError } from "../../base/errors.ts";
import type { SchemaLike } from "../../protocol/schema.ts";
import type { Call } from "../calls/call.ts";
import { HandlerCache } from "./handler_cache.ts";
import { Idempotency } from "./idempotency.ts";
import type { ToolConfig } from "./tool_config.ts";

/** Keeper of what a handler returned, which may have that instead of a run. */
export interface OutcomeKeeper extends AsyncDisposable {
  run(
    input: unknown,
    call: Call,
    handle: (call: Call) => unknown,
  ): Promise<unknown>;
}

/** Things that a keeper needs of its server. */
export interface KeeperHost {
  readonly clock: Clock;
  /** Store that replicas share, where there is one. */
  readonly outcomes: (() => CacheStore) | undefined;
}

/**
 * Makes the keeper that a tool's config asks for.
 *
 * @throws {InvalidOptionError} naming the tool
 */
export function makeKeeper(
  where: string,
  { cache, idempotent, annotations }: ToolConfig<SchemaLike | undefined>,
  { clock, outcomes }: KeeperHost,
): OutcomeKeeper | undefined {
  if (cache === undefined) {
    return idempotent &&
      new Idempotency(where, idempotent, { clock, shared: outcomes?.() });
  }
  if (annotations?.readOnlyHint !== true) {
    throw new InvalidOptionError(
      `${where}: cache is for read-only tools: ` +
        "set annotations.readOnlyHint to true if it is one",
    );
  }
  if (idempotent !== undefined) {
    throw new InvalidOptionError(
      `${where}: idempotent is for tools that change something, and cache for ` +
        "those that don't",
    );
  }
  return new HandlerCache(where, cache);
}
