/**
 * Sluice: an MCP server framework for Deno.
 *
 * @module
 */

// The server.
export {
  type HonoApp,
  McpServer,
  type ServerStats,
} from "./src/host/mcp_server.ts";
export type { Registrations } from "./src/host/registrations.ts";
export type { RunningServer, ServeOptions } from "./src/host/serve_options.ts";
export type { WorkersOptions } from "./src/host/workers/workers_setting.ts";
export type { HandlerCacheOptions } from "./src/server/catalog/handler_cache.ts";
export type { IdempotencyOptions } from "./src/server/catalog/idempotency.ts";
export type { AuditEntry, AuditOptions } from "./src/server/calls/audit.ts";
export type { FailureKind } from "./src/server/calls/failure_kind.ts";
export type {
  Extension,
  ExtensionHost,
  ExtensionMethod,
  ExtensionTopic,
  ToolInCall,
} from "./src/server/extension.ts";
export type { LifespanFunction } from "./src/server/lifecycle/lifespan.ts";
export {
  files,
  type FilesOptions,
  type FilesResource,
} from "./src/host/files.ts";
export { LowLevelServer } from "./src/host/low_level_server.ts";
export type { NotificationHandler } from "./src/server/calls/notifications.ts";
export { OwnHandlers } from "./src/host/own_handlers.ts";
export { V1Registrations, type V1Shape } from "./src/host/v1_registrations.ts";
export type {
  V1RequestTaskStore,
  V1Task,
  V1TaskContext,
  V1TaskFunction,
  V1Tasks,
  V1ToolTaskHandler,
} from "./src/host/v1_tasks.ts";
export type {
  MessageOf,
  MessageSchema,
  MethodSchemas,
  ParamsHandler,
  RequestHandler,
  ZodLike,
} from "./src/host/message_handlers.ts";
export type {
  Middleware,
  MiddlewareRequest,
  Next,
} from "./src/server/calls/middleware.ts";
export type { CacheHints } from "./src/server/catalog/cache_hint.ts";
export type {
  HealthOptions,
  McpServerOptions,
  RequestStateOptions,
  SdkOptions,
  WatchdogSettings,
} from "./src/host/server_options.ts";
export type { AdmissionOptions } from "./src/server/admission/admission_options.ts";

// Identity: who may call what.
export {
  type ApiKey,
  ApiKeys,
  apiKeys,
  type ApiKeysOptions,
  type GivenApiKey,
} from "./src/auth/api_keys.ts";
export type {
  Authenticator,
  AuthenticatorHost,
  Presented,
  Verdict,
} from "./src/auth/authenticator.ts";
export { type AuthErrorCode, AuthRefusal } from "./src/auth/auth_refusal.ts";
export { oauth } from "./src/auth/oauth/oauth.ts";
export type {
  NewTokensLimit,
  OAuthOptions,
} from "./src/auth/oauth/oauth_options.ts";
export {
  clientCredentials,
  type ClientCredentialsOptions,
  tokenExchange,
  type TokenExchangeOptions,
} from "./src/auth/outgoing/outgoing_tokens.ts";
export {
  NoTokenError,
  type TokenEndpointOptions,
} from "./src/auth/outgoing/issued_tokens.ts";
export type { IntrospectionOptions } from "./src/auth/oauth/introspection.ts";
export {
  AccessDeniedError,
  InsufficientScopeError,
} from "./src/server/identity/access_errors.ts";
export type { Caller, Claims } from "./src/server/identity/caller.ts";
export type { ImpliedScopes } from "./src/server/identity/callers.ts";
export type { AccessRules, Allow } from "./src/server/identity/guard.ts";
export type {
  RateLimitKey,
  RateLimitOptions,
} from "./src/server/calls/call_rate_limit.ts";

// Seeing inside.
export type { AdminOptions } from "./src/admin/admin_routes.ts";
export type { AuthorizeOperator } from "./src/admin/operator_gate.ts";
export type { OperatorPagesOptions } from "./src/admin/operator_pages.ts";
export { Counter, Gauge } from "./src/observe/metrics/metric.ts";
export type { ExpositionFormat } from "./src/observe/metrics/exposition.ts";
export type {
  InstrumentLabels,
  InstrumentReading,
  InstrumentValues,
} from "./src/observe/metrics/instruments.ts";
export { Histogram } from "./src/observe/metrics/histogram.ts";
export {
  type LabelledMetricOptions,
  MetricFamily,
  type MetricOptions,
} from "./src/observe/metrics/metric_family.ts";
export {
  type Monitored,
  monitored,
  type MonitoredOptions,
} from "./src/observe/metrics/monitored.ts";
export {
  type GaugeOptions,
  type HistogramOptions,
  Metrics,
} from "./src/observe/metrics/metrics.ts";
export type {
  CallSummary,
  EventLoopSummary,
  LatencySummary,
  MetricsDocument,
} from "./src/observe/metrics/metrics_document.ts";

// Logs and health.
export { type HealthCheckable } from "./src/observe/health/health_checkable.ts";
export {
  type HealthCheckFunction,
  type HealthCheckReport,
  type HealthOutcome,
  type HealthResult,
  type HealthStatus,
} from "./src/observe/health/health_check.ts";
export {
  type AddedHealthCheck,
  HealthChecks,
  type HealthReport,
} from "./src/observe/health/health_checks.ts";
export {
  type HealthCheckOptions,
  type HealthChecksOptions,
} from "./src/observe/health/health_checks_options.ts";
export {
  type Log,
  type LogLevel,
  type LogRecord,
  type LogSink,
  logTapeLog,
  type LogTapeLogger,
} from "./src/observe/log/log.ts";
export { Logger } from "./src/observe/log/logger.ts";
export {
  jsonLog,
  readableLog,
  stderrLog,
} from "./src/observe/log/stderr_log.ts";

export type {
  ContextManagerLike,
  MeterProviderLike,
  TelemetryOptions,
  TracerProviderLike,
} from "./src/observe/trace/telemetry.ts";

// Tools, prompts and resources.
export type { DeclaredCapabilities } from "./src/server/catalog/capabilities.ts";
export {
  completable,
  type CompleteCallback,
  type CompleteCallback as CompleteResourceTemplateCallback,
} from "./src/server/catalog/completable.ts";
export type {
  PromptConfig,
  PromptHandler,
  PromptOutput,
  PromptUpdates,
  RegisteredPrompt,
} from "./src/server/catalog/prompt.ts";
export type {
  ReadableRegistration,
  ReadResourceCallback,
  ReadResourceTemplateCallback,
  RegisteredResource,
  RegisteredResourceTemplate,
  ResourceConfig,
  ResourceMetadata,
  ResourceOutput,
  ResourceTemplateUpdates,
  ResourceUpdates,
} from "./src/server/catalog/resource.ts";
export {
  type ListResourcesCallback,
  ResourceTemplate,
  type ResourceTemplateCallbacks,
} from "./src/server/catalog/resource_template.ts";
export type {
  FieldsOf,
  ToolArguments,
  ToolConfig,
  ToolHandler,
  ToolOutput,
  ToolOutputOf,
  ToolOutputValue,
  ToolReturn,
  ToolReturnOf,
  ToolStep,
  ToolUpdates,
} from "./src/server/catalog/tool_config.ts";
export type {
  ToolWorker,
  ToolWorkerOptions,
  WorkerToolConfig,
} from "./src/server/catalog/tool_worker.ts";
export type { Registration } from "./src/server/catalog/registration.ts";
export type { RegisteredTool } from "./src/server/catalog/tool.ts";

// What handlers are given, and what they may ask of the client.
export {
  acceptedContent,
  type ElicitInputParams,
  inputRequired,
  type InputRequiredBuilder,
  type InputRequiredSpec,
  inputResponse,
  type InputResponseView,
  isInputRequiredResult,
} from "./src/server/questions/input_required.ts";
export {
  createRequestStateCodec,
  type RequestStateCodec,
  type RequestStateCodecOptions,
} from "./src/server/questions/request_state.ts";
export type {
  AskOptions,
  ElicitAnswer,
  ElicitFormOf,
  ElicitParams,
  HttpView,
  McpRequestContext,
  McpRequestView,
  Progress,
  RequestInfo,
  RequestLog,
  SchemaResult,
  ServerContext,
  TaskRun,
  TaskTerms,
} from "./src/server/server_context.ts";

// Tasks.
export type {
  CreateTaskResult,
  Task,
  TaskStatus,
} from "./src/server/tasks/task.ts";
export type { TaskOptions } from "./src/server/tasks/tasks_extension.ts";
export {
  MemoryTaskStore,
  type MemoryTaskStoreOptions,
  type TaskStore,
} from "./src/server/tasks/task_store.ts";
export type {
  StoredTask,
  TaskRestart,
} from "./src/server/tasks/stored_task.ts";
export type {
  ClaimedTask,
  TaskLease,
  TaskLeases,
} from "./src/server/tasks/task_leases.ts";

// Skills.
export {
  readSkills,
  type ReadSkillsOptions,
} from "./src/host/skill_directory.ts";
export type {
  RegisteredSkill,
  SkillConfig,
  SkillUpdates,
} from "./src/server/skills/registered_skill.ts";
export type { RegisteredSkills } from "./src/server/skills/registered_skills.ts";
export {
  Skill,
  type SkillFiles,
  type SkillLimits,
  type SkillOptions,
} from "./src/server/skills/skill.ts";
export { InvalidSkillError } from "./src/server/skills/skill_errors.ts";
export type {
  SkillContent,
  SkillFile,
} from "./src/server/skills/skill_file.ts";

// Transports.
export {
  linkedPair,
  type MessageExtra,
  type Transport,
} from "./src/transport/sdk_transport.ts";
export type { CallOptions } from "./src/transport/direct_call.ts";
export {
  type KeptSession,
  MemorySessionStore,
  type MemorySessionStoreOptions,
  type SessionChange,
  type SessionStore,
} from "./src/server/sessions/session_store.ts";
export { type Bus, type BusListener } from "./src/cluster/bus.ts";
export { MemoryBusHub } from "./src/cluster/memory_bus.ts";
export { type SharedRedisOptions } from "./src/cluster/shared_redis.ts";
export {
  type EventSink,
  type EventStore,
  MemoryEventStore,
  type MemoryEventStoreOptions,
} from "./src/transport/http/legacy/event_store.ts";
export type { BodyLimits } from "./src/transport/http/bodies.ts";
export type { EventStreamOptions } from "./src/transport/http/event_streams.ts";
export type { GateOptions } from "./src/transport/http/host_gate.ts";
export type {
  FetchContext,
  HttpOptions,
} from "./src/transport/http/http_options.ts";
export type { LegacyOptions } from "./src/transport/http/legacy/legacy_endpoint.ts";
export type { SessionLimits } from "./src/transport/http/legacy/live_sessions.ts";
export type { StdioOptions, StdioStreams } from "./src/transport/stdio.ts";

// Limits.
export {
  type Permit,
  Semaphore,
  type SemaphoreAcquireOptions,
  type SemaphoreOptions,
  type SemaphoreStats,
} from "./src/limit/semaphore.ts";

// Errors.
export {
  AlreadyServingError,
  BatchKeyMissingError,
  BatchResultsError,
  CacheKeyError,
  CacheValueError,
  ClosedError,
  errorTable,
  InvalidHealthResultError,
  InvalidOptionError,
  OneFileError,
  ProfilerUnavailableError,
  QueueFullError,
  RateLimitedError,
  SlowClientError,
  SluiceError,
  type SluiceErrorCode,
  TimeoutError,
  UnavailableError,
} from "./src/base/errors.ts";
export {
  HeaderMismatchError,
  IdempotencyError,
  type IdempotencyFault,
  InvalidParamsError,
  InvalidRequestError,
  MethodNotFoundError,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type RefusalData,
  type RefusalReason,
  RefusedError,
  ResourceNotFoundError,
  ResultTooBigError,
  UnsupportedProtocolVersionError,
  UrlElicitationRequiredError,
} from "./src/protocol/protocol_errors.ts";
export { JsonValueError } from "./src/protocol/json_value.ts";

// Time.
export {
  type Clock,
  systemClock,
  type TimerHandle,
  type TimerOptions,
} from "./src/base/clock.ts";

// Schemas and URI templates.
export {
  fromJsonSchema,
  type JsonSchemaValidators,
} from "./src/protocol/json_schema.ts";
export type { SchemaLike } from "./src/protocol/schema.ts";
export type {
  InferInput,
  InferOutput,
  JsonSchema,
  JsonSchemaConverter,
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaWithJSON,
} from "./src/protocol/standard_schema.ts";
export { UriTemplate, type Variables } from "./src/protocol/uri_template.ts";

// The wire.
export type { JsonObject } from "./src/protocol/jsonrpc.ts";
export { type Era, SUPPORTED_REVISIONS } from "./src/protocol/revision.ts";
export type {
  Annotated,
  Annotations,
  AnyParams,
  AudioContent,
  AuthInfo,
  BlobResourceContents,
  BooleanSchema,
  CacheHint,
  CallToolResult,
  CapabilitySettings,
  ClientCapabilities,
  CommonCapabilities,
  CompleteResult,
  ContentBlock,
  CreateMessageRequest,
  CreateMessageRequestParams,
  CreateMessageResult,
  CreateMessageResultWithTools,
  ElicitRequest,
  ElicitRequestFormParams,
  ElicitRequestURLParams,
  ElicitResult,
  EmbeddedResource,
  FieldLabels,
  GetPromptResult,
  HasIcons,
  HasMeta,
  Icon,
  ImageContent,
  Implementation,
  InputRequest,
  InputRequests,
  InputRequiredResult,
  InputResponse,
  InputResponses,
  JSONRPCErrorResponse,
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResponse,
  JSONRPCResultResponse,
  JsonValue,
  LabelledChoice,
  LegacyTitledEnumSchema,
  ListCapability,
  ListResourcesResult,
  ListRootsRequest,
  ListRootsResult,
  LoggingLevel,
  LoggingMessageNotification,
  ModelHint,
  ModelPreferences,
  MultiSelectBounds,
  Named,
  Notification,
  NumberSchema,
  PaginatedResult,
  PrimitiveSchemaDefinition,
  ProgressToken,
  Prompt,
  PromptArgument,
  PromptMessage,
  ReadResourceResult,
  RelatedTaskMetadata,
  RequestId,
  RequestMeta,
  Resource,
  ResourceContents,
  ResourceLink,
  Result,
  ResultMeta,
  Role,
  Root,
  SamplingContent,
  SamplingMessage,
  SamplingMessageContentBlock,
  ServerCapabilities,
  SkillEntry,
  SkillFrontmatter,
  SkillResource,
  StringSchema,
  TaskMetadata,
  TasksCapability,
  TextContent,
  TextResourceContents,
  TitledMultiSelectEnumSchema,
  TitledSingleSelectEnumSchema,
  Tool,
  ToolAnnotations,
  ToolChoice,
  ToolExecution,
  ToolInputSchema,
  ToolOutputSchema,
  ToolResultContent,
  ToolUseContent,
  UntitledMultiSelectEnumSchema,
  UntitledSingleSelectEnumSchema,
} from "./src/protocol/types.ts";

// Limits, pools, batches and caches, usable without MCP.
export { deadline, type DeadlineOptions } from "./src/base/deadline.ts";
export {
  mapConcurrent,
  type MapConcurrentContext,
  type MapConcurrentOptions,
} from "./src/limit/map_concurrent.ts";
export {
  MemoryRateLimitStore,
  type MemoryRateLimitStoreOptions,
  type MemoryRateLimitStoreStats,
} from "./src/limit/memory_rate_limit_store.ts";
export {
  type RateLimitDecision,
  type RateLimitRule,
  type RateLimitStore,
} from "./src/limit/rate_limit_store.ts";
export {
  type RateLimitAcquireOptions,
  RateLimiter,
  type RateLimiterOptions,
  type RateLimiterStats,
  type RateLimitTakeOptions,
} from "./src/limit/rate_limiter.ts";
export {
  RedisRateLimitStore,
  type RedisSend,
} from "./src/limit/redis_rate_limit_store.ts";
export {
  type RedisRateLimitStoreOptions,
  type RedisRateLimitStoreStats,
} from "./src/limit/redis_rate_limit_options.ts";
export { Pool } from "./src/pool/pool.ts";
export {
  type AcquireOptions,
  type CreateContext,
  type DrainOptions,
  type PoolCounters,
  type PoolLimits,
  type PoolLog,
  type PoolOptions,
  type PoolStats,
} from "./src/pool/pool_options.ts";
export { type Lease, LeaseReleasedError } from "./src/pool/lease.ts";
export {
  WorkerPool,
  type WorkerPoolStats,
} from "./src/pool/worker/worker_pool.ts";
export { offload, type Offloaded } from "./src/pool/worker/offload.ts";
export type {
  WorkerContext,
  WorkerFunction,
  WorkerInput,
  WorkerLog,
  WorkerLogLevel,
  WorkerModule,
  WorkerOutput,
  WorkerReturn,
  WorkerStep,
} from "./src/pool/worker/worker_function.ts";
export type {
  WorkerPoolOptions,
  WorkerRunOptions,
} from "./src/pool/worker/worker_options.ts";
export type { WorkerCallOptions } from "./src/pool/worker/worker_call.ts";
export {
  WorkerError,
  type WorkerFailure,
} from "./src/pool/worker/worker_error.ts";
export {
  type BatchContext,
  type BatcherOptions,
  type BatchFlushOptions,
  type BatchLoader,
  type BatchLoadOptions,
  type BatchResults,
  type BatchSchedule,
} from "./src/batch/batch_options.ts";
export { Batcher } from "./src/batch/batcher.ts";
export { type BatcherStats } from "./src/batch/batcher_stats.ts";
export {
  type AnyBatchLoader,
  type BatchDefaults,
  Batchers,
  type BatchersOptions,
  type BatchKeyOf,
  type BatchValueOf,
} from "./src/batch/batchers.ts";
export {
  HttpCircuitOpenError,
  HttpError,
  type HttpErrorCode,
  HttpFailedError,
  HttpStatusError,
  HttpTimeoutError,
} from "./src/pool/http/http_errors.ts";
export {
  type HttpCircuitOptions,
  type HttpPoolOptions,
  type HttpRequestOptions,
} from "./src/pool/http/http_pool_options.ts";
export {
  type HttpOriginStats,
  type HttpPoolStats,
} from "./src/pool/http/http_stats.ts";
export {
  type HttpFetchAllOptions,
  type HttpOutcome,
} from "./src/pool/http/fetch_all.ts";
export { HttpPool } from "./src/pool/http/http_pool.ts";

export { PostgresPool } from "./src/pool/postgres/postgres_pool.ts";
export {
  type PostgresDriverName,
  type PostgresOptions,
} from "./src/pool/postgres/postgres_options.ts";
export { type PostgresStats } from "./src/pool/postgres/postgres_stats.ts";
export {
  PostgresQueries,
  type PostgresRow,
  type StreamOptions,
} from "./src/pool/postgres/postgres_queries.ts";
export { PostgresSession } from "./src/pool/postgres/postgres_session.ts";
export {
  CommitUnknownError,
  type PostgresIsolation,
  PostgresTransaction,
  type TransactionOptions,
  TransactionOverError,
} from "./src/pool/postgres/postgres_transaction.ts";
export {
  type CommandCounters,
  type QueryOptions,
} from "./src/pool/postgres/command_guard.ts";
export {
  type PostgresConnectContext,
  type PostgresConnection,
  type PostgresDriver,
  type PostgresResult,
  type PostgresSsl,
} from "./src/pool/postgres/postgres_driver.ts";
export {
  PostgresConnectionError,
  PostgresError,
  type PostgresErrorFields,
  PostgresParameterError,
} from "./src/pool/postgres/postgres_errors.ts";
export { cached, type CachedFunction } from "./src/cache/cached/cached.ts";
export {
  type CachedOptions,
  type CachedStats,
} from "./src/cache/cached/cached_options.ts";
export { cacheKey } from "./src/cache/cache_key.ts";
export {
  type CacheClaim,
  type CacheClaimOptions,
  type CacheClaimOutcome,
  type CacheHit,
  type CacheSetOptions,
  type CacheStore,
  type ClaimingCacheStore,
  type MaybePromise,
} from "./src/cache/cache_store.ts";
export { type LifetimeOptions } from "./src/cache/lifetimes.ts";
export { MemoryCache } from "./src/cache/memory/memory_cache.ts";
export {
  type MemoryCacheOptions,
  type MemoryCacheStats,
} from "./src/cache/memory/memory_cache_options.ts";
export { RedisCache } from "./src/cache/redis/redis_cache.ts";
export {
  type RedisCacheOptions,
  type RedisCacheStats,
  type RedisEntry,
} from "./src/cache/redis/redis_cache_options.ts";
export {
  type RedisCircuitStats,
  type RedisState,
} from "./src/cache/redis/redis_link.ts";
export { type RedisFormat } from "./src/cache/redis/redis_codec.ts";
export {
  type RedisClient,
  type RedisDriver,
} from "./src/redis/redis_clients.ts";
export { type NodeRedisClient } from "./src/redis/node_redis.ts";
export { type IoRedisClient } from "./src/redis/io_redis.ts";
export { type NodeRedisCluster } from "./src/redis/redis_cluster.ts";
export {
  type DenoRedisClient,
  type DenoRedisSubscription,
} from "./src/redis/deno_redis.ts";
export {
  type RedisArgument,
  type RedisListener,
  type RedisPort,
} from "./src/redis/redis_port.ts";
export {
  type ChangeChannel,
  type ChangeListener,
} from "./src/cache/redis/change_channel.ts";
export { TieredCache } from "./src/cache/tiered/tiered_cache.ts";
export {
  type TieredCacheOptions,
  type TieredCacheStats,
} from "./src/cache/tiered/tiered_cache_options.ts";

// Seeing inside, usable without MCP.
export {
  type BlockCount,
  type BlockEvidence,
  type BlockReport,
  type WatchdogStats,
} from "./src/observe/watch/block_report.ts";
export { type WatchedWork } from "./src/observe/watch/block_suspects.ts";
export {
  CpuProfile,
  type CpuProfileJson,
  type CpuProfileNode,
  type CpuProfileOrder,
  type CpuProfileRow,
} from "./src/observe/profile/cpu_profile.ts";
export {
  type EventLoopBlock,
  EventLoopMonitor,
  type EventLoopMonitorOptions,
  type EventLoopStats,
} from "./src/observe/watch/event_loop_lag.ts";
export {
  type AllocationSite,
  HeapProfile,
  type HeapProfileJson,
  type HeapProfileNode,
} from "./src/observe/profile/heap_profile.ts";
export {
  type MemoryProfile,
  memoryProfiled,
  type MemoryProfiledOptions,
  type MemoryProfileOptions,
  type MemoryUse,
  profileMemory,
} from "./src/observe/profile/memory_profile.ts";
export {
  profile,
  type Profiled,
  profiled,
  type ProfiledOptions,
  type ProfileOptions,
} from "./src/observe/profile/profile.ts";
export { type ProfiledHandlerOptions } from "./src/observe/profile/profiled_handler.ts";
export {
  type CallFrame,
  SourcePositions,
} from "./src/observe/profile/source_position.ts";
export {
  Watchdog,
  type WatchdogOptions,
} from "./src/observe/watch/watchdog.ts";
