import { checkArguments } from "./prompt_arguments.ts";
import { checkHandler } from "./check_handler.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { COMMON_OPTIONS, Registration } from "./registration.ts";
import { BLOCK_RULE, isPromptMessage } from "../../protocol/content_check.ts";
import { jsonForm, jsonText } from "../../protocol/json_value.ts";
import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { readSchema, type SchemaLike, shapeOf } from "../../protocol/schema.ts";
import {
  isStandardSchema,
  issuesText,
  type StandardSchemaWithJSON,
} from "../../protocol/standard_schema.ts";
import type {
  GetPromptResult,
  Icon,
  InputRequiredResult,
  PromptMessage,
} from "../../protocol/types.ts";
import { type CompleteCallback, completerOf } from "./completable.ts";
import { isInputRequiredResult } from "../questions/input_required.ts";
import type { ListingEntry } from "./listing.ts";
import type { AccessRules } from "../identity/guard.ts";
import type { ServerContext } from "../server_context.ts";
import type { ToolArguments } from "./tool_config.ts";

/** Output of a prompt: a full result, its messages, or the user's text. */
export type PromptOutput =
  | GetPromptResult
  | InputRequiredResult
  | PromptMessage[]
  | string;

/** A prompt's handler: `(args, ctx)` with a schema, `(ctx)` without. */
export type PromptHandler<Schema = undefined, Lifespan = unknown> =
  [Schema] extends [undefined]
    ? (ctx: ServerContext<Lifespan>) => PromptOutput | Promise<PromptOutput>
    : (
      args: ToolArguments<Schema>,
      ctx: ServerContext<Lifespan>,
    ) => PromptOutput | Promise<PromptOutput>;

/** Description of a prompt. */
export interface PromptConfig<
  Args extends SchemaLike | undefined = undefined,
> extends AccessRules<ToolArguments<Args>> {
  /** A name for people. */
  title?: string;
  /** Purpose of the prompt. */
  description?: string;
  /** Schema of the arguments; all of them are strings. */
  argsSchema?: Args;
  /** Pictures for user interfaces. */
  icons?: Icon[];
  /** Metadata that lists show. */
  _meta?: Record<string, unknown>;
}

/** Changes that `update` of a prompt may make; `name: null` removes it. */
export interface PromptUpdates extends AccessRules {
  /** A new name, or null to take the prompt out for good. */
  name?: string | null;
  /** A name for people. */
  title?: string;
  /** Purpose of the prompt. */
  description?: string;
  /** Schema of the arguments. */
  argsSchema?: SchemaLike;
  /** Pictures for user interfaces. */
  icons?: Icon[];
  /** Metadata that lists show. */
  _meta?: Record<string, unknown>;
  /** The new handler. */
  // deno-lint-ignore no-explicit-any -- a handler for whatever schema it is updated with
  callback?: (...args: any[]) => PromptOutput | Promise<PromptOutput>;
  /** False hides it until it is enabled again. */
  enabled?: boolean;
}

const PROMPT_OPTIONS = {
  ...COMMON_OPTIONS,
  argsSchema: option.optional(),
} satisfies OptionRules<PromptConfig>;

type AnyHandler = (...args: unknown[]) => unknown;

/** A registered prompt: the handle that its author keeps. */
export class RegisteredPrompt extends Registration<PromptUpdates> {
  #changed: (prompt: RegisteredPrompt, from: string) => void;
  #name: string;
  #config: PromptConfig<SchemaLike | undefined>;
  #handler: AnyHandler;
  #schema: StandardSchemaWithJSON | undefined;
  #arguments:
    | { name: string; description?: string; required: boolean }[]
    | undefined;

  /** @internal */
  constructor(
    changed: (prompt: RegisteredPrompt, from: string) => void,
    name: string,
    config: PromptConfig<SchemaLike | undefined>,
    handler: AnyHandler,
  ) {
    super();
    readOptions(`prompt ${name}`, config, PROMPT_OPTIONS, `prompt ${name}: `);
    this.#changed = changed;
    this.#name = name;
    this.#config = { ...config };
    this.#handler = checkHandler(`prompt ${name}`, handler);
    this.guardBy(config, `prompt ${name}`);
    this.#readSchema();
  }

  #readSchema(): void {
    const { argsSchema } = this.#config;
    if (argsSchema === undefined) return;
    const where = `prompt ${this.#name}: argsSchema`;
    const read = readSchema(argsSchema, "input", where);
    checkArguments(this.#name, read.json, this.#shape);
    this.#schema = read.standard;
    const { properties, required } = read.json;
    this.#arguments = Object.entries(isObject(properties) ? properties : {})
      .map(([name, field]) => ({
        name,
        description: (field as { description?: string }).description,
        required: Array.isArray(required) && required.includes(name),
      }));
  }

  /** Name that the prompt is known by. */
  get name(): string {
    return this.#name;
  }
  /** A name for people. */
  get title(): string | undefined {
    return this.#config.title;
  }
  /** Purpose of the prompt. */
  get description(): string | undefined {
    return this.#config.description;
  }
  /** Schema of the arguments. */
  get argsSchema(): StandardSchemaWithJSON | undefined {
    return this.#schema;
  }
  /**
   * Handler that answers.
   * @internal
   */
  get handler(): AnyHandler {
    return this.#handler;
  }

  /** Takes it out for good. */
  override remove(): void {
    this.update({ name: null });
  }

  /** Changes the prompt in place and tells every client that listens. */
  override update(updates: PromptUpdates): void {
    const from = this.#name;
    const { name, callback, enabled, ...rest } = updates;
    const given = Object.entries(rest).filter(([, value]) =>
      value !== undefined
    );
    Object.assign(this.#config, Object.fromEntries(given));
    if (typeof name === "string") this.#name = name;
    if (callback !== undefined) {
      this.#handler = checkHandler(`prompt ${this.#name}`, callback);
    }
    this.guardBy(updates, `prompt ${this.#name}`);
    this.show(enabled);
    if (name === null) this.takeOut();
    if (rest.argsSchema !== undefined) this.#readSchema();
    this.#changed(this, from);
  }

  /**
   * The prompt as lists show it, under the name it has there.
   * @internal
   */
  entry(name: string): ListingEntry {
    const { title, description, icons, _meta } = this.#config;
    const text = jsonText({
      name,
      title,
      description,
      arguments: this.#arguments,
      icons,
      _meta,
    });
    return { key: name, modern: text, legacy: text };
  }

  /**
   * The completer of an argument, if it has one.
   * @internal
   */
  completer(argument: string): CompleteCallback | undefined {
    const shape = this.#shape;
    return shape !== undefined && Object.hasOwn(shape, argument)
      ? completerOf(shape[argument])
      : undefined;
  }

  /** The schemas of the arguments, where their library lets one see them. */
  get #shape(): Record<string, unknown> | undefined {
    const { argsSchema } = this.#config;
    return isStandardSchema(argsSchema)
      ? shapeOf(argsSchema)
      : argsSchema as Record<string, unknown> | undefined;
  }

  /**
   * True if any argument has a completer.
   * @internal
   */
  get completes(): boolean {
    return (this.#arguments ?? []).some(({ name }) =>
      this.completer(name) !== undefined
    );
  }

  /**
   * The prompt filled in.
   *
   * @param admit looks at the validated arguments before the handler does
   * @internal
   * @throws {InvalidParamsError} if the arguments miss the schema
   */
  async get(
    args: unknown,
    ctx: ServerContext,
    admit: (args: unknown) => Promise<void> | undefined,
  ): Promise<GetPromptResult | InputRequiredResult> {
    if (this.#schema === undefined) {
      const admitted = admit({});
      if (admitted !== undefined) await admitted;
      return this.#complete(await this.#handler(ctx));
    }
    const result = await this.#schema["~standard"].validate(args ?? {});
    if (result.issues !== undefined) {
      throw new InvalidParamsError(
        `Invalid arguments for prompt ${this.#name}: ${
          issuesText(result.issues)
        }`,
      );
    }
    const admitted = admit(result.value);
    if (admitted !== undefined) await admitted;
    return this.#complete(await this.#handler(result.value, ctx));
  }

  #complete(value: unknown): GetPromptResult | InputRequiredResult {
    if (isInputRequiredResult(value)) return value;
    if (typeof value === "string") {
      return {
        messages: [{ role: "user", content: { type: "text", text: value } }],
      };
    }
    const said = jsonForm(value);
    const result = Array.isArray(said) ? { messages: said } : said;
    if (isObject(result) && Array.isArray(result.messages)) {
      return this.#checked(result, result.messages);
    }
    throw new TypeError(
      `prompt ${this.#name} must return { messages }, an array of messages or ` +
        "a string",
    );
  }

  /** Sees that clients will take it: they refuse the whole for one broken message. */
  #checked(result: JsonObject, messages: unknown[]): GetPromptResult {
    const refuse = (what: string) => {
      throw new TypeError(`prompt ${this.#name}: ${what}`);
    };
    const broken = messages.findIndex((each) => !isPromptMessage(each));
    if (broken >= 0) {
      refuse(
        `messages[${broken}] is no message: it needs a role of user or ` +
          `assistant, and content; ${BLOCK_RULE}`,
      );
    }
    const { description = "", _meta = {}, resultType = "complete" } = result;
    if (typeof description !== "string") refuse("description must be a string");
    if (!isObject(_meta)) refuse("_meta must be an object");
    if (resultType !== "complete") refuse('resultType must be "complete"');
    return result as unknown as GetPromptResult;
  }
}
