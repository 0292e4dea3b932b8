import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { RequestId } from "../../protocol/types.ts";
import { idKey } from "../../protocol/whole_number.ts";
import type { Session } from "../sessions/session.ts";

/** A notification from a client, on its way to a handler of the author's. */
export type NotificationHandler = (
  notification: { method: string; params?: JsonObject },
) => void | Promise<void>;

/** Takes notifications from clients: cancellations, and what the author listens to. */
export class Notifications {
  /** The author's handlers, by method. */
  readonly handlers: Map<string, NotificationHandler> = new Map();
  readonly #report: (what: string, error: unknown) => void;

  /** @param report tells the operator of a handler that failed */
  constructor(report: (what: string, error: unknown) => void) {
    this.#report = report;
  }

  take(method: string, params: JsonObject, session: Session | undefined): void {
    if (method === "notifications/cancelled") cancelPending(params, session);
    if (method === "notifications/progress") session?.progressed(params);
    const handler = this.handlers.get(method);
    if (handler === undefined) return;
    Promise.try(() => handler({ method, params })).catch((error) =>
      this.#report(method, error)
    );
  }
}

function cancelPending(
  { requestId, reason }: JsonObject,
  session: Session | undefined,
): void {
  const call = session?.inFlight.get(idKey(requestId as RequestId));
  // A client can't call its own beginning off.
  if (call === undefined || call.method === "initialize") return;
  call.cancel(typeof reason === "string" ? reason : "cancelled by the client");
}
