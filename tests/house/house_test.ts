import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import {
  circles,
  doorFaults,
  type Doors,
  floorFaults,
  type Floors,
  longFiles,
  readHouse,
  twinNames,
  unusedDoors,
} from "./house.ts";

/** What each floor may import, from the ground up. */
const FLOORS: Floors = {
  base: [],
  protocol: ["base"],
  observe: ["base"],
  redis: ["base"],
  limit: ["base", "observe", "redis"],
  cache: ["base", "observe", "redis", "limit"],
  cluster: ["base", "observe", "redis"],
  pool: ["base", "observe", "limit"],
  batch: ["base", "observe"],
  server: [
    "base",
    "protocol",
    "observe",
    "limit",
    "cache",
    "cluster",
    "redis",
    "pool",
  ],
  auth: ["base", "protocol", "observe", "cache", "server"],
  transport: ["base", "protocol", "observe", "cluster", "server", "auth"],
  admin: ["base", "observe", "server"],
  host: [
    "base",
    "protocol",
    "observe",
    "limit",
    "cache",
    "cluster",
    "server",
    "auth",
    "transport",
    "admin",
  ],
};

/** The files that may be imported from outside of a room. A folder without a row is open. */
const DOORS: Doors = {
  protocol: [
    "content_check.ts",
    "header_value.ts",
    "incoming.ts",
    "json_schema.ts",
    "json_value.ts",
    "jsonrpc.ts",
    "left_out.ts",
    "message_text.ts",
    "nearest_json.ts",
    "param_headers.ts",
    "payload.ts",
    "protocol_errors.ts",
    "revision.ts",
    "schema.ts",
    "standard_schema.ts",
    "types.ts",
    "types/message.ts",
    "uri_form.ts",
    "uri_template.ts",
    "value_bytes.ts",
    "whole_number.ts",
  ],
  "observe/metrics": [
    "call_record.ts",
    "exposition.ts",
    "figure.ts",
    "figure_export.ts",
    "histogram.ts",
    "instruments.ts",
    "metric.ts",
    "metric_family.ts",
    "metrics.ts",
    "metrics_document.ts",
    "monitored.ts",
    "process_figures.ts",
  ],
  "observe/health": [
    "health_check.ts",
    "health_checkable.ts",
    "health_checks.ts",
    "health_checks_options.ts",
  ],
  "observe/log": [
    "line_limit.ts",
    "log.ts",
    "log_fields.ts",
    "logger.ts",
    "quiet_log.ts",
    "stderr_log.ts",
    "tell_listener.ts",
  ],
  "observe/trace": [
    "span_outcome.ts",
    "telemetry.ts",
    "trace_context.ts",
  ],
  "observe/profile": [
    "cpu_profile.ts",
    "cpu_recording.ts",
    "heap_profile.ts",
    "memory_profile.ts",
    "profile.ts",
    "profiled_handler.ts",
    "source_position.ts",
  ],
  "observe/watch": [
    "block_report.ts",
    "block_suspects.ts",
    "event_loop_figures.ts",
    "event_loop_lag.ts",
    "heartbeat.ts",
    "watchdog.ts",
  ],
  redis: [
    "deno_redis.ts",
    "io_redis.ts",
    "node_redis.ts",
    "redis_clients.ts",
    "redis_cluster.ts",
    "redis_commands.ts",
    "redis_connection.ts",
    "redis_name.ts",
    "redis_port.ts",
    "redis_script.ts",
    "redis_subscriber.ts",
    "reply_deadlines.ts",
  ],
  limit: [
    "circuit.ts",
    "map_concurrent.ts",
    "memory_rate_limit_store.ts",
    "rate_limit_store.ts",
    "rate_limiter.ts",
    "redis_rate_limit_options.ts",
    "redis_rate_limit_store.ts",
    "semaphore.ts",
    "wait_queue.ts",
  ],
  cache: [
    "cache_key.ts",
    "cache_store.ts",
    "cached/cached.ts",
    "cached/cached_options.ts",
    "lifetimes.ts",
    "memory/lru_map.ts",
    "memory/memory_cache.ts",
    "memory/memory_cache_options.ts",
    "redis/change_channel.ts",
    "redis/redis_cache.ts",
    "redis/redis_cache_options.ts",
    "redis/redis_codec.ts",
    "redis/redis_link.ts",
    "tiered/tiered_cache.ts",
    "tiered/tiered_cache_options.ts",
  ],
  pool: [
    "http/fetch_all.ts",
    "http/http_errors.ts",
    "http/http_pool.ts",
    "http/http_pool_options.ts",
    "http/http_stats.ts",
    "lease.ts",
    "pool.ts",
    "pool_options.ts",
    "postgres/command_guard.ts",
    "postgres/postgres_driver.ts",
    "postgres/postgres_errors.ts",
    "postgres/postgres_options.ts",
    "postgres/postgres_pool.ts",
    "postgres/postgres_queries.ts",
    "postgres/postgres_session.ts",
    "postgres/postgres_stats.ts",
    "postgres/postgres_transaction.ts",
    "worker/offload.ts",
    "worker/stuck_threads.ts",
    "worker/worker_call.ts",
    "worker/worker_error.ts",
    "worker/worker_function.ts",
    "worker/worker_options.ts",
    "worker/worker_pool.ts",
  ],
  "pool/http": [
    "fetch_all.ts",
    "http_errors.ts",
    "http_pool.ts",
    "http_pool_options.ts",
    "http_stats.ts",
  ],
  "pool/postgres": [
    "command_guard.ts",
    "postgres_driver.ts",
    "postgres_errors.ts",
    "postgres_options.ts",
    "postgres_pool.ts",
    "postgres_queries.ts",
    "postgres_session.ts",
    "postgres_stats.ts",
    "postgres_transaction.ts",
  ],
  batch: [
    "batch_options.ts",
    "batcher.ts",
    "batcher_stats.ts",
    "batchers.ts",
  ],
  "server/calls": [
    "access_check.ts",
    "audit.ts",
    "call.ts",
    "call_log.ts",
    "call_rate_limit.ts",
    "call_recorder.ts",
    "call_tracing.ts",
    "core_params.ts",
    "dispatcher.ts",
    "failure_kind.ts",
    "failure_text.ts",
    "handler_context.ts",
    "intake.ts",
    "method_table.ts",
    "middleware.ts",
    "notifications.ts",
    "outside_errors.ts",
    "params.ts",
    "recent_trouble.ts",
    "reply.ts",
    "sdk_request.ts",
  ],
  "server/catalog": [
    "cache_hint.ts",
    "capabilities.ts",
    "catalog.ts",
    "catalog_methods.ts",
    "catalog_options.ts",
    "check_handler.ts",
    "collection.ts",
    "completable.ts",
    "handler_cache.ts",
    "idempotency.ts",
    "idempotency_key.ts",
    "listing.ts",
    "prompt.ts",
    "registration.ts",
    "resource.ts",
    "resource_access.ts",
    "resource_source.ts",
    "resource_template.ts",
    "resource_uri.ts",
    "tool.ts",
    "tool_config.ts",
    "tool_result.ts",
    "tool_worker.ts",
  ],
  "server/eras": [
    "era_codec.ts",
    "legacy_era.ts",
    "modern_era.ts",
    "ready_json.ts",
    "request_meta.ts",
    "result_text.ts",
  ],
  "server/questions": [
    "client_question.ts",
    "input_required.ts",
    "inquiry.ts",
    "request_state.ts",
    "rounds.ts",
    "wrong_answer.ts",
  ],
  "server/sessions": [
    "followed_resources.ts",
    "redis_session_store.ts",
    "session.ts",
    "session_keeper.ts",
    "session_methods.ts",
    "session_store.ts",
  ],
  "server/changes": [
    "change_notices.ts",
    "cluster_notices.ts",
    "subscriptions.ts",
  ],
  "server/tasks": [
    "redis_task_store.ts",
    "stored_task.ts",
    "task.ts",
    "task_leases.ts",
    "task_store.ts",
    "tasks_extension.ts",
  ],
  "server/skills": [
    "registered_skill.ts",
    "registered_skills.ts",
    "skill.ts",
    "skill_catalog.ts",
    "skill_errors.ts",
    "skill_file.ts",
    "skill_uri.ts",
    "skills_extension.ts",
  ],
  "server/lifecycle": [
    "closing.ts",
    "lifespan.ts",
    "readiness.ts",
  ],
  "server/admission": [
    "admission.ts",
    "admission_options.ts",
  ],
  "server/identity": [
    "access_errors.ts",
    "account.ts",
    "caller.ts",
    "callers.ts",
    "guard.ts",
  ],
  transport: [
    "direct_call.ts",
    "http/bodies.ts",
    "http/event_streams.ts",
    "http/host_gate.ts",
    "http/http_options.ts",
    "http/http_transport.ts",
    "http/last_on_connection.ts",
    "http/legacy/event_store.ts",
    "http/legacy/legacy_endpoint.ts",
    "http/legacy/live_sessions.ts",
    "http/trusted_proxies.ts",
    "sdk_transport.ts",
    "stdio.ts",
  ],
  "transport/http": [
    "bodies.ts",
    "event_streams.ts",
    "host_gate.ts",
    "http_options.ts",
    "http_transport.ts",
    "last_on_connection.ts",
    "legacy/event_store.ts",
    "legacy/legacy_endpoint.ts",
    "legacy/live_sessions.ts",
    "trusted_proxies.ts",
  ],
  "transport/http/legacy": [
    "event_store.ts",
    "guarded_event_store.ts",
    "http_sse_pair.ts",
    "legacy_endpoint.ts",
    "legacy_refusals.ts",
    "live_sessions.ts",
    "redis_event_store.ts",
    "session_visit.ts",
    "shared_session.ts",
  ],
  admin: [
    "admin_routes.ts",
    "metrics/metrics_route.ts",
    "metrics/server_metrics.ts",
    "metrics/shared_metrics.ts",
    "operator_desk.ts",
    "operator_gate.ts",
    "operator_pages.ts",
    "operator_request.ts",
    "operator_source.ts",
    "server_snapshot.ts",
    "workers/all_workers.ts",
  ],
  "admin/dashboard": [
    "dashboard.ts",
    "dashboard_feed.ts",
  ],
  host: [
    "files.ts",
    "low_level_server.ts",
    "mcp_server.ts",
    "message_handlers.ts",
    "own_handlers.ts",
    "registrations.ts",
    "serve_options.ts",
    "server_options.ts",
    "skill_directory.ts",
    "v1_registrations.ts",
    "v1_tasks.ts",
    "workers/workers_setting.ts",
  ],
  auth: [
    "api_keys.ts",
    "auth_refusal.ts",
    "authenticator.ts",
    "challenges.ts",
    "http_auth.ts",
    "oauth/introspection.ts",
    "oauth/oauth.ts",
    "oauth/oauth_options.ts",
    "outgoing/issued_tokens.ts",
    "outgoing/outgoing_tokens.ts",
    "protected_resource.ts",
    "revocation.ts",
  ],
  cluster: [
    "bus.ts",
    "cluster.ts",
    "memory_bus.ts",
    "process_link.ts",
    "remote_store.ts",
    "shared_key.ts",
    "shared_redis.ts",
    "timely_link.ts",
    "worker_bus.ts",
    "worker_hub.ts",
  ],
};

const MAX_LINES = 400;

/** Where a message's era is found out. */
const ERA_FILES = ["protocol/incoming.ts"];

const SOURCE = new URL("../../src/", import.meta.url);

const house = await readHouse(
  SOURCE,
  ["../mod.ts", "../main.ts"],
);

function hold(faults: string[]): void {
  assert.equal(faults.length, 0, "\n" + faults.join("\n"));
}

Deno.test("the house: imports go down the floors", () => {
  hold(floorFaults(house, FLOORS));
});

Deno.test("the house: no file imports itself by way of others", () => {
  hold(circles(house));
});

Deno.test("the house: rooms are entered by their doors", () => {
  hold(doorFaults(house, DOORS));
  hold(unusedDoors(house, DOORS));
});

Deno.test("the house: no file is too long", () => {
  hold(longFiles(house, MAX_LINES));
});

Deno.test("the house: every file has a name of its own", () => {
  hold(twinNames(house));
});

Deno.test("the house: only the codecs know how the eras differ", async () => {
  const compared: string[] = [];
  for (const path of house.keys()) {
    const text = await Deno.readTextFile(new URL(path, SOURCE));
    const compares =
      /[!=]==\s*"(?:modern|legacy)"|"(?:modern|legacy)"\s*[!=]==/;
    if (compares.test(text) && !ERA_FILES.includes(path)) compared.push(path);
  }
  hold(
    compared.map((path) =>
      `${path} compares eras: give what differs to EraCodec`
    ),
  );
});

Deno.test("the house: the package's deno.json has no package that only a bench, an example or a test imports", async () => {
  const unused = new Set(Object.keys(config.imports));
  for (const path of house.keys()) {
    const text = await Deno.readTextFile(new URL(path, SOURCE));
    for (const name of unused) {
      if (text.includes(`"${name}"`) || text.includes(`"${name}/`)) {
        unused.delete(name);
      }
    }
  }
  hold(
    [...unused].map((name) =>
      `nothing in src/ imports ${name}: give it to the deno.json beside who does`
    ),
  );
});
