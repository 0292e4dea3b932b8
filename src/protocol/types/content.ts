import type { HasIcons, HasMeta, Named, Role } from "./base.ts";

/** Hints for clients about content (specification, server/resources, "Annotations"). */
export interface Annotations {
  /** For whom it is. */
  audience?: Role[];
  /** From 0, which may be left out, to 1, which is needed. */
  priority?: number;
  /** ISO 8601. */
  lastModified?: string;
}

/** Carries hints for clients. */
export interface Annotated extends HasMeta {
  /** Hints for clients. */
  annotations?: Annotations;
}

/** Plain text (specification, server/tools, "Text Content"). */
export interface TextContent extends Annotated {
  /** Tells it from other content. */
  type: "text";
  /** The text. */
  text: string;
}

/** A picture (specification, server/tools, "Image Content"). */
export interface ImageContent extends Annotated {
  /** Tells it from other content. */
  type: "image";
  /** Base64. */
  data: string;
  /** Such as `image/png`. */
  mimeType: string;
}

/** A sound (specification, server/tools, "Audio Content"). */
export interface AudioContent extends Annotated {
  /** Tells it from other content. */
  type: "audio";
  /** Base64. */
  data: string;
  /** Such as `audio/wav`. */
  mimeType: string;
}

/** The contents of a resource, in words or in bytes (specification, server/resources, "Resource Contents"). */
export interface ResourceContents extends HasMeta {
  /** The URI that they were read at. */
  uri: string;
  /** Such as `text/plain`. */
  mimeType?: string;
}

/** A resource's contents in words. */
export interface TextResourceContents extends ResourceContents {
  /** The text. */
  text: string;
}

/** A resource's contents in bytes. */
export interface BlobResourceContents extends ResourceContents {
  /** Base64. */
  blob: string;
}

/** A resource with its contents (specification, server/tools, "Embedded Resources"). */
export interface EmbeddedResource extends Annotated {
  /** Tells it from other content. */
  type: "resource";
  /** The resource's contents. */
  resource: TextResourceContents | BlobResourceContents;
}

/** A resource as lists show it (specification, server/resources, "Resource"). */
export interface Resource extends Named, HasIcons, Annotated {
  /** The URI that it is read at. */
  uri: string;
  /** Its contents in a sentence, for the model. */
  description?: string;
  /** Such as `text/plain`. */
  mimeType?: string;
  /** In bytes, before any encoding. */
  size?: number;
}

/** A resource to be read (specification, server/tools, "Resource Links"). */
export interface ResourceLink extends Resource {
  /** Tells it from other content. */
  type: "resource_link";
}

/** A piece of what a tool or a prompt says (specification, server/tools, "Tool Result"). */
export type ContentBlock =
  | TextContent
  | ImageContent
  | AudioContent
  | ResourceLink
  | EmbeddedResource;
