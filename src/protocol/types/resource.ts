import type { HasIcons, Named } from "./base.ts";
import type {
  Annotated,
  BlobResourceContents,
  TextResourceContents,
} from "./content.ts";
import type { PaginatedResult, Result } from "./message.ts";

/** A resource as lists show it (specification, server/resources, "Resource"). */
export interface Resource extends Named, HasIcons, Annotated {
  /** Where it is read. */
  uri: string;
  /** What it holds, for the model. */
  description?: string;
  /** Such as `text/plain`. */
  mimeType?: string;
  /** In bytes, before any encoding. */
  size?: number;
}

/** One page of resources (specification, server/resources, "Listing Resources"). */
export interface ListResourcesResult extends PaginatedResult {
  /** The page. */
  resources: Resource[];
}

/** What was read (specification, server/resources, "Reading Resources"). */
export interface ReadResourceResult extends Result {
  /** One entry, or one for each part of the resource. */
  contents: (TextResourceContents | BlobResourceContents)[];
}
