import type { HasMeta } from "./base.ts";
import type { MessageParams, Result } from "./message.ts";

/** A place that the client works in (specification, client/roots, "Root"). */
export interface Root extends HasMeta {
  /** A `file:` URI. */
  uri: string;
  /** A name for people. */
  name?: string;
}

/** Asks for the client's roots (specification, client/roots, "Listing Roots"). */
export interface ListRootsRequest {
  /** Tells it from other questions. */
  method: "roots/list";
  /** Nothing but `_meta`. */
  params?: MessageParams;
}

/** The client's roots. */
export interface ListRootsResult extends Result {
  /** Where it works. */
  roots: Root[];
}
