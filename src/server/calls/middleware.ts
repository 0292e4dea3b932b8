import { handled } from "../../base/thenable.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { ServerContext } from "../server_context.ts";

/** A request on its way to its handler. */
export interface MiddlewareRequest {
  /** The MCP method. */
  readonly method: string;
  /** The parameters; pass other ones to `next` to change them. */
  readonly params: JsonObject;
  /** Context that the handler will see as `ctx`. */
  readonly ctx: ServerContext;
}

/** Goes on to the next middleware, or to the handler. */
export type Next = (request?: MiddlewareRequest) => Promise<JsonObject>;

/** Wraps every request: looks at it, changes it, answers it, or times it. */
export type Middleware = (
  request: MiddlewareRequest,
  next: Next,
) => JsonObject | Promise<JsonObject>;

/** All middleware as one, the first registered outermost. */
export function compose(
  middleware: readonly Middleware[],
): (
  request: MiddlewareRequest,
  handle: (request: MiddlewareRequest) => Promise<JsonObject>,
) => Promise<JsonObject> {
  return (request, handle) => {
    const run = async (
      index: number,
      current: MiddlewareRequest,
    ): Promise<JsonObject> => {
      if (index === middleware.length) return await handle(current);
      return await middleware[index](
        current,
        (changed = current) => handled(run(index + 1, changed)),
      );
    };
    return run(0, request);
  };
}
