import { addressOf } from "../../base/network_peer.ts";
import { safeText } from "../../observe/log/log_fields.ts";
import { reportFailure } from "../../observe/log/logger.ts";
import type { QuietLog } from "../../observe/log/quiet_log.ts";
import { thrownText } from "../../base/thrown.ts";
import { isObject } from "../../protocol/jsonrpc.ts";
import { RefusedError } from "../../protocol/protocol_errors.ts";
import type { Call } from "./call.ts";
import type { FailureKind } from "./failure_kind.ts";
import type { RecentTrouble, TroubledCall } from "./recent_trouble.ts";

/** Clients make up their names. */
const MAX_CLIENT_NAME = 100;

/** Things that the log needs to know of the server. */
export interface CallLogOptions {
  readonly log: QuietLog;
  /** Milliseconds past which a call is slow. */
  readonly slowMs: number;
  /** Tells if there is a tool of a name: the log names no other. */
  hasTool(name: string): boolean;
  /** Keeps the calls that failed or were slow, for the operator to look at. */
  readonly trouble: RecentTrouble;
}

/** Log of calls for the operator: never an argument. */
export class CallLog {
  readonly #log: QuietLog;
  readonly #slowMs: number;
  readonly #hasTool: (name: string) => boolean;
  readonly #trouble: RecentTrouble;
  /** Time that a call may take before its end is worth a line. */
  readonly quietMs: number;

  constructor({ log, slowMs, hasTool, trouble }: CallLogOptions) {
    this.#log = log;
    this.#slowMs = slowMs;
    this.#hasTool = hasTool;
    this.#trouble = trouble;
    this.quietMs = log.writes("debug") ? -1 : slowMs;
  }

  /** Fields that a line has of the call that it is about. */
  fields(call: Call): Record<string, unknown> {
    const { callId, requestId, method, traceId, clientInfo, reply } = call;
    const address = addressOf(reply.peer);
    const client: unknown = clientInfo?.name;
    return {
      call: callId,
      requestId,
      method,
      ...this.#subject(call),
      ...(typeof client === "string" &&
        { client: safeText(client, MAX_CLIENT_NAME) }),
      ...(address !== undefined && { address }),
      ...(traceId !== undefined && { traceId }),
    };
  }

  /**
   * Tells of a call that has ended: one line if it took longer than its `slowMs`,
   * and one for every call at the level of debug. What failed or was slow is kept.
   */
  ended(call: Call, tookMs: number, failure: FailureKind | undefined): void {
    const slowMs = call.measure?.slowMs ?? this.#slowMs;
    const slow = tookMs > slowMs;
    // Who has called it off knows, and what is refused is told of by who refuses.
    if (
      slow || (failure !== undefined && failure !== "cancelled" &&
        !(call.error instanceof RefusedError))
    ) {
      this.#keep(call, { tookMs, slow, failure });
    }
    if (slow || this.#log.writes("debug")) {
      this.#tellEnd(call, tookMs, failure, slow ? slowMs : undefined);
    }
  }

  #keep(
    call: Call,
    what: Pick<TroubledCall, "tookMs" | "slow" | "failure">,
  ): void {
    this.#trouble.add({
      time: new Date().toISOString(),
      call: call.callId,
      name: this.#nameOf(call),
      ...what,
      ...(call.error !== undefined && { message: thrownText(call.error) }),
    });
  }

  #tellEnd(
    call: Call,
    tookMs: number,
    failure: FailureKind | undefined,
    slowMs: number | undefined,
  ): void {
    const fields = {
      ...this.fields(call),
      ...(failure !== undefined && { failure }),
      tookMs: Math.round(tookMs * 1_000) / 1_000,
    };
    const what = this.#nameOf(call);
    if (slowMs !== undefined) {
      const rounded = Math.round(tookMs);
      this.#log.warning(`${what} is slow: it took ${rounded} ms`, {
        ...fields,
        slowMs,
      });
    } else this.#log.debug(`${what} has ended`, fields);
  }

  /** `tool export`, or the method of what is about nothing registered. */
  #nameOf(call: Call): string {
    const [[kind, name] = [call.method]] = Object.entries(this.#subject(call));
    return name === undefined ? kind : `${kind} ${name}`;
  }

  /** Tells of what went wrong in a call. */
  failed(what: string, error: unknown, call: Call): void {
    reportFailure(this.#log, what, error, this.fields(call));
  }

  /** Tells, in one line, which calls got no more time to finish. */
  cutOff(names: readonly string[], graceMs: number): void {
    this.#log.warning(
      `requests were cut off after ${graceMs} ms of grace: ${names.length}`,
      { requests: names.length, graceMs, names: [...new Set(names)] },
    );
  }

  /** Subject of the call, under what it is: only if that is registered. */
  #subject({ method, subject, params }: Call): Record<string, unknown> {
    if (subject !== undefined && method === "prompts/get") {
      return { prompt: subject };
    }
    if (subject !== undefined && method === "resources/read") {
      return { resource: subject };
    }
    // Middleware may have sent anything on.
    if (method !== "tools/call" || !isObject(params)) return {};
    const { name } = params;
    return typeof name === "string" && this.#hasTool(name)
      ? { tool: name }
      : {};
  }
}
