import {
  InvalidParamsError,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/errors.ts";
import {
  isObject,
  type JsonObject,
  resultText,
} from "../../protocol/jsonrpc.ts";
import { metaKey, TASKS_EXTENSION } from "../../protocol/revision.ts";
import type { RequestContext } from "../calls/call.ts";
import type { ListKind } from "../catalog/catalog.ts";

/** The filter of `subscriptions/listen`, as far as it was agreed to. */
interface Filter {
  toolsListChanged?: true;
  promptsListChanged?: true;
  resourcesListChanged?: true;
  resourceSubscriptions?: string[];
  taskIds?: string[];
}

/** Which kinds of change this server announces. */
export interface Announced {
  tools: boolean;
  prompts: boolean;
  resources: boolean;
}

/**
 * The open `subscriptions/listen` streams and what each wants to hear
 * (specification 2026-07-28, "Subscriptions").
 */
export class Subscriptions {
  readonly #maxOpen: number;
  readonly #announced: () => Announced;
  readonly #serverMeta: () => JsonObject;
  readonly #open: Map<RequestContext, string[]> = new Map();
  readonly #byTopic: Map<string, Set<RequestContext>> = new Map();

  constructor(
    maxOpen: number,
    announced: () => Announced,
    serverMeta: () => JsonObject,
  ) {
    this.#maxOpen = maxOpen;
    this.#announced = announced;
    this.#serverMeta = serverMeta;
  }

  /** How many streams are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a stream: acknowledges it, then leaves it to {@linkcode publish}.
   * @param mayWatch whether the caller may follow a task
   */
  async open(
    context: RequestContext,
    mayWatch: (taskId: string) => Promise<boolean>,
  ): Promise<void> {
    const filter = await this.#agree(context, mayWatch);
    if (context.cancelled) return;
    if (this.#open.size >= this.#maxOpen) {
      throw new ProtocolError(
        ProtocolErrorCode.InternalError,
        `Too many open subscriptions (${this.#maxOpen}): try again later`,
      );
    }
    const topics = topicsOf(filter);
    this.#open.set(context, topics);
    for (const topic of topics) {
      const listeners = this.#byTopic.get(topic);
      if (listeners === undefined) this.#byTopic.set(topic, new Set([context]));
      else listeners.add(context);
    }
    // From here on its stream is open, which tells of the client's going.
    context.notify("notifications/subscriptions/acknowledged", {
      _meta: subscriptionMeta(context),
      notifications: filter,
    });
  }

  async #agree(
    context: RequestContext,
    mayWatch: (taskId: string) => Promise<boolean>,
  ): Promise<Filter> {
    const wanted = context.params.notifications;
    if (!isObject(wanted)) {
      throw new InvalidParamsError(
        "Invalid params: notifications must be an object that says what to listen to",
      );
    }
    const announced = this.#announced();
    const filter: Filter = {};
    if (wanted.toolsListChanged === true && announced.tools) {
      filter.toolsListChanged = true;
    }
    if (wanted.promptsListChanged === true && announced.prompts) {
      filter.promptsListChanged = true;
    }
    if (wanted.resourcesListChanged === true && announced.resources) {
      filter.resourcesListChanged = true;
    }
    const uris = strings(wanted.resourceSubscriptions, "resourceSubscriptions");
    if (uris !== undefined && announced.resources) {
      filter.resourceSubscriptions = uris;
    }
    const taskIds = strings(wanted.taskIds, "taskIds");
    if (taskIds !== undefined) {
      requireTasks(context);
      const allowed = await Promise.all(taskIds.map(mayWatch));
      filter.taskIds = taskIds.filter((_, index) => allowed[index]);
    }
    return filter;
  }

  /** Tells the streams that listen to a topic. */
  publish(topic: string, method: string, params: JsonObject): void {
    for (const context of this.#byTopic.get(topic) ?? []) {
      context.notify(method, { ...params, _meta: subscriptionMeta(context) });
    }
  }

  /** Forgets a stream whose client has gone; false if there was none. */
  forget(context: RequestContext): boolean {
    for (const topic of this.#open.get(context) ?? []) {
      const listeners = this.#byTopic.get(topic)!;
      listeners.delete(context);
      if (listeners.size === 0) this.#byTopic.delete(topic);
    }
    return this.#open.delete(context);
  }

  /** Ends every stream in good order, so that clients know it was on purpose. */
  close(): void {
    for (const context of [...this.#open.keys()]) {
      this.forget(context);
      context.engine.settle(
        context,
        resultText(
          context.requestId,
          JSON.stringify({
            resultType: "complete",
            _meta: { ...subscriptionMeta(context), ...this.#serverMeta() },
          }),
        ),
      );
    }
  }
}

/** The topic of a list's changes. */
export function listTopic(kind: ListKind): string {
  return `list ${kind}`;
}

/** The topic of one resource's updates. */
export function resourceTopic(uri: string): string {
  return `resource ${uri}`;
}

/** The topic of one task's changes. */
export function taskTopic(taskId: string): string {
  return `task ${taskId}`;
}

/** @throws {MissingRequiredClientCapabilityError} if the client doesn't know tasks */
export function requireTasks(context: RequestContext): void {
  if (!knowsTasks(context)) {
    throw new MissingRequiredClientCapabilityError({
      extensions: { [TASKS_EXTENSION]: {} },
    });
  }
}

/** Whether the request declares the tasks extension. */
export function knowsTasks(
  { era, clientCapabilities }: RequestContext,
): boolean {
  const { extensions } = clientCapabilities;
  return era === "modern" && isObject(extensions) &&
    extensions[TASKS_EXTENSION] !== undefined;
}

function subscriptionMeta(context: RequestContext): JsonObject {
  return { [metaKey.subscriptionId]: context.requestId };
}

function topicsOf(filter: Filter): string[] {
  return [
    ...(filter.toolsListChanged ? [listTopic("tools")] : []),
    ...(filter.promptsListChanged ? [listTopic("prompts")] : []),
    ...(filter.resourcesListChanged ? [listTopic("resources")] : []),
    ...(filter.resourceSubscriptions ?? []).map(resourceTopic),
    ...(filter.taskIds ?? []).map(taskTopic),
  ];
}

const MAX_WATCHED = 1_000;

function strings(value: unknown, name: string): string[] | undefined {
  if (value === undefined) return undefined;
  if (
    !Array.isArray(value) || value.length > MAX_WATCHED ||
    !value.every((each) => typeof each === "string")
  ) {
    throw new InvalidParamsError(
      `Invalid params: notifications.${name} must be an array of at most ` +
        `${MAX_WATCHED} strings`,
    );
  }
  return [...new Set(value)];
}
