import type { CacheStore } from "../../cache/cache_store.ts";
import type { Clock } from "../../base/clock.ts";
import type {
  CallRateLimit,
  RateLimitOptions,
} from "../calls/call_rate_limit.ts";
import type { Admission } from "../admission/admission.ts";
import type { HandlerOwner } from "../calls/call.ts";
import type { FullCacheHints } from "./cache_hint.ts";

/** Kind of the list that has changed. */
export type ListKind = "tools" | "prompts" | "resources";

/** Parts of its server that a catalog needs. */
export interface CatalogOptions {
  readonly clock: Clock;
  /** Makes the lines in which calls wait for their turn. */
  readonly admission: Pick<Admission, "line">;
  readonly pageSize: number;
  /** Scopes that a caller needs for anything of the catalog. */
  readonly scopes: readonly string[];
  readonly hints: FullCacheHints;
  /** Things that the handlers of the catalog share. */
  readonly lifespan: HandlerOwner["lifespan"];
  readonly verifyState: HandlerOwner["verifyState"];
  /** Told of every change of a list. */
  changed(kind: ListKind): void;
  /** Tells the operator of something that still works. */
  warn(message: string): void;
  /** Makes a rate limit of calls of what is registered. */
  limitRate(what: string, options: RateLimitOptions): CallRateLimit;
  /** Store that replicas share of the outcomes of calls with a key, where there is one. */
  outcomes?(): CacheStore;
  /** Closes something together with the server. */
  disposeLater(resource: AsyncDisposable): void;
}
