import { option, type OptionRules } from "../../base/option_rules.ts";
import type { SchemaLike } from "../../protocol/schema.ts";
import type {
  InferInput,
  InferOutput,
  StandardSchema,
} from "../../protocol/standard_schema.ts";
import type {
  CallToolResult,
  ContentBlock,
  Icon,
  InputRequiredResult,
  ToolAnnotations,
  ToolExecution,
} from "../../protocol/types.ts";
import type { RateLimitOptions } from "../calls/call_rate_limit.ts";
import type { AccessRules } from "../identity/guard.ts";
import { COMMON_OPTIONS, shown } from "./registration.ts";
import type { HandlerCacheOptions } from "./handler_cache.ts";
import type { IdempotencyOptions } from "./idempotency.ts";
import type { ServerContext } from "../server_context.ts";
import type { CreateTaskResult } from "../tasks/task.ts";

/** A step of a tool that is an async generator: progress on its way to the result. */
export type ToolStep =
  | number
  | string
  | { progress?: number; total?: number; message?: string };

/** Output that a tool's handler may return. */
export type ToolOutput =
  | CallToolResult
  | InputRequiredResult
  | CreateTaskResult
  | ContentBlock[]
  | string
  | number
  | boolean
  | null
  | undefined
  | void
  | object;

/** Return of a tool's handler: now, later, or after steps of progress. */
export type ToolReturn =
  | ToolOutput
  | Promise<ToolOutput>
  | AsyncGenerator<ToolStep, ToolOutput, void>;

/** Value of a handler for an output schema, before defaults are filled in. */
export type ToolOutputValue<Schema> = Schema extends StandardSchema
  ? InferInput<Schema>
  : Schema extends Record<string, StandardSchema> ? FieldsOf<Schema>
  : unknown;

/** The fields of a record of schemas; those that may be undefined may be left out. */
export type FieldsOf<Shape extends Record<string, StandardSchema>> =
  & {
    [
      Name in keyof Shape as undefined extends InferInput<Shape[Name]> ? never
        : Name
    ]: InferInput<Shape[Name]>;
  }
  & { [Name in keyof Shape]?: InferInput<Shape[Name]> };

/** Output of a tool with an output schema: a value, or a result with it. */
export type ToolOutputOf<Value> =
  | Value
  | (CallToolResult & { structuredContent?: Value })
  | { structuredContent: Value; _meta?: Record<string, unknown> }
  | InputRequiredResult
  | CreateTaskResult;

/** Return of a tool's handler; an output schema of known type constrains it. */
export type ToolReturnOf<Schema> = [Schema] extends [undefined] ? ToolReturn
  : unknown extends ToolOutputValue<Schema> ? ToolReturn
  :
    | ToolOutputOf<ToolOutputValue<Schema>>
    | Promise<ToolOutputOf<ToolOutputValue<Schema>>>
    | AsyncGenerator<ToolStep, ToolOutputOf<ToolOutputValue<Schema>>, void>;

/** The arguments that come out of an input schema. */
export type ToolArguments<Schema> = Schema extends StandardSchema
  ? InferOutput<Schema>
  : Schema extends Record<string, StandardSchema>
    ? { [Name in keyof Schema]: InferOutput<Schema[Name]> }
  : Record<string, unknown>;

/**
 * A tool's handler: `(args, ctx)` with an input schema, `(ctx)` without.
 */
export type ToolHandler<
  Schema = undefined,
  Lifespan = unknown,
  Output = undefined,
> = [Schema] extends [undefined]
  ? (ctx: ServerContext<Lifespan>) => ToolReturnOf<Output>
  : (
    args: ToolArguments<Schema>,
    ctx: ServerContext<Lifespan>,
  ) => ToolReturnOf<Output>;

/** Settings for how a tool is described and run. */
export interface ToolConfig<
  Input extends SchemaLike | undefined = undefined,
  Output extends SchemaLike | undefined = SchemaLike | undefined,
> extends AccessRules<ToolArguments<Input>> {
  /** A name for people. */
  title?: string;
  /** Description of what the tool does, for the model. */
  description?: string;
  /** Schema of the arguments; without it the tool takes none. */
  inputSchema?: Input;
  /** Schema of `structuredContent`. */
  outputSchema?: Output;
  /** Hints about what the tool does to the world. */
  annotations?: ToolAnnotations;
  /** Pictures for user interfaces. */
  icons?: Icon[];
  /**
   * Tells if the tool needs a client that knows tasks (`taskSupport`). Lists
   * don't show it: 2026-07-28 has no such field, and legacy clients, which
   * can't have tasks here, would refuse to call what requires one.
   */
  execution?: ToolExecution;
  /** Metadata that lists show. */
  _meta?: Record<string, unknown>;
  /**
   * Milliseconds after which a call is given up and its `ctx.signal` aborts. The
   * time spent in line for `concurrency` counts; a call that spends all of it
   * there is refused.
   * @default no limit
   */
  timeoutMs?: number;
  /**
   * Number of calls that run at once; more wait in line. A call that is given
   * up makes room at once: a handler that ignores its `ctx.signal` runs on
   * beside the next. Once there has been a line for a second, the newest in it is
   * served first.
   * @default no limit
   */
  concurrency?: number;
  /**
   * Number of calls that may wait for `concurrency`; more are refused.
   * @default the server's `admission.maxWaiting`
   */
  maxWaiting?: number;
  /**
   * How often a caller may call it, beside the server's own `rateLimit`. Who calls
   * it more often is refused with a {@linkcode RefusedError}, before its arguments
   * are looked at.
   * @default as often as one likes
   */
  rateLimit?: RateLimitOptions;
  /**
   * Run a call that went on as a task again, should the replica that ran it go: for
   * work that may be done twice. The arguments are kept with the task, and who
   * called, but not the token; what is asked before `ctx.runAsTask` can't be asked
   * again. Needs `redis`, or a `bus` and a store with leases.
   * @default false: the task fails
   */
  restartable?: boolean;
  /**
   * Number of times that a `restartable` task may be begun. One that a replica
   * hands over as it shuts down has not been begun once more.
   * @default 3
   */
  maxAttempts?: number;
  /**
   * Milliseconds past which a call is logged as slow; `Infinity` for a tool that
   * may take its time.
   * @default the server's `slowMs`
   */
  slowMs?: number;
  /**
   * Bytes that the answer to a call may have. A bigger one is replaced by an
   * error that says how big it was, for the model to ask for less.
   * @default the server's `maxResultBytes`
   */
  maxResultBytes?: number;
  /**
   * Remember what the tool returned, by its arguments and by who asked. For tools
   * with `annotations.readOnlyHint` only.
   * @default nothing is remembered
   */
  cache?: HandlerCacheOptions;
  /**
   * Run a call that carries an idempotency key once for its caller: a repeat
   * waits for the first one's outcome, or gets it. Such a call is not called off
   * when its client leaves. The key is in `_meta["io.sluice/idempotency-key"]`, or
   * in the header `Idempotency-Key`.
   * @default keys are passed over
   */
  idempotent?: IdempotencyOptions;
}

const EXECUTION_OPTIONS = {
  taskSupport: option.word("forbidden", ["forbidden", "optional", "required"]),
} satisfies OptionRules<ToolExecution>;

/** How they are read. */
export const TOOL_OPTIONS = {
  ...COMMON_OPTIONS,
  annotations: shown,
  inputSchema: option.optional(),
  outputSchema: option.optional(),
  execution: option.ifGiven(option.group(EXECUTION_OPTIONS)),
  timeoutMs: option.ifGiven(option.durationMs(undefined, 1)),
  slowMs: option.ifGiven(option.timeoutMs(undefined)),
  concurrency: option.ifGiven(option.integer(undefined, 1)),
  maxWaiting: option.ifGiven(option.limit(undefined, 0)),
  rateLimit: option.optional(),
  maxResultBytes: option.ifGiven(option.limit(undefined, 1)),
  restartable: option.flag(false),
  maxAttempts: option.ifGiven(option.integer(undefined, 1)),
  cache: option.optional(),
  worker: option.optional(),
  idempotent: option.optional(),
} satisfies OptionRules<ToolConfig & Record<"worker", unknown>>;

/** Changes that `update` may make; `name: null` removes the tool. */
export interface ToolUpdates extends AccessRules {
  /** A new name, or null to take the tool out for good. */
  name?: string | null;
  /** A name for people. */
  title?: string;
  /** Description of what the tool does, for the model. */
  description?: string;
  /** Schema of the arguments. */
  paramsSchema?: SchemaLike;
  /** Schema of `structuredContent`. */
  outputSchema?: SchemaLike;
  /** Hints about what the tool does to the world. */
  annotations?: ToolAnnotations;
  /** Pictures for user interfaces. */
  icons?: Icon[];
  /** Metadata that lists show. */
  _meta?: Record<string, unknown>;
  /** The new handler. */
  // deno-lint-ignore no-explicit-any -- a handler for whatever schema it is updated with
  callback?: (...args: any[]) => ToolReturn;
  /** False hides it until it is enabled again. */
  enabled?: boolean;
}
