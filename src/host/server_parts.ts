import { type Clock, systemClock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import { quote } from "../base/options.ts";
import type { HealthChecks } from "../observe/health/health_checks.ts";
import type { Logger } from "../observe/log/logger.ts";
import type { QuietLog } from "../observe/log/quiet_log.ts";
import type { Metrics } from "../observe/metrics/metrics.ts";
import type { Admission } from "../server/admission/admission.ts";
import type { Watchdog } from "../observe/watch/watchdog.ts";
import type { Implementation } from "../protocol/types.ts";
import type { CallRecorder } from "../server/calls/call_recorder.ts";
import type { CallTracing } from "../server/calls/call_tracing.ts";
import type { Dispatcher } from "../server/calls/dispatcher.ts";
import type { Intake } from "../server/calls/intake.ts";
import type { MethodTable } from "../server/calls/method_table.ts";
import type { RecentTrouble } from "../server/calls/recent_trouble.ts";
import type { Notifications } from "../server/calls/notifications.ts";
import type { OutsideErrors } from "../server/calls/outside_errors.ts";
import type { Capabilities } from "../server/catalog/capabilities.ts";
import type { Catalog } from "../server/catalog/catalog.ts";
import type { ChangeNotices } from "../server/changes/change_notices.ts";
import type { Subscriptions } from "../server/changes/subscriptions.ts";
import type { Closing } from "../server/lifecycle/closing.ts";
import type { Lifespan } from "../server/lifecycle/lifespan.ts";
import type { Readiness } from "../server/lifecycle/readiness.ts";
import type { RedisSpace } from "../cluster/shared_redis.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { SessionStore } from "../server/sessions/session_store.ts";
import type { Session } from "../server/sessions/session.ts";
import type { TasksExtension } from "../server/tasks/tasks_extension.ts";
import type { ResolvedOptions } from "./resolved_options.ts";
import type { ThisWorker } from "./workers/this_worker.ts";

/** Way to the sessions that the server's processes share. */
export interface Sharing {
  readonly cluster: Cluster;
  readonly store: SessionStore;
  /** True if what is said once the store is asked to keep something comes after it. */
  readonly inOrder: boolean;
  readonly redis: RedisSpace | undefined;
  /** Makes up for notices that a client may have missed. */
  catchUp(session: Session): void;
}

/**
 * The parts of one server, as `makeParts` puts them together. Only the
 * host sees them all; each part was given what it needs of the others.
 */
export interface ServerParts {
  /** This process, if it is one of those that serve together. */
  readonly worker: ThisWorker | undefined;
  readonly info: Implementation;
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes what may come again and again. */
  readonly quietLog: QuietLog;
  /** The last calls that failed or were slow. */
  readonly trouble: RecentTrouble;
  /** Metrics of the author's own, and the text of all. */
  readonly metrics: Metrics;
  readonly health: HealthChecks;
  readonly lifespan: Lifespan;
  readonly readiness: Readiness;
  readonly catalog: Catalog;
  readonly capabilities: Capabilities;
  readonly methods: MethodTable;
  /** The sessions of legacy clients, whatever their transport. */
  readonly sessions: ReadonlySet<Session>;
  readonly subscriptions: Subscriptions;
  readonly changes: ChangeNotices;
  readonly tasks: TasksExtension;
  readonly notifications: Notifications;
  readonly outside: OutsideErrors;
  readonly recorder: CallRecorder | undefined;
  readonly admission: Admission;
  readonly watchdog: Watchdog | undefined;
  readonly tracing: CallTracing | undefined;
  readonly dispatcher: Dispatcher;
  readonly intake: Intake;
  /** `undefined` where this process is the whole server. */
  readonly sharing: Sharing | undefined;
  readonly closing: Closing;
}

/**
 * Shows another server's registrations here, under a prefix.
 *
 * @throws {InvalidOptionError} if that would be a server within itself
 */
export function mountParts(
  parts: ServerParts,
  prefix: string,
  other: ServerParts,
): void {
  if (other === parts || other.lifespan.mounts(parts.lifespan)) {
    throw new InvalidOptionError(
      `a server can't be mounted into itself, got prefix ${quote(prefix)}`,
    );
  }
  parts.catalog.mount(prefix, other.catalog);
  parts.health.mount(prefix, other.health);
  parts.lifespan.mount(other.lifespan);
  parts.closing.mount(other.closing);
}

/** Looks after the event loop from now on, until the server is closed. */
export function watch(
  { recorder, watchdog, admission, clock }: ServerParts,
): void {
  // Only real time shows what the event loop is late for.
  if (clock === systemClock) admission.watch();
  if (recorder === undefined || watchdog === undefined) return;
  recorder.watchdog = watchdog;
  watchdog.start();
}
