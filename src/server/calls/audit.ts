import type { Clock } from "../../base/clock.ts";
import { addressOf } from "../../base/network_peer.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { checkMethods } from "../../base/options.ts";
import { deadline } from "../../base/deadline.ts";
import { isThenable } from "../../base/thenable.ts";
import type { Log } from "../../observe/log/log.ts";
import { reportFailure } from "../../observe/log/logger.ts";
import { isObject } from "../../protocol/jsonrpc.ts";
import type { Caller } from "../identity/caller.ts";
import type { Call } from "./call.ts";
import type { FailureKind } from "./failure_kind.ts";

/** Milliseconds after which an entry that is not written yet is given up. */
const LIMIT_MS = 10_000;

/** An audited request: who wanted what, and what came of it. */
export interface AuditEntry {
  /** Time of its end, in ISO 8601. */
  readonly time: string;
  /** Its name in the server's log: `ctx.callId`. */
  readonly callId: string;
  /** The MCP method. */
  readonly method: string;
  /** Name of the tool asked for, whether or not there is one. */
  readonly tool?: string;
  /** Likewise of the prompt. */
  readonly prompt?: string;
  /** URI of the resource asked for. */
  readonly resource?: string;
  /** The caller, if that is known. */
  readonly caller?: Caller;
  /** The caller's address, over a network; see the option `trustedProxies`. */
  readonly address?: string;
  /** `"ok"`, or what kept it from that. */
  readonly outcome: "ok" | FailureKind;
  /** Milliseconds that it took. */
  readonly durationMs: number;
  /** The arguments as the client sent them, if `arguments` asks for them. */
  readonly arguments?: unknown;
}

/** Settings for keeping a record of who did what. */
export interface AuditOptions {
  /**
   * Called once for each MCP request that has ended, those that were refused or
   * called off included; what HTTP turns away (a bad token, a body that is too
   * big) never becomes one. What it throws, and a promise that is not kept within
   * ten seconds, costs a line in the log and never the result.
   */
  write(entry: AuditEntry): unknown;
  /**
   * Hand the arguments of tools and prompts over too, which may hold secrets.
   * @default false
   */
  arguments?: boolean;
}

const AUDIT_OPTIONS = {
  write: option.optional<AuditOptions["write"]>(),
  arguments: option.flag(false),
} satisfies OptionRules<AuditOptions>;

/** @throws {InvalidOptionError} naming the option */
export function readAudit(
  name: string,
  given: unknown,
): Required<AuditOptions> {
  const read = readOptions(name, given as object, AUDIT_OPTIONS, `${name}.`);
  const audit = checkMethods(name, given as AuditOptions, ["write"]);
  return { ...read, write: (entry) => audit.write(entry) };
}

/** Parts that the audit works with. */
export interface AuditParts {
  readonly clock: Clock;
  readonly log: Log;
}

/** The author's record of who did what. */
export class Audit implements AsyncDisposable {
  readonly #options: Required<AuditOptions>;
  readonly #parts: AuditParts;
  readonly #unwritten: Set<Promise<void>> = new Set();

  constructor(options: Required<AuditOptions>, parts: AuditParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Notes that a call has come in. */
  begin(call: Call): void {
    call.audited = true;
  }

  /** Writes the entry of a call that has ended, once. */
  end(call: Call, failure: FailureKind | undefined): void {
    if (!call.audited) return;
    call.audited = false;
    try {
      const written = this.#options.write(this.#entryOf(call, failure));
      if (isThenable(written)) this.#follow(call, written);
    } catch (error) {
      this.#failed(call, error);
    }
  }

  #entryOf(call: Call, failure: FailureKind | undefined): AuditEntry {
    const { callId, method, identity } = call;
    const address = addressOf(call.reply.peer);
    // Middleware may have sent anything on.
    const params = isObject(call.params) ? call.params : {};
    return {
      time: new Date().toISOString(),
      callId,
      method,
      ...targetOf(method, params.name ?? params.uri),
      ...(identity && { caller: identity }),
      ...(address !== undefined && { address }),
      outcome: failure ?? "ok",
      durationMs: this.#parts.clock.now() - call.arrivedAt,
      ...(this.#options.arguments && params.arguments !== undefined &&
        { arguments: params.arguments }),
    };
  }

  #follow(call: Call, written: PromiseLike<unknown>): void {
    const { clock } = this.#parts;
    const followed = deadline(() => Promise.resolve(written), LIMIT_MS, {
      name: "the audit",
      clock,
      keepAlive: false,
    }).then(() => {}, (error) => this.#failed(call, error))
      .finally(() => this.#unwritten.delete(followed));
    this.#unwritten.add(followed);
  }

  #failed(call: Call, error: unknown): void {
    reportFailure(this.#parts.log, "the audit", error, { call: call.callId });
  }

  /** Waits for what is being written, each for no longer than it may take. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#unwritten);
  }
}

function targetOf(
  method: string,
  target: unknown,
): Pick<AuditEntry, "tool" | "prompt" | "resource"> {
  if (typeof target !== "string") return {};
  if (method === "tools/call") return { tool: target };
  if (method === "prompts/get") return { prompt: target };
  return method.startsWith("resources/") ? { resource: target } : {};
}
