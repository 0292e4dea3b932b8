/**
 * Sluice: an MCP server framework for Deno.
 *
 * @module
 */
export {
  type Clock,
  systemClock,
  type TimerHandle,
  type TimerOptions,
} from "./src/base/clock.ts";
export * from "./src/base/errors.ts";
export {
  type CallStats,
  LATENCY_BOUNDS_MS,
} from "./src/observe/call_record.ts";
export * from "./src/limit/semaphore.ts";
export * from "./src/protocol/errors.ts";
export { fromJsonSchema } from "./src/protocol/json_schema.ts";
export type { JsonObject } from "./src/protocol/jsonrpc.ts";
export * from "./src/protocol/revision.ts";
export type { SchemaLike } from "./src/protocol/schema.ts";
export type * from "./src/protocol/standard_schema.ts";
export type * from "./src/protocol/types.ts";
export { UriTemplate, type Variables } from "./src/protocol/uri_template.ts";
export {
  completable,
  type CompleteCallback,
} from "./src/server/completable.ts";
export {
  acceptedContent,
  type ElicitInputParams,
  inputRequired,
  type InputRequiredBuilder,
  type InputRequiredSpec,
  inputResponse,
  type InputResponseView,
  isInputRequiredResult,
} from "./src/server/input_required.ts";
export type { LifespanFunction } from "./src/server/lifespan.ts";
export * from "./src/server/log.ts";
export {
  LowLevelServer,
  type RequestHandler,
} from "./src/server/low_level_server.ts";
export type {
  Middleware,
  MiddlewareRequest,
  Next,
} from "./src/server/middleware.ts";
export * from "./src/server/prompt.ts";
export type { CacheHints } from "./src/server/registry.ts";
export {
  createRequestStateCodec,
  type RequestStateCodec,
  type RequestStateCodecOptions,
} from "./src/server/request_state.ts";
export type * from "./src/server/resource.ts";
export {
  type ListResourcesCallback,
  ResourceTemplate,
  type ResourceTemplateCallbacks,
} from "./src/server/resource_template.ts";
export type * from "./src/server/server_context.ts";
export type {
  McpServerOptions,
  RequestStateOptions,
} from "./src/server/server_options.ts";
export type * from "./src/server/task.ts";
export type { TaskOptions } from "./src/server/task_manager.ts";
export * from "./src/server/task_store.ts";
export type * from "./src/server/tool.ts";
export { linkedPair, type Transport } from "./src/transport/channel.ts";
export type { CallOptions } from "./src/transport/direct_call.ts";
export * from "./src/transport/event_store.ts";
export type { GateOptions } from "./src/transport/gate.ts";
export type {
  FetchContext,
  HttpOptions,
} from "./src/transport/http_transport.ts";
export type { LegacyOptions } from "./src/transport/legacy_endpoint.ts";
export type { SessionLimits } from "./src/transport/session_store.ts";
export type { StdioOptions, StdioStreams } from "./src/transport/stdio.ts";
export { McpServer, type ServerStats } from "./src/host/mcp_server.ts";
export type { RunningServer, ServeOptions } from "./src/host/serve.ts";
