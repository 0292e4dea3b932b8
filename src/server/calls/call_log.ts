import { safeText } from "../../observe/log/log_fields.ts";
import { type Logger, reportFailure } from "../../observe/log/logger.ts";
import { isObject } from "../../protocol/jsonrpc.ts";
import type { Call } from "./call.ts";

/** Clients make up their names. */
const MAX_CLIENT_NAME = 100;

/** What the log needs to know of the server. */
export interface CallLogOptions {
  readonly log: Logger;
  /** Milliseconds past which a call is slow. */
  readonly slowMs: number;
  /** Whether there is a tool of a name: the log names no other. */
  hasTool(name: string): boolean;
}

/** What the operator is told of calls: never an argument. */
export class CallLog {
  readonly #log: Logger;
  readonly #slowMs: number;
  readonly #hasTool: (name: string) => boolean;
  /** How long a call may take before its end is worth a line. */
  readonly quietMs: number;

  constructor({ log, slowMs, hasTool }: CallLogOptions) {
    this.#log = log;
    this.#slowMs = slowMs;
    this.#hasTool = hasTool;
    this.quietMs = log.writes("debug") ? -1 : slowMs;
  }

  /** What a line says of the call that it is about. */
  fields(call: Call): Record<string, unknown> {
    const { callId, requestId, method, traceId, clientInfo } = call;
    const client: unknown = clientInfo?.name;
    return {
      call: callId,
      requestId,
      method,
      ...this.#subject(call),
      ...(typeof client === "string" &&
        { client: safeText(client, MAX_CLIENT_NAME) }),
      ...(traceId !== undefined && { traceId }),
    };
  }

  /**
   * Tells of a call that has ended: one line if it took longer than `slowMs`, and
   * one for every call at the level of debug.
   */
  ended(call: Call, tookMs: number, failure: string | undefined): void {
    const slow = tookMs > this.#slowMs;
    if (!slow && !this.#log.writes("debug")) return;
    const fields = {
      ...this.fields(call),
      ...(failure !== undefined && { failure }),
      tookMs: Math.round(tookMs * 1_000) / 1_000,
    };
    const [[kind, name] = [call.method]] = Object.entries(this.#subject(call));
    const what = name === undefined ? kind : `${kind} ${name}`;
    if (slow) {
      const rounded = Math.round(tookMs);
      this.#log.warning(`${what} is slow: it took ${rounded} ms`, {
        ...fields,
        slowMs: this.#slowMs,
      });
    } else this.#log.debug(`${what} has ended`, fields);
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

  /** What the call is about, under what it is: only if that is registered. */
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
