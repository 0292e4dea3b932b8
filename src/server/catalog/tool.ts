import { checkHandler } from "./check_handler.ts";
import { readOptions } from "../../base/option_rules.ts";
import { Registration } from "./registration.ts";
import type { CacheStore } from "../../cache/cache_store.ts";
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
import { IDEMPOTENCY_META } from "./idempotency_key.ts";
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
import { checkToolName } from "./tool_name.ts";
import { ToolLimits, type ToolLimitsHost } from "./tool_limits.ts";
import { makeKeeper, type OutcomeKeeper } from "./outcome_keeper.ts";
import { attemptsOf } from "./tool_attempts.ts";
import { drained } from "./tool_steps.ts";
import { toolHandler } from "./tool_worker.ts";
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
  /** Store that replicas share of the outcomes of calls with a key, where there is one. */
  readonly outcomes: (() => CacheStore) | undefined;
  /** The tool has changed; `from` is the name it was known by. */
  toolChanged(tool: RegisteredTool, from: string): void;
}

/** A registered tool: the handle that its author keeps. */
export class RegisteredTool extends Registration<ToolUpdates> {
  #host: ToolHost;
  #name: string;
  #config: ToolConfig<SchemaLike | undefined>;
  #handler: AnyHandler;
  readonly #keeper: OutcomeKeeper | undefined;
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
  /** Bytes that an answer of it may have, if not as the server's option says. */
  readonly maxResultBytes: number | undefined;
  /**
   * How often its task may be begun; `undefined` for once and never again.
   * @internal
   */
  readonly maxAttempts: number | undefined;

  /** @internal */
  constructor(
    host: ToolHost,
    name: string,
    config: ToolConfig<SchemaLike | undefined>,
    handler: AnyHandler | undefined,
  ) {
    super();
    this.#host = host;
    this.#name = checkToolName(name, host.warn);
    const where = `tool ${name}`;
    const read = readOptions(where, config, TOOL_OPTIONS, `${where}: `);
    this.#config = { ...config };
    this.#handler = toolHandler(name, config, handler, host);
    this.guardBy(config, where);
    this.slowMs = read.slowMs;
    this.maxResultBytes = read.maxResultBytes;
    this.#limits = ToolLimits.of(name, read, host);
    this.rateLimit = config.rateLimit === undefined
      ? undefined
      : host.limitRate(where, config.rateLimit);
    this.#keeper = makeKeeper(where, config, host);
    if (this.#keeper !== undefined) host.disposeLater(this.#keeper);
    this.maxAttempts = attemptsOf(name, config);
    this.#readSchemas();
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
    const { title, description, annotations, icons } = this.#config;
    const _meta = this.#listedMeta;
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

  /** What lists say of it beside the rest: a client must know that keys are heeded. */
  get #listedMeta(): Record<string, unknown> | undefined {
    const { _meta, idempotent } = this.#config;
    return idempotent === undefined ? _meta : {
      ..._meta,
      [IDEMPOTENCY_META]: { ttlMs: idempotent.ttlMs },
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
    return this.#keeper === undefined
      ? this.#handle(args, call)
      : this.#keeper.run(
        args,
        call,
        async (each) => await drained(await this.#handle(args, each), each),
      );
  }

  #handle(args: unknown, call: Call): unknown {
    const handler = this.#handler;
    if (this.#input === undefined) return handler(call.context);
    // One that names its arguments alone keeps no context.
    return handler(
      args,
      handler.length === 1 ? call.passingContext : call.context,
    );
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
