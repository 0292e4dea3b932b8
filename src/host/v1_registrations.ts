import { InvalidOptionError } from "../base/errors.ts";
import { isObject } from "../protocol/jsonrpc.ts";
import type { SchemaLike } from "../protocol/schema.ts";
import {
  isStandardSchema,
  type StandardSchema,
} from "../protocol/standard_schema.ts";
import type { ToolAnnotations } from "../protocol/types.ts";
import type {
  PromptHandler,
  RegisteredPrompt,
} from "../server/catalog/prompt.ts";
import type {
  ReadResourceCallback,
  ReadResourceTemplateCallback,
  RegisteredResource,
  RegisteredResourceTemplate,
  ResourceMetadata,
} from "../server/catalog/resource.ts";
import type { ResourceTemplate } from "../server/catalog/resource_template.ts";
import type { RegisteredTool } from "../server/catalog/tool.ts";
import type { ToolConfig, ToolHandler } from "../server/catalog/tool_config.ts";
import type { ServerContext } from "../server/server_context.ts";
import { Registrations } from "./registrations.ts";
import { runV1Task, type V1Tasks, type V1ToolTaskHandler } from "./v1_tasks.ts";

/** The fields of a tool's or prompt's arguments, each with its schema. */
export type V1Shape = Record<string, StandardSchema>;

/**
 * The ways to register that the official SDK's v1 had and v2 has no more, for
 * servers that move in from there.
 */
export abstract class V1Registrations<Lifespan = unknown>
  extends Registrations<Lifespan> {
  /**
   * Registers a tool without arguments.
   * @deprecated Use `registerTool`.
   */
  tool(
    name: string,
    handler: ToolHandler<undefined, Lifespan>,
  ): RegisteredTool;
  /**
   * Registers a tool without arguments.
   * @deprecated Use `registerTool`.
   */
  tool(
    name: string,
    description: string,
    handler: ToolHandler<undefined, Lifespan>,
  ): RegisteredTool;
  /**
   * Registers a tool with arguments, or without but with annotations.
   * @deprecated Use `registerTool`.
   */
  tool<Args extends V1Shape>(
    name: string,
    argsOrAnnotations: Args | ToolAnnotations,
    handler: ToolHandler<Args, Lifespan>,
  ): RegisteredTool;
  /**
   * Registers a tool with arguments, or without but with annotations.
   * @deprecated Use `registerTool`.
   */
  tool<Args extends V1Shape>(
    name: string,
    description: string,
    argsOrAnnotations: Args | ToolAnnotations,
    handler: ToolHandler<Args, Lifespan>,
  ): RegisteredTool;
  /**
   * Registers a tool with arguments and annotations.
   * @deprecated Use `registerTool`.
   */
  tool<Args extends V1Shape>(
    name: string,
    args: Args,
    annotations: ToolAnnotations,
    handler: ToolHandler<Args, Lifespan>,
  ): RegisteredTool;
  /**
   * Registers a tool with arguments and annotations.
   * @deprecated Use `registerTool`.
   */
  tool<Args extends V1Shape>(
    name: string,
    description: string,
    args: Args,
    annotations: ToolAnnotations,
    handler: ToolHandler<Args, Lifespan>,
  ): RegisteredTool;
  tool(name: string, ...given: unknown[]): RegisteredTool {
    const rest = [...given];
    const description = takeText(rest);
    let inputSchema: V1Shape | undefined;
    let annotations: ToolAnnotations | undefined;
    if (rest.length > 1 && isShape(rest[0])) {
      inputSchema = rest.shift() as V1Shape;
    }
    if (rest.length > 1) annotations = takeAnnotations(name, rest);
    return this.registerTool(
      name,
      { description, inputSchema, annotations },
      rest[0] as ToolHandler<SchemaLike | undefined, Lifespan>,
    );
  }

  /**
   * Registers a prompt without arguments.
   * @deprecated Use `registerPrompt`.
   */
  prompt(
    name: string,
    handler: PromptHandler<undefined, Lifespan>,
  ): RegisteredPrompt;
  /**
   * Registers a prompt without arguments.
   * @deprecated Use `registerPrompt`.
   */
  prompt(
    name: string,
    description: string,
    handler: PromptHandler<undefined, Lifespan>,
  ): RegisteredPrompt;
  /**
   * Registers a prompt with arguments.
   * @deprecated Use `registerPrompt`.
   */
  prompt<Args extends V1Shape>(
    name: string,
    args: Args,
    handler: PromptHandler<Args, Lifespan>,
  ): RegisteredPrompt;
  /**
   * Registers a prompt with arguments.
   * @deprecated Use `registerPrompt`.
   */
  prompt<Args extends V1Shape>(
    name: string,
    description: string,
    args: Args,
    handler: PromptHandler<Args, Lifespan>,
  ): RegisteredPrompt;
  prompt(name: string, ...given: unknown[]): RegisteredPrompt {
    const rest = [...given];
    const description = takeText(rest);
    const argsSchema = rest.length > 1 ? rest.shift() as V1Shape : undefined;
    return this.registerPrompt(
      name,
      { description, argsSchema },
      rest[0] as PromptHandler<SchemaLike | undefined, Lifespan>,
    );
  }

  /**
   * Registers a resource at a fixed URI.
   * @deprecated Use `registerResource`.
   */
  resource(
    name: string,
    uri: string,
    read: ReadResourceCallback<Lifespan>,
  ): RegisteredResource;
  /**
   * Registers a resource at a fixed URI.
   * @deprecated Use `registerResource`.
   */
  resource(
    name: string,
    uri: string,
    metadata: ResourceMetadata,
    read: ReadResourceCallback<Lifespan>,
  ): RegisteredResource;
  /**
   * Registers a family of resources.
   * @deprecated Use `registerResource`.
   */
  resource(
    name: string,
    template: ResourceTemplate<Lifespan>,
    read: ReadResourceTemplateCallback<Lifespan>,
  ): RegisteredResourceTemplate;
  /**
   * Registers a family of resources.
   * @deprecated Use `registerResource`.
   */
  resource(
    name: string,
    template: ResourceTemplate<Lifespan>,
    metadata: ResourceMetadata,
    read: ReadResourceTemplateCallback<Lifespan>,
  ): RegisteredResourceTemplate;
  resource(
    name: string,
    place: string | ResourceTemplate<Lifespan>,
    ...given: unknown[]
  ): RegisteredResource | RegisteredResourceTemplate {
    const rest = [...given];
    const metadata = isObject(rest[0]) ? rest.shift() as ResourceMetadata : {};
    return this.registerResource(
      name,
      place as string,
      metadata,
      rest[0] as ReadResourceCallback<Lifespan>,
    );
  }

  /**
   * Features that v1 had not settled yet.
   * @deprecated Use `ctx.runAsTask`.
   */
  get experimental(): { readonly tasks: V1Tasks<Lifespan> } {
    return {
      tasks: {
        registerToolTask: <Input extends SchemaLike | undefined>(
          name: string,
          config: ToolConfig<Input>,
          handler: V1ToolTaskHandler<Input, Lifespan>,
        ) =>
          this.registerTool<Input, SchemaLike | undefined>(
            name,
            {
              ...config,
              execution: { taskSupport: "required", ...config.execution },
            },
            asTask(
              handler as unknown as V1ToolTaskHandler<SchemaLike>,
            ) as unknown as ToolHandler<
              Input,
              Lifespan,
              SchemaLike | undefined
            >,
          ),
      },
    };
  }
}

/** The handler of a tool whose work v1 had as three functions. */
function asTask(
  handler: V1ToolTaskHandler<SchemaLike>,
): (...given: unknown[]) => unknown {
  return (...given) => {
    const ctx = given.at(-1) as ServerContext;
    const args = given.length > 1
      ? given[0] as Record<string, unknown>
      : undefined;
    return ctx.runAsTask((run) => runV1Task(handler, args, ctx, run));
  };
}

function takeText(rest: unknown[]): string | undefined {
  return typeof rest[0] === "string" ? rest.shift() as string : undefined;
}

/** Annotations are flat: anything deeper is a schema that can't be used. */
function takeAnnotations(name: string, rest: unknown[]): ToolAnnotations {
  const annotations = rest.shift();
  if (isObject(annotations) && !Object.values(annotations).some(isObject)) {
    return annotations;
  }
  throw new InvalidOptionError(
    `tool ${name} expected the schemas of its arguments or annotations, and ` +
      "got an object that is neither",
  );
}

/** Tells if a value is a tool's argument fields; an empty one has none. */
function isShape(value: unknown): value is V1Shape {
  return isObject(value) && !isStandardSchema(value) &&
    (Object.keys(value).length === 0 ||
      Object.values(value).some(isStandardSchema));
}
