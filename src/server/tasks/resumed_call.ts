import { jsonForm } from "../../protocol/json_value.ts";
import { nearestJson } from "../../protocol/nearest_json.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import type { Call } from "../calls/call.ts";
import type { Reply } from "../calls/reply.ts";
import { IDEMPOTENCY_META } from "../catalog/idempotency_key.ts";
import type { TaskRestart } from "./stored_task.ts";

/**
 * A call as it can be made again. The caller's token stays here, and so does its
 * idempotency key, whose outcome is the task.
 */
export function restartOf(
  { method, params, meta, authInfo }: Call,
  maxAttempts: number,
): TaskRestart {
  const { token: _, ...known } = authInfo ?? {};
  const { [IDEMPOTENCY_META]: __, ...rest } = meta ?? {};
  return jsonForm({
    method,
    params: nearestJson({ ...params, _meta: rest }),
    ...(authInfo && { authInfo: nearestJson(known) }),
    maxAttempts,
  }) as TaskRestart;
}

/** The one who made a call, as far as that was kept. */
export function callerOf({ authInfo }: TaskRestart): AuthInfo | undefined {
  if (authInfo === undefined) return undefined;
  const { resource, ...known } = authInfo;
  return {
    ...known,
    token: "",
    ...(resource && { resource: new URL(resource) }),
  };
}

/**
 * Takes the answer to a call that is made again for its task. Nobody waits for it:
 * it is a task's handle, or else the task's own outcome.
 */
export class ResumedReply implements Reply {
  readonly authInfo: AuthInfo | undefined;
  readonly #take: (answer: JsonObject | ProtocolError) => void;

  constructor(
    authInfo: AuthInfo | undefined,
    take: (answer: JsonObject | ProtocolError) => void,
  ) {
    this.authInfo = authInfo;
    this.#take = take;
  }

  respond(text: string, error?: ProtocolError): void {
    this.#take(error ?? outcomeOf(JSON.parse(text).result));
  }

  send(): void {}
  abandon(): void {}
  onDisconnect(): void {}
}

function outcomeOf(result: JsonObject): JsonObject | ProtocolError {
  const { resultType, ...outcome } = result;
  return resultType === "input_required"
    ? new ProtocolError(
      ProtocolErrorCode.InternalError,
      "The task could not be run again: its tool asks before it goes on as a task",
    )
    : outcome;
}
