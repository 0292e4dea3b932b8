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
  /** The id that the result will name. */
  id: string;
  /** The tool. */
  name: string;
  /** The tool's arguments. */
  input: Record<string, unknown>;
}

/** The result of a call that the model wanted (specification, client/sampling, "Tool Result Messages"). */
export interface ToolResultContent extends HasMeta {
  /** Tells it from other content. */
  type: "tool_result";
  /** The id of the `tool_use`. */
  toolUseId: string;
  /** The text and pictures that the model reads. */
  content: ContentBlock[];
  /** The result as any JSON value. */
  structuredContent?: unknown;
  /**
   * The call failed; the content says why.
   * @default false
   */
  isError?: boolean;
}

/** The answer of a model that has no tools. */
export type SamplingContent = TextContent | ImageContent | AudioContent;

/** A piece of a message to or from a model. */
export type SamplingMessageContentBlock =
  | SamplingContent
  | ToolUseContent
  | ToolResultContent;

/** A message to or from a model (specification, client/sampling, "Messages"). */
export interface SamplingMessage extends HasMeta {
  /** The side that says it. */
  role: Role;
  /** The words, pictures, sounds and calls. */
  content: SamplingMessageContentBlock | SamplingMessageContentBlock[];
}

/** Part of a model's name (specification, client/sampling, "Model Hints"). */
export interface ModelHint {
  /** Such as `sonnet`. */
  name?: string;
}

/** The model to take, each priority from 0 to 1 (specification, client/sampling, "Model Preferences"). */
export interface ModelPreferences {
  /** Names; the first that fits is taken. */
  hints?: ModelHint[];
  /** The weight of a low price. */
  costPriority?: number;
  /** The weight of a fast answer. */
  speedPriority?: number;
  /** The weight of a clever answer. */
  intelligencePriority?: number;
}

/** The use that a model makes of tools (specification, client/sampling, "Tool Choice Modes"). */
export interface ToolChoice {
  /**
   * It may, it must, or it must not.
   * @default "auto"
   */
  mode?: "auto" | "required" | "none";
}

/** The question to the client's model (specification, client/sampling, "Creating Messages"). */
export type CreateMessageRequestParams = {
  /** Metadata of the request. */
  _meta?: RequestMeta;
  /** The conversation so far. */
  messages: SamplingMessage[];
  /** The most tokens to make; the client may stop sooner. */
  maxTokens: number;
  /** The model to take, if the client lets you choose. */
  modelPreferences?: ModelPreferences;
  /** A system prompt, which the client may change. */
  systemPrompt?: string;
  /**
   * Servers whose context to add; all but `none` are deprecated.
   * @default "none"
   */
  includeContext?: "none" | "thisServer" | "allServers";
  /** From 0, always the likeliest word, upward. */
  temperature?: number;
  /** Texts at which the model stops. */
  stopSequences?: string[];
  /** Anything that the model's provider takes beside. */
  metadata?: Record<string, JsonValue>;
  /** The tools that the model may call, if the client declares `sampling.tools`. */
  tools?: Tool[];
  /** The use it makes of them. */
  toolChoice?: ToolChoice;
  /** Runs as a task of the client's (revision 2025-11-25). */
  task?: TaskMetadata;
};

/** Asks the client's model. */
export interface CreateMessageRequest {
  /** Tells it from other questions. */
  method: "sampling/createMessage";
  /** The question. */
  params: CreateMessageRequestParams;
}

/** The answer of a model with tools (specification, client/sampling, "Result Fields"). */
export interface CreateMessageResultWithTools extends Result {
  /** The model that spoke. */
  model: string;
  /** The side that speaks: the assistant, as a rule. */
  role: Role;
  /** The words, and the calls that it wants made. */
  content: SamplingMessageContentBlock | SamplingMessageContentBlock[];
  /** `endTurn`, `stopSequence`, `maxTokens`, `toolUse`, or a word of the provider's. */
  stopReason?: string;
}

/** The answer of a model without tools. */
export interface CreateMessageResult extends CreateMessageResultWithTools {
  /** The words, the picture or the sound. */
  content: SamplingContent;
}
