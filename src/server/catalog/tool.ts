import { checkHandler } from "./check_handler.ts";
import { Registration } from "./registration.ts";
import { InvalidOptionError } from "../../base/errors.ts";
import { checkKnown, checkText, checkTimeoutMs } from "../../base/options.ts";
import type { Semaphore } from "../../limit/semaphore.ts";
import {
  findParamHeaders,
  type ParamHeader,
} from "../../protocol/param_headers.ts";
import {
  EMPTY_OBJECT_SCHEMA,
  readSchema,
  type SchemaLike,
  wrapSchema,
} from "../../protocol/schema.ts";
import {
  issuesText,
  type JsonSchema,
  type StandardSchemaWithJSON,
} from "../../protocol/standard_schema.ts";
import { jsonText } from "../../protocol/json_value.ts";
import { isObject } from "../../protocol/jsonrpc.ts";
import type {
  CallToolResult,
  Icon,
  ToolAnnotations,
  ToolExecution,
} from "../../protocol/types.ts";
import { HandlerCache, type HandlerCacheOptions } from "./handler_cache.ts";
import type { ListingEntry } from "./listing.ts";
import type { Call } from "../calls/call.ts";
import type {
  CallRateLimit,
  RateLimitOptions,
} from "../calls/call_rate_limit.ts";
import {
  TOOL_OPTIONS,
  type ToolConfig,
  type ToolUpdates,
} from "./tool_config.ts";
import { ToolLimits, type ToolLimitsHost } from "./tool_limits.ts";
import { checkToolName } from "./tool_name.ts";
import { drained } from "./tool_steps.ts";
import {
  parseOutcome,
  type ToolOutcome,
  toToolOutcome,
  withContent,
} from "./tool_result.ts";

type AnyHandler = (...args: unknown[]) => unknown;

/** Receiver of what a tool tells its collection. */
export interface ToolHost extends ToolLimitsHost {
  /** Closes something together with the server. */
  disposeLater(resource: AsyncDisposable): void;
  /** Tells the operator of something that still works. */
  readonly warn: (message: string) => void;
  /** Makes a rate limit of the tool's calls. */
  limitRate(what: string, options: RateLimitOptions): CallRateLimit;
  /** The tool has changed; `from` is the name it was known by. */
  toolChanged(tool: RegisteredTool, from: string): void;
}

/** A registered tool: the handle that its author keeps. */
export class RegisteredTool extends Registration<ToolUpdates> {
  #host: ToolHost;
  #name: string;
  #config: ToolConfig<SchemaLike | undefined>;
  #handler: AnyHandler;
  #cache: HandlerCache | undefined;
  #input: StandardSchemaWithJSON | undefined;
  #output: StandardSchemaWithJSON | undefined;
  #inputJson: JsonSchema = EMPTY_OBJECT_SCHEMA;
  #outputJson: JsonSchema | undefined;
  #paramHeaders: readonly ParamHeader[] = [];
  #entry: ListingEntry | undefined;
  readonly #limits: ToolLimits | undefined;
  /** Milliseconds past which its calls are slow, if not as the server's option says. */
  readonly slowMs: number | undefined;
  /**
   * How often callers may call it.
   * @internal
   */
  readonly rateLimit: CallRateLimit | undefined;

  /** @internal */
  constructor(
    host: ToolHost,
    name: string,
    config: ToolConfig<SchemaLike | undefined>,
    handler: AnyHandler,
  ) {
    super();
    this.#host = host;
    this.#name = checkToolName(name, host.warn);
    checkKnown(`tool ${name}`, config, TOOL_OPTIONS);
    checkText(`tool ${name}: title`, config.title);
    checkText(`tool ${name}: description`, config.description);
    this.#config = { ...config };
    this.#handler = checkHandler(`tool ${name}`, handler);
    this.guardBy(config, `tool ${name}`);
    this.slowMs = config.slowMs === undefined
      ? undefined
      : checkTimeoutMs(`tool ${name}: slowMs`, config.slowMs);
    this.#limits = ToolLimits.of(name, config, host);
    this.rateLimit = config.rateLimit === undefined
      ? undefined
      : host.limitRate(`tool ${name}`, config.rateLimit);
    if (config.cache !== undefined) this.#cache = this.#makeCache(config.cache);
    this.#readSchemas();
  }

  #makeCache(options: HandlerCacheOptions): HandlerCache {
    if (this.annotations?.readOnlyHint !== true) {
      throw new InvalidOptionError(
        `tool ${this.#name}: cache is for read-only tools: ` +
          "set annotations.readOnlyHint to true if it is one",
      );
    }
    const cache = new HandlerCache(`tool ${this.#name}`, options);
    this.#host.disposeLater(cache);
    return cache;
  }

  #readSchemas(): void {
    const { inputSchema, outputSchema } = this.#config;
    const where = `tool ${this.#name}`;
    const input = inputSchema &&
      readSchema(inputSchema, "input", `${where}: inputSchema`);
    const output = outputSchema &&
      readSchema(outputSchema, "output", `${where}: outputSchema`);
    this.#input = input?.standard;
    this.#inputJson = input?.json ?? EMPTY_OBJECT_SCHEMA;
    this.#output = output?.standard;
    this.#outputJson = output?.json;
    this.#paramHeaders = findParamHeaders(
      this.#inputJson,
      `${where}: inputSchema`,
    );
  }

  /** Name that the tool is known by. */
  get name(): string {
    return this.#name;
  }
  /** A name for people. */
  get title(): string | undefined {
    return this.#config.title;
  }
  /** Description of what the tool does, for the model. */
  get description(): string | undefined {
    return this.#config.description;
  }
  /** Schema of the arguments. */
  get inputSchema(): StandardSchemaWithJSON | undefined {
    return this.#input;
  }
  /** Schema of `structuredContent`. */
  get outputSchema(): StandardSchemaWithJSON | undefined {
    return this.#output;
  }
  /** Hints about what the tool does to the world. */
  get annotations(): ToolAnnotations | undefined {
    return this.#config.annotations;
  }
  /** Pictures for user interfaces. */
  get icons(): Icon[] | undefined {
    return this.#config.icons;
  }
  /** Tells if the tool runs as a task. */
  get execution(): ToolExecution | undefined {
    return this.#config.execution;
  }
  /** Metadata that lists show. */
  get _meta(): Record<string, unknown> | undefined {
    return this.#config._meta;
  }
  /** Handler that a call runs. */
  get handler(): (...args: unknown[]) => unknown {
    return this.#handler;
  }
  /**
   * Milliseconds after which a call is given up.
   * @internal
   */
  get timeoutMs(): number | undefined {
    return this.#config.timeoutMs;
  }

  /**
   * The arguments that clients mirror into HTTP headers.
   * @internal
   */
  get paramHeaders(): readonly ParamHeader[] {
    return this.#paramHeaders;
  }
  /** The concurrency limit, where the tool has one. */
  get slots(): Semaphore | undefined {
    return this.#limits?.line;
  }

  /** Takes it out for good. */
  override remove(): void {
    this.update({ name: null });
  }

  /** Changes the tool in place and tells every client that listens. */
  override update(updates: ToolUpdates): void {
    const from = this.#name;
    const { name, paramsSchema, callback, enabled, ...rest } = updates;
    if (typeof name === "string") {
      this.#name = checkToolName(name, this.#host.warn);
    }
    const given = Object.entries(rest).filter(([, value]) =>
      value !== undefined
    );
    Object.assign(this.#config, Object.fromEntries(given));
    if (paramsSchema !== undefined) this.#config.inputSchema = paramsSchema;
    if (callback !== undefined) {
      this.#handler = checkHandler(`tool ${this.#name}`, callback);
    }
    this.guardBy(updates, `tool ${this.#name}`);
    this.show(enabled);
    if (name === null) this.takeOut();
    if (paramsSchema !== undefined || rest.outputSchema !== undefined) {
      this.#readSchemas();
    }
    this.#entry = undefined;
    this.#host.toolChanged(this, from);
  }

  /**
   * The tool as lists show it, under the name it has there.
   * @internal
   */
  entry(key: string): ListingEntry {
    if (this.#entry?.key === key) return this.#entry;
    const { title, description, annotations, icons, _meta } = this.#config;
    const tool = (outputSchema: JsonSchema | undefined) =>
      jsonText({
        name: key,
        title,
        description,
        inputSchema: this.#inputJson,
        outputSchema,
        annotations,
        icons,
        _meta,
      });
    return this.#entry = {
      key,
      modern: tool(this.#outputJson),
      legacy: tool(
        this.#wrapsForLegacy
          ? wrapSchema(this.#outputJson!, "result")
          : this.#outputJson,
      ),
    };
  }

  get #wrapsForLegacy(): boolean {
    return this.#outputJson !== undefined && this.#outputJson.type !== "object";
  }

  /**
   * The validated arguments.
   * @internal
   * @throws {ToolInputError}
   */
  validate(args: unknown): unknown | Promise<unknown> {
    if (this.#input === undefined) return undefined;
    const result = this.#input["~standard"].validate(args);
    if (result instanceof Promise) {
      return result.then((each) => this.#accept(each));
    }
    return this.#accept(result);
  }

  #accept(
    result: { value?: unknown; issues?: readonly { message: string }[] },
  ): unknown {
    if (result.issues === undefined) return result.value;
    throw new ToolInputError(
      `Input validation error: Invalid arguments for tool ${this.#name}: ${
        issuesText(result.issues)
      }`,
    );
  }

  /**
   * Runs the handler under the tool's limits; what it returns or throws is its own.
   * @internal
   */
  invoke(args: unknown, call: Call): unknown {
    if (this.#limits === undefined) return this.#run(args, call);
    return this.#limits.run(
      call,
      async () => await drained(await this.#run(args, call), call),
    );
  }

  #run(args: unknown, call: Call): unknown {
    return this.#cache === undefined
      ? this.#handle(args, call)
      : this.#cache.run(
        args,
        call,
        async (shared) =>
          await drained(await this.#handle(args, shared), shared),
      );
  }

  #handle(args: unknown, { context }: Call): unknown {
    return this.#input === undefined
      ? this.#handler(context)
      : this.#handler(args, context);
  }

  /**
   * Makes the full result of what the handler returned, as the output schema has
   * it.
   * @internal
   * @throws {ToolResultError | JsonValueError}
   */
  complete(
    value: unknown,
    { era }: Call,
  ): CallToolResult | Promise<CallToolResult> {
    const outcome = toToolOutcome(value, this.#outputJson);
    const { content, structuredContent } = outcome;
    if (this.#output === undefined || outcome.isError) {
      return content !== undefined && structuredContent === undefined
        ? outcome as CallToolResult
        : era.toolResult(withContent(outcome), isObject(structuredContent));
    }
    const finish = (parsed: ToolOutcome) =>
      era.toolResult(withContent(parsed), !this.#wrapsForLegacy);
    const parsed = parseOutcome(outcome, this.#output, this.#name);
    return parsed instanceof Promise ? parsed.then(finish) : finish(parsed);
  }
}

/** The arguments of a call miss the tool's schema. */
export class ToolInputError extends Error {
  override readonly name = "ToolInputError";
}
