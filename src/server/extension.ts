import type { Clock } from "../base/clock.ts";
import type { Logger } from "../observe/log/logger.ts";
import type { JsonObject } from "../protocol/jsonrpc.ts";
import type { Era } from "../protocol/revision.ts";
import type { CapabilitySettings, ToolExecution } from "../protocol/types.ts";
import type { Middleware } from "./calls/middleware.ts";
import type { ServerContext } from "./server_context.ts";

/** Answers a method of an extension. */
export type ExtensionMethod = (
  params: JsonObject,
  ctx: ServerContext,
) => unknown;

/**
 * Says which of the keys that a `subscriptions/listen` asks for its caller may
 * follow.
 *
 * @throws {MissingRequiredClientCapabilityError} for a client without the extension
 */
export type ExtensionTopic = (
  keys: readonly string[],
  ctx: ServerContext,
) => readonly string[] | Promise<readonly string[]>;

/** Services that a server lends to its extension. */
export interface ExtensionHost {
  /** The server's clock. */
  readonly clock: Clock;
  /** The server's log. */
  readonly log: Logger;
  /**
   * Tells if the client that makes a call has declared the extension, in an era
   * of which that is a part.
   */
  knows(ctx: ServerContext): boolean;
  /** Refuses a client that has not. @throws {MissingRequiredClientCapabilityError} */
  require(ctx: ServerContext): void;
  /**
   * Tells the streams of `subscriptions/listen` that follow a key of one of the
   * extension's topics.
   */
  publish(
    topic: string,
    key: string,
    notification: { method: string; params: JsonObject },
  ): void;
}

/** A tool that is about to be called. */
export interface ToolInCall {
  /** Name that it is called by. */
  readonly name: string;
  /** Tells if it runs as a task. */
  readonly execution?: ToolExecution;
}

/**
 * An extension of MCP: methods, capabilities, headers and notifications of its
 * own. Tasks and skills are two; others are handed to `McpServer` as `extensions`.
 *
 * @example
 * ```ts
 * import { type Extension, McpServer } from "@sluice/mcp";
 *
 * const clock: Extension = {
 *   id: "com.example/clock",
 *   methods: { "clock/now": () => ({ now: Date.now() }) },
 * };
 * const server = new McpServer({ name: "clock", version: "1.0.0" }, {
 *   extensions: [clock],
 * });
 * ```
 */
export interface Extension extends Partial<AsyncDisposable> {
  /** Id that clients know it by, such as `io.modelcontextprotocol/tasks`. */
  readonly id: string;
  /**
   * Settings that are declared of it.
   * @default {}
   */
  readonly settings?: CapabilitySettings;
  /**
   * True if the server has anything of it to offer; if not, it is not there.
   * @default true
   */
  readonly active?: boolean;
  /**
   * The eras of which it is a part.
   * @default both
   */
  readonly eras?: readonly Era[];
  /** Its methods, by name. */
  readonly methods?: Readonly<Record<string, ExtensionMethod>>;
  /** The parameter that the header `Mcp-Name` mirrors, by method (2026-07-28). */
  readonly namedBy?: Readonly<Record<string, string>>;
  /** Topics that `subscriptions/listen` may follow, by the filter's field. */
  readonly topics?: Readonly<Record<string, ExtensionTopic>>;
  /**
   * Looks at a tool before it runs, in its eras; what it throws is the answer. Not
   * async: headers that it hasn't looked at may be gone with the answer.
   */
  readonly beforeTool?: (tool: ToolInCall, ctx: ServerContext) => void;
  /** Wraps every call, within the server's own middleware. */
  readonly around?: Middleware;
  /** Takes what the server lends, once, when the server is made. */
  attach?(host: ExtensionHost): void;
}
