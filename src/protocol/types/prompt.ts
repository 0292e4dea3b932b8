import type { HasIcons, HasMeta, Named, Role } from "./base.ts";
import type { ContentBlock } from "./content.ts";
import type { Result } from "./message.ts";

/** Something that a prompt wants to know. */
export interface PromptArgument extends Named {
  /** What it is, for people. */
  description?: string;
  /** Whether it must be there. */
  required?: boolean;
}

/** A prompt as lists show it (specification, server/prompts, "Prompt"). */
export interface Prompt extends Named, HasIcons, HasMeta {
  /** What it is for. */
  description?: string;
  /** What it wants to know. */
  arguments?: PromptArgument[];
}

/** One message of a prompt (specification, server/prompts, "PromptMessage"). */
export interface PromptMessage {
  /** Who says it. */
  role: Role;
  /** What is said. */
  content: ContentBlock;
}

/** A prompt filled in (specification, server/prompts, "Getting a Prompt"). */
export interface GetPromptResult extends Result {
  /** What the prompt is for. */
  description?: string;
  /** What to give to the model, in this order. */
  messages: PromptMessage[];
}
