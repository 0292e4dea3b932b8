import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import type { ListResourcesResult } from "../../protocol/types.ts";
import { UriTemplate } from "../../protocol/uri_template.ts";
import type { CompleteCallback } from "./completable.ts";
import type { ServerContext } from "../server_context.ts";

/** Lists the resources that a template stands for. */
export type ListResourcesCallback<Lifespan = unknown> = (
  ctx: ServerContext<Lifespan>,
) => ListResourcesResult | Promise<ListResourcesResult>;

/** Callbacks of a template beside its reader. */
export interface ResourceTemplateCallbacks<Lifespan = unknown> {
  /** Lists its resources; `undefined` says on purpose that it can't. */
  list: ListResourcesCallback<Lifespan> | undefined;
  /** Completes its variables. */
  complete?: Record<string, CompleteCallback<Lifespan>>;
  /**
   * Take values of variables that may lead elsewhere: with `..` between slashes,
   * an encoded slash, a backslash, a control character, or bytes that are no
   * UTF-8. Without this such a URI is not found, as by any other template.
   * @default false
   */
  unsafe?: boolean;
}

const CALLBACKS = {
  list: option.optional(),
  complete: option.optional(),
  unsafe: option.flag(false),
} satisfies OptionRules<ResourceTemplateCallbacks>;

/**
 * A family of resources, by the form of their URIs (RFC 6570).
 *
 * @example
 * ```ts
 * import { ResourceTemplate } from "@sluice/mcp";
 *
 * const template = new ResourceTemplate("users://{id}", { list: undefined });
 * ```
 */
export class ResourceTemplate<Lifespan = unknown> {
  readonly #uriTemplate: UriTemplate;
  readonly #callbacks: ResourceTemplateCallbacks<Lifespan>;

  /**
   * Makes a template of a string such as `users://{id}`.
   *
   * @throws {InvalidOptionError} for a template that is too long or malformed, or
   * a callback that nobody calls
   */
  constructor(
    uriTemplate: string | UriTemplate,
    callbacks: ResourceTemplateCallbacks<Lifespan> = { list: undefined },
  ) {
    this.#uriTemplate = typeof uriTemplate === "string"
      ? new UriTemplate(uriTemplate)
      : uriTemplate;
    const where = `template ${this.#uriTemplate}`;
    readOptions(where, callbacks, CALLBACKS, `${where}: `);
    this.#callbacks = callbacks;
  }

  /** True if its variables may hold what could lead elsewhere. */
  get unsafe(): boolean {
    return this.#callbacks.unsafe === true;
  }

  /** The form of the URIs. */
  get uriTemplate(): UriTemplate {
    return this.#uriTemplate;
  }

  /** Callback that lists its resources. */
  get listCallback(): ListResourcesCallback<Lifespan> | undefined {
    return this.#callbacks.list;
  }

  /** The completer of a variable, if it has one. */
  completeCallback(variable: string): CompleteCallback<Lifespan> | undefined {
    const { complete } = this.#callbacks;
    return complete !== undefined && Object.hasOwn(complete, variable)
      ? complete[variable]
      : undefined;
  }

  /** True if any variable has a completer. */
  get completes(): boolean {
    return Object.keys(this.#callbacks.complete ?? {}).length > 0;
  }
}
