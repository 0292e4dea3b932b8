import type { CacheHint } from "../../protocol/types.ts";
import type { HandlerOwner } from "../calls/call.ts";
import type { ListingEntry } from "./listing.ts";
import type { ReadResourceCallback, ResourceMetadata } from "./resource.ts";

/** A resource at the URI asked for. */
export interface FoundResource {
  /** Owner of the lifespan that its reader sees. */
  readonly owner: HandlerOwner;
  /** Scopes that a caller must have to read it. */
  readonly scopes: readonly string[];
  readonly readCallback: ReadResourceCallback;
  readonly metadata: ResourceMetadata;
  readonly cacheHint: Required<CacheHint>;
}

/** Source of resources that are registered as something else. */
export interface ResourceSource {
  /** Number of them; a server with any at all declares resources. */
  readonly size: number;
  /** Those that `resources/list` shows. */
  entries(): Iterable<ListingEntry>;
  find(uri: string): FoundResource | undefined;
}
