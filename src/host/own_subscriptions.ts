import { isObject } from "../protocol/jsonrpc.ts";
import type { Call } from "../server/calls/call.ts";
import type { Method } from "../server/calls/method_table.ts";
import type { ServerContext } from "../server/server_context.ts";
import type { MessageHandler } from "./message_handlers.ts";

/** Parts that the author's subscriptions are made of. */
export interface OwnSubscriptionsParts {
  /** The author's answer to a method. */
  handler(method: string): MessageHandler<ServerContext> | undefined;
  /** Tells of a handler that failed. */
  report(what: string, error: unknown): void;
}

/**
 * Lets an author's own `resources/subscribe` and `resources/unsubscribe` hear of
 * the streams of 2026-07-28, which has no such methods: of the first that follows
 * a resource, and of the end of the last.
 */
export class OwnSubscriptions {
  readonly #parts: OwnSubscriptionsParts;
  readonly #followers: Map<string, number> = new Map();

  constructor(parts: OwnSubscriptionsParts) {
    this.#parts = parts;
  }

  /** Wraps `subscriptions/listen`. */
  around(listen: Method): Method {
    return async (call) => {
      const outcome = await listen(call);
      if (!call.cancelled) this.#follow(call);
      return outcome;
    };
  }

  #follow(call: Call): void {
    const uris = followed(call);
    for (const uri of uris) {
      const before = this.#followers.get(uri) ?? 0;
      this.#followers.set(uri, before + 1);
      if (before === 0) this.#tell("resources/subscribe", uri, call);
    }
    const { onCancelled } = call;
    call.onCancelled = () => {
      onCancelled?.();
      for (const uri of uris) this.#unfollow(uri, call);
    };
  }

  #unfollow(uri: string, call: Call): void {
    const left = this.#followers.get(uri)! - 1;
    this.#followers.set(uri, left);
    if (left > 0) return;
    this.#followers.delete(uri);
    this.#tell("resources/unsubscribe", uri, call);
  }

  #tell(method: string, uri: string, call: Call): void {
    const handler = this.#parts.handler(method);
    Promise.try(() => handler?.run({ method, params: { uri } }, call.context))
      .catch((error) => this.#parts.report(method, error));
  }
}

/** The resources that a stream follows, each once. */
function followed({ params }: Call): string[] {
  const { notifications } = params;
  const uris = isObject(notifications)
    ? notifications.resourceSubscriptions
    : undefined;
  return Array.isArray(uris) ? [...new Set(uris as string[])] : [];
}
