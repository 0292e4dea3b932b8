/** Any value that JSON can say. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | JsonValue[]
  | { [key: string]: JsonValue };

/** Carries metadata (specification, basic, "`_meta`"). */
export interface HasMeta {
  /**
   * Anything else there is to say. A prefix such as `com.example/` keeps keys
   * apart; those of `io.modelcontextprotocol/` and its like belong to MCP.
   */
  _meta?: Record<string, unknown>;
}

/** A name for programs, and one for people (specification, schema, "BaseMetadata"). */
export interface Named {
  /** For programs. */
  name: string;
  /**
   * For people.
   * @default the name
   */
  title?: string;
}

/** A picture for user interfaces (specification, basic, "`icons`"). */
export interface Icon {
  /** An `https:` or `data:` URI. */
  src: string;
  /**
   * Such as `image/png`.
   * @default what the source says of itself
   */
  mimeType?: string;
  /**
   * Sizes in pixels, such as `48x48`, or `any`.
   * @default any size
   */
  sizes?: string[];
  /**
   * The background that the icon is drawn for.
   * @default either
   */
  theme?: "light" | "dark";
}

/** Pictures for user interfaces. */
export interface HasIcons {
  /** Pictures to choose from. */
  icons?: Icon[];
}

/** The side that speaks, or is spoken to. */
export type Role = "user" | "assistant";
