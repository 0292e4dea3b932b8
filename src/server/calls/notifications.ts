import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { RequestId } from "../../protocol/types.ts";
import { idKey } from "../../protocol/whole_number.ts";
import type { Session } from "../sessions/session.ts";

/** A notification from a client, on its way to a handler of the author's. */
export type NotificationHandler = (
  notification: { method: string; params?: JsonObject },
) => void | Promise<void>;

const OWN = ["notifications/cancelled", "notifications/progress"];

/** Takes notifications from clients: cancellations, and what the author listens to. */
export class Notifications {
  /** The author's handlers, by method. */
  readonly handlers: Map<string, NotificationHandler> = new Map();
  /** The author's handler of what none of those hears. */
  fallback: NotificationHandler | undefined;
  readonly #report: (what: string, error: unknown) => void;

  /** @param report tells the operator of a handler that failed */
  constructor(report: (what: string, error: unknown) => void) {
    this.#report = report;
  }

  /** Takes what is about a request of either side; false if that isn't here. */
  takeHere(
    method: string,
    params: JsonObject,
    session: Session | undefined,
  ): boolean {
    if (session === undefined) return true;
    if (method === "notifications/cancelled") {
      return cancelPending(params, session);
    }
    return method !== "notifications/progress" || session.progressed(params);
  }

  /** Resolves once it has been passed on, if it must be. @throws {UnavailableError} */
  take(
    method: string,
    params: JsonObject,
    session: Session | undefined,
  ): Promise<void> | undefined {
    const passed = this.takeHere(method, params, session)
      ? undefined
      : session?.keeper?.passOn(method, params);
    const handler = this.handlers.get(method) ??
      (OWN.includes(method) ? undefined : this.fallback);
    if (handler === undefined) return passed;
    Promise.try(() => handler({ method, params })).catch((error) =>
      this.#report(method, error)
    );
    return passed;
  }
}

/** Calls a request off; false if it isn't here. */
function cancelPending(
  { requestId, reason }: JsonObject,
  session: Session,
): boolean {
  const call = session.inFlight.get(idKey(requestId as RequestId));
  if (call === undefined) return false;
  // A client can't call its own beginning off.
  if (call.method !== "initialize") {
    call.cancel(
      typeof reason === "string" ? reason : "cancelled by the client",
    );
  }
  return true;
}
