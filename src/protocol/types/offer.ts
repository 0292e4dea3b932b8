import type { HasIcons, HasMeta, JsonValue, Named, Role } from "./base.ts";
import type {
  BlobResourceContents,
  ContentBlock,
  Resource,
  TextResourceContents,
} from "./content.ts";
import type { PaginatedResult, Result } from "./message.ts";

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

/** The way a tool runs (revision 2025-11-25, server/tools, and the tasks extension). */
export interface ToolExecution {
  /**
   * A call may, or must, go on as a task.
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
  /** Its purpose, for the model. */
  description?: string;
  /** The schema of its arguments. */
  inputSchema: ToolInputSchema;
  /** The schema of `structuredContent`. */
  outputSchema?: ToolOutputSchema;
  /** Hints about what it does to the world. */
  annotations?: ToolAnnotations;
  /** The way it runs, as a task or not (revision 2025-11-25). */
  execution?: ToolExecution;
}

/** The result of a call (specification, server/tools, "Tool Result"). */
export interface CallToolResult extends Result {
  /** The text and pictures that the model reads. */
  content: ContentBlock[];
  /** The result as any JSON value, of the tool's output schema if it has one. */
  structuredContent?: unknown;
  /**
   * The call failed; the content tells the model why.
   * @default false
   */
  isError?: boolean;
}

/** Something that a prompt wants to know. */
export interface PromptArgument extends Named {
  /** Its meaning, for people. */
  description?: string;
  /** It must be there. */
  required?: boolean;
}

/** A prompt as lists show it (specification, server/prompts, "Prompt"). */
export interface Prompt extends Named, HasIcons, HasMeta {
  /** Its purpose. */
  description?: string;
  /** The arguments that it takes. */
  arguments?: PromptArgument[];
}

/** One message of a prompt (specification, server/prompts, "PromptMessage"). */
export interface PromptMessage {
  /** The side that says it. */
  role: Role;
  /** The words, pictures, sounds and resources. */
  content: ContentBlock;
}

/** A prompt filled in (specification, server/prompts, "Getting a Prompt"). */
export interface GetPromptResult extends Result {
  /** The prompt's purpose. */
  description?: string;
  /** The messages for the model, in this order. */
  messages: PromptMessage[];
}

/** One page of resources (specification, server/resources, "Listing Resources"). */
export interface ListResourcesResult extends PaginatedResult {
  /** The page. */
  resources: Resource[];
}

/** The contents of a resource (specification, server/resources, "Reading Resources"). */
export interface ReadResourceResult extends Result {
  /** One entry, or one for each part of the resource. */
  contents: (TextResourceContents | BlobResourceContents)[];
}

/** Suggestions for an argument (specification, server/utilities/completion, "CompleteResult"). */
export interface CompleteResult extends Result {
  /** The values on offer. */
  completion: {
    /** At most 100, the best first. */
    values: string[];
    /** The number of all there are, sent or not. */
    total?: number;
    /** There are more than were sent. */
    hasMore?: boolean;
    /** Anything else. */
    [key: string]: unknown;
  };
}

/** A file of a skill, with what a host verifies it by (skills extension, "Skill Entries"). */
export interface SkillResource {
  /** The URI that it is read at. */
  uri: string;
  /** `sha256:` and the hash of its bytes, in 64 lowercase hexadecimal digits. */
  digest: string;
  /** Its size in bytes. */
  size: number;
}

/** The head of a `SKILL.md`, as JSON (Agent Skills, "Frontmatter"). */
export interface SkillFrontmatter {
  /** Lowercase letters, digits and single hyphens, 64 at most. */
  name: string;
  /** The skill's purpose and occasions, for the model; 1,024 characters at most. */
  description: string;
  /** Anything else that its author wrote. */
  [field: string]: JsonValue;
}

/** A skill as `skills/list` and `skills/get` show it (skills extension, "Skill Entries"). */
export interface SkillEntry {
  /** The URI that its `SKILL.md` is read at. */
  uri: string;
  /** The frontmatter of its `SKILL.md`. */
  frontmatter: SkillFrontmatter;
  /** All of its files, or `dynamic` if any of them is made when it is read. */
  resources: SkillResource[] | "dynamic";
}
