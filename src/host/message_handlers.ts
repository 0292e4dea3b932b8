import { InvalidOptionError } from "../base/errors.ts";
import { quote } from "../base/options.ts";
import { InvalidParamsError } from "../protocol/protocol_errors.ts";
import { isObject, type JsonObject } from "../protocol/jsonrpc.ts";
import {
  type InferOutput,
  isStandardSchema,
  issuesText,
  type StandardSchema,
} from "../protocol/standard_schema.ts";
import { checkCoreParams } from "../server/calls/core_params.ts";
import { checkHandler } from "../server/catalog/check_handler.ts";
import type { ServerContext } from "../server/server_context.ts";

/** Answers a method of your own, or one of MCP's in your way. */
export type RequestHandler = (
  // deno-lint-ignore no-explicit-any -- the parameters of any method
  request: { method: string; params: any },
  ctx: ServerContext,
) => unknown;

/** Schemas of the parameters and the result of a method of your own. */
export interface MethodSchemas<Params extends StandardSchema> {
  /** Checks the parameters. */
  params: Params;
  /** Says what the handler returns; that is sent as it is. */
  result?: StandardSchema;
}

/** Answers a method of your own whose parameters have been checked. */
export type ParamsHandler<Params extends StandardSchema> = (
  params: InferOutput<Params>,
  ctx: ServerContext,
) => unknown;

/**
 * A zod object (version 3 or 4) that describes a whole request or notification
 * and says its method as a literal, such as `ListRootsRequestSchema` of the
 * official SDK's v1.
 */
export type MessageSchema = StandardSchema | ZodLike;

/** A schema of a zod before 3.24, which had no Standard Schema yet. */
export interface ZodLike {
  /** For the compiler only. */
  readonly _output: unknown;
  /** Checks a value. */
  safeParseAsync(value: unknown): Promise<unknown>;
}

/** The request or notification that a {@linkcode MessageSchema} describes. */
export type MessageOf<Schema> = Schema extends StandardSchema
  ? InferOutput<Schema>
  : Schema extends ZodLike ? Schema["_output"]
  : never;

/** A request or notification as it came, its `_meta` free of MCP's own keys. */
export interface IncomingMessage {
  readonly method: string;
  readonly params: JsonObject;
}

/** Handler that answers or hears a method, whichever way it was registered. */
export interface MessageHandler<Context> {
  readonly method: string;
  run(message: IncomingMessage, ctx: Context): unknown;
}

/** @throws {InvalidOptionError} for what can't be registered */
export function requestHandler(
  first: unknown,
  second: unknown,
  third: unknown,
): MessageHandler<ServerContext> {
  const handler = messageHandler<ServerContext>(first, second, third);
  return typeof first !== "string" || third !== undefined ? handler : {
    method: first,
    run: (message, ctx) => {
      checkCoreParams(first, message.params);
      return handler.run(message, ctx);
    },
  };
}

/**
 * Reads the three ways to register: by name; by name, with schemas; and by the
 * schema of the whole message, as in the official SDK's v1.
 *
 * @throws {InvalidOptionError} for what can't be registered
 */
export function messageHandler<Context>(
  first: unknown,
  second: unknown,
  third: unknown,
): MessageHandler<Context> {
  const method = typeof first === "string" ? first : methodOf(first);
  if (!method) {
    throw new InvalidOptionError(
      "a handler needs a method's name, or a schema object whose `method` is " +
        `a literal, got ${quote(first)}`,
    );
  }
  const handler = checkHandler(method, third ?? second) as (
    message: unknown,
    ctx: unknown,
  ) => unknown;
  if (typeof first !== "string") {
    const schema = asStandardSchema(first);
    return {
      method,
      run: async (message, ctx) =>
        await handler(await checked(method, schema, message), ctx),
    };
  }
  if (third === undefined) {
    return { method, run: (message, ctx) => handler(message, ctx) };
  }
  const { params: schema } = second as MethodSchemas<StandardSchema>;
  if (!isStandardSchema(schema)) {
    throw new InvalidOptionError(
      `${method}: params must be a Standard Schema, got ${quote(schema)}`,
    );
  }
  return {
    method,
    run: async (message, ctx) => {
      const { _meta, ...params } = message.params;
      return await handler(
        await checked(method, schema, params),
        ctx ?? message,
      );
    },
  };
}

/** The method that a schema of zod names; `undefined` if it names none. */
function methodOf(schema: unknown): string | undefined {
  const literal = shapeOf(schema)?.method as {
    _zod?: { def?: { values?: unknown[] } };
    _def?: { value?: unknown };
  } | undefined;
  const value = literal?._zod?.def?.values?.[0] ?? literal?._def?.value;
  return typeof value === "string" ? value : undefined;
}

function shapeOf(schema: unknown): JsonObject | undefined {
  const { _zod, shape = _zod?.def?.shape } = (schema ?? {}) as {
    shape?: unknown;
    _zod?: { def?: { shape?: unknown } };
  };
  const given = typeof shape === "function" ? shape() : shape;
  return isObject(given) ? given : undefined;
}

function asStandardSchema(schema: unknown): StandardSchema {
  if (isStandardSchema(schema)) return schema;
  const { safeParseAsync } = schema as ZodLike;
  return {
    "~standard": {
      version: 1,
      vendor: "zod",
      validate: async (value) => {
        const { success, data, error } = await safeParseAsync.call(
          schema,
          value,
        ) as { success: boolean; data: unknown; error: { issues: [] } };
        return success ? { value: data } : { issues: error.issues };
      },
    },
  };
}

async function checked(
  method: string,
  schema: StandardSchema,
  value: unknown,
): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues !== undefined) {
    throw new InvalidParamsError(
      `Invalid params for ${method}: ${issuesText(result.issues)}`,
    );
  }
  return result.value;
}
