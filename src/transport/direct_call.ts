import type { ProtocolError } from "../protocol/errors.ts";
import type { JsonObject } from "../protocol/jsonrpc.ts";
import { metaKey, MODERN_REVISION } from "../protocol/revision.ts";
import type { AuthInfo, ClientCapabilities } from "../protocol/types.ts";
import type { Engine } from "../server/engine.ts";
import type { Reply } from "../server/reply.ts";
import { RequestContext } from "../server/request_context.ts";

/** What a direct call may say beside its parameters. */
export interface CallOptions {
  /** Cancels the call. */
  signal?: AbortSignal;
  /** What the caller can do when asked. */
  capabilities?: ClientCapabilities;
  /** Who is calling. */
  authInfo?: AuthInfo;
  /** Gets the notifications of the call, such as progress. */
  onNotification?: (
    notification: { method: string; params?: JsonObject },
  ) => void;
}

let lastId = 0;

/**
 * Makes one modern request without a transport.
 *
 * @throws {ProtocolError} if the server answers with an error
 */
export function directCall(
  engine: Engine,
  method: string,
  params: JsonObject,
  options: CallOptions | undefined,
): Promise<JsonObject> {
  return new Promise((resolve, reject) => {
    const context = new RequestContext(
      engine,
      "modern",
      MODERN_REVISION,
      method,
      withMeta(params, options),
      ++lastId,
      new DirectReply(resolve, reject, options),
      undefined,
    );
    const signal = options?.signal;
    if (signal !== undefined) {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      signal.addEventListener("abort", () => context.cancel(signal.reason), {
        once: true,
      });
    }
    engine.dispatch(context);
  });
}

/** The parameters with the `_meta` that every modern request has. */
function withMeta(
  params: JsonObject,
  options: CallOptions | undefined,
): JsonObject {
  const given = params._meta as JsonObject | undefined;
  const required = {
    [metaKey.protocolVersion]: MODERN_REVISION,
    [metaKey.clientCapabilities]: options?.capabilities ?? {},
  };
  return given === undefined && options?.onNotification === undefined
    ? { ...params, _meta: required }
    : { ...params, _meta: { progressToken: lastId, ...given, ...required } };
}

class DirectReply implements Reply {
  readonly authInfo: AuthInfo | undefined;
  readonly #resolve: (result: JsonObject) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #options: CallOptions | undefined;

  constructor(
    resolve: (result: JsonObject) => void,
    reject: (reason: unknown) => void,
    options: CallOptions | undefined,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#options = options;
    this.authInfo = options?.authInfo;
  }

  respond(text: string, error?: ProtocolError): void {
    if (error !== undefined) this.#reject(error);
    else this.#resolve(JSON.parse(text).result);
  }

  send(text: string): void {
    this.#options?.onNotification?.(JSON.parse(text));
  }

  abandon(): void {
    this.#reject(this.#options?.signal?.reason);
  }

  onDisconnect(): void {}
}
