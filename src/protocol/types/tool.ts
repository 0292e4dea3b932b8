import type { HasIcons, HasMeta, JsonValue, Named } from "./base.ts";
import type { ContentBlock } from "./content.ts";
import type { Result } from "./message.ts";

/**
 * Hints about what a tool does to the world (specification, server/tools,
 * "Tool"). Clients must not trust those of a server that they don't trust.
 */
export interface ToolAnnotations {
  /** A name for people; the tool's own `title` comes first. */
  title?: string;
  /**
   * It changes nothing.
   * @default false
   */
  readOnlyHint?: boolean;
  /**
   * It may take away or overwrite, not only add.
   * @default true
   */
  destructiveHint?: boolean;
  /**
   * To repeat a call changes nothing more.
   * @default false
   */
  idempotentHint?: boolean;
  /**
   * It deals with a world without bounds, such as the web.
   * @default true
   */
  openWorldHint?: boolean;
}

/** How a tool runs (revision 2025-11-25, server/tools, and the tasks extension). */
export interface ToolExecution {
  /**
   * Whether a call may, or must, go on as a task.
   * @default "forbidden"
   */
  taskSupport?: "forbidden" | "optional" | "required";
}

/** The JSON Schema of a tool's arguments, which are always an object. */
export interface ToolInputSchema {
  /** Arguments are an object. */
  type: "object";
  /** The arguments by name. */
  properties?: Record<string, JsonValue>;
  /** The arguments that must be there. */
  required?: string[];
  /** Any other keyword of JSON Schema. */
  [keyword: string]: unknown;
}

/** The JSON Schema of a tool's structured content. */
export interface ToolOutputSchema {
  /**
   * The dialect.
   * @default "https://json-schema.org/draft/2020-12/schema"
   */
  $schema?: string;
  /** Any other keyword of JSON Schema. */
  [keyword: string]: unknown;
}

/** A tool as lists show it (specification, server/tools, "Tool"). */
export interface Tool extends Named, HasIcons, HasMeta {
  /** What it does, for the model. */
  description?: string;
  /** What its arguments must be. */
  inputSchema: ToolInputSchema;
  /** What `structuredContent` will be. */
  outputSchema?: ToolOutputSchema;
  /** Hints about what it does to the world. */
  annotations?: ToolAnnotations;
  /** Whether it runs as a task (revision 2025-11-25). */
  execution?: ToolExecution;
}

/** What came of a call (specification, server/tools, "Tool Result"). */
export interface CallToolResult extends Result {
  /** What the model reads. */
  content: ContentBlock[];
  /** The result as any JSON value, of the tool's output schema if it has one. */
  structuredContent?: unknown;
  /**
   * The call failed; the content tells the model why.
   * @default false
   */
  isError?: boolean;
}
