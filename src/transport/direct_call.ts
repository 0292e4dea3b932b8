import type { ProtocolError } from "../protocol/protocol_errors.ts";
import type { JsonObject } from "../protocol/jsonrpc.ts";
import { metaKey, MODERN_REVISION } from "../protocol/revision.ts";
import type { AuthInfo, ClientCapabilities } from "../protocol/types.ts";
import type { Call } from "../server/calls/call.ts";
import type { Intake } from "../server/calls/intake.ts";
import type { Reply } from "../server/calls/reply.ts";

/** Options of a direct call beside its parameters. */
export interface CallOptions {
  /** Cancels the call. */
  signal?: AbortSignal;
  /** Capabilities of the caller when asked. */
  capabilities?: ClientCapabilities;
  /** Identity of the caller. */
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
  intake: Intake,
  method: string,
  params: JsonObject,
  options: CallOptions | undefined,
): Promise<JsonObject> {
  const signal = options?.signal;
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const id = ++lastId;
    const reply = new DirectReply(resolve, reject, options);
    const call = intake.open({
      message: {
        kind: "request",
        era: "modern",
        id,
        method,
        params: withMeta(params, id, options),
      },
      reply,
      session: undefined,
      bytes: 0,
    });
    if (signal !== undefined) reply.follow(signal, call);
    intake.dispatch(call);
  });
}

/** The parameters with the `_meta` that every modern request has. */
function withMeta(
  params: JsonObject,
  id: number,
  options: CallOptions | undefined,
): JsonObject {
  const given = params._meta as JsonObject | undefined;
  const required = {
    [metaKey.protocolVersion]: MODERN_REVISION,
    [metaKey.clientCapabilities]: options?.capabilities ?? {},
  };
  return given === undefined && options?.onNotification === undefined
    ? { ...params, _meta: required }
    : { ...params, _meta: { progressToken: id, ...given, ...required } };
}

class DirectReply implements Reply {
  readonly authInfo: AuthInfo | undefined;
  readonly #resolve: (result: JsonObject) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #options: CallOptions | undefined;
  #unfollow: (() => void) | undefined;

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

  /** Cancels the call when the signal aborts, for as long as it lasts. */
  follow(signal: AbortSignal, call: Call): void {
    const cancel = () => call.cancel(signal.reason);
    signal.addEventListener("abort", cancel, { once: true });
    this.#unfollow = () => signal.removeEventListener("abort", cancel);
  }

  respond(text: string, error?: ProtocolError): void {
    this.#unfollow?.();
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
