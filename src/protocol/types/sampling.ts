import type { HasMeta, JsonValue, Role } from "./base.ts";
import type {
  AudioContent,
  ContentBlock,
  ImageContent,
  TextContent,
} from "./content.ts";
import type { RequestMeta, Result, TaskMetadata } from "./message.ts";
import type { Tool } from "./offer.ts";

/** The model wants a tool called (specification, client/sampling, "Sampling with Tools"). */
export interface ToolUseContent extends HasMeta {
  /** Tells it from other content. */
  type: "tool_use";
  /** What the result will name. */
  id: string;
  /** The tool. */
  name: string;
  /** The tool's arguments. */
  input: Record<string, unknown>;
}

/** What came of a call that the model wanted (specification, client/sampling, "Tool Result Messages"). */
export interface ToolResultContent extends HasMeta {
  /** Tells it from other content. */
  type: "tool_result";
  /** The id of the `tool_use`. */
  toolUseId: string;
  /** What the model reads. */
  content: ContentBlock[];
  /** The result as any JSON value. */
  structuredContent?: unknown;
  /**
   * The call failed; the content says why.
   * @default false
   */
  isError?: boolean;
}

/** What a model says when it has no tools. */
export type SamplingContent = TextContent | ImageContent | AudioContent;

/** A piece of a message to or from a model. */
export type SamplingMessageContentBlock =
  | SamplingContent
  | ToolUseContent
  | ToolResultContent;

/** A message to or from a model (specification, client/sampling, "Messages"). */
export interface SamplingMessage extends HasMeta {
  /** Who says it. */
  role: Role;
  /** What is said. */
  content: SamplingMessageContentBlock | SamplingMessageContentBlock[];
}

/** Part of a model's name (specification, client/sampling, "Model Hints"). */
export interface ModelHint {
  /** Such as `sonnet`. */
  name?: string;
}

/** Which model to take, each priority from 0 to 1 (specification, client/sampling, "Model Preferences"). */
export interface ModelPreferences {
  /** Names; the first that fits is taken. */
  hints?: ModelHint[];
  /** How much a low price matters. */
  costPriority?: number;
  /** How much a fast answer matters. */
  speedPriority?: number;
  /** How much a clever answer matters. */
  intelligencePriority?: number;
}

/** How a model uses tools (specification, client/sampling, "Tool Choice Modes"). */
export interface ToolChoice {
  /**
   * It may, it must, or it must not.
   * @default "auto"
   */
  mode?: "auto" | "required" | "none";
}

/** What the client's model is asked (specification, client/sampling, "Creating Messages"). */
export type CreateMessageRequestParams = {
  /** What the request says of itself. */
  _meta?: RequestMeta;
  /** The conversation so far. */
  messages: SamplingMessage[];
  /** The most tokens to make; the client may stop sooner. */
  maxTokens: number;
  /** Which model to take, if the client lets you choose. */
  modelPreferences?: ModelPreferences;
  /** A system prompt, which the client may change. */
  systemPrompt?: string;
  /**
   * Whose context to add; all but `none` are deprecated.
   * @default "none"
   */
  includeContext?: "none" | "thisServer" | "allServers";
  /** From 0, always the likeliest word, upward. */
  temperature?: number;
  /** Texts at which the model stops. */
  stopSequences?: string[];
  /** Whatever the model's provider takes beside. */
  metadata?: Record<string, JsonValue>;
  /** What the model may call, if the client declares `sampling.tools`. */
  tools?: Tool[];
  /** How it uses them. */
  toolChoice?: ToolChoice;
  /** Runs as a task of the client's (revision 2025-11-25). */
  task?: TaskMetadata;
};

/** Asks the client's model. */
export interface CreateMessageRequest {
  /** Tells it from other questions. */
  method: "sampling/createMessage";
  /** What it is asked. */
  params: CreateMessageRequestParams;
}

/** The answer of a model with tools (specification, client/sampling, "Result Fields"). */
export interface CreateMessageResultWithTools extends Result {
  /** The model that spoke. */
  model: string;
  /** Who speaks: the assistant, as a rule. */
  role: Role;
  /** What it says, and what it wants called. */
  content: SamplingMessageContentBlock | SamplingMessageContentBlock[];
  /** `endTurn`, `stopSequence`, `maxTokens`, `toolUse`, or a word of the provider's. */
  stopReason?: string;
}

/** The answer of a model without tools. */
export interface CreateMessageResult extends CreateMessageResultWithTools {
  /** What it says. */
  content: SamplingContent;
}
