import { SharedRoom } from "../base/shared_room.ts";
import { SharedKey } from "../cluster/shared_key.ts";
import type { JsonObject } from "../protocol/jsonrpc.ts";
import { metaKey } from "../protocol/revision.ts";
import type { AuthInfo, Implementation } from "../protocol/types.ts";
import { demandScopes } from "../server/calls/access_check.ts";
import { Audit } from "../server/calls/audit.ts";
import { Admission } from "../server/admission/admission.ts";
import { UNBOUNDED } from "../server/admission/admission_options.ts";
import type { Call, CallHost } from "../server/calls/call.ts";
import { CallLog } from "../server/calls/call_log.ts";
import {
  CallRateLimit,
  type RateLimitOptions,
} from "../server/calls/call_rate_limit.ts";
import { CallRecorder } from "../server/calls/call_recorder.ts";
import { Dispatcher } from "../server/calls/dispatcher.ts";
import { HandlerContext } from "../server/calls/handler_context.ts";
import { Intake } from "../server/calls/intake.ts";
import { type Method, MethodTable } from "../server/calls/method_table.ts";
import { Notifications } from "../server/calls/notifications.ts";
import { OutsideErrors } from "../server/calls/outside_errors.ts";
import { Capabilities, wantsTasks } from "../server/catalog/capabilities.ts";
import { Catalog } from "../server/catalog/catalog.ts";
import { catalogMethods } from "../server/catalog/catalog_methods.ts";
import { ChangeNotices } from "../server/changes/change_notices.ts";
import { ClusterNotices } from "../server/changes/cluster_notices.ts";
import {
  FILTER_FIELDS,
  Subscriptions,
} from "../server/changes/subscriptions.ts";
import { LegacyEra } from "../server/eras/legacy_era.ts";
import { ModernEra } from "../server/eras/modern_era.ts";
import type { Extension } from "../server/extension.ts";
import { checkNames } from "../server/extension_check.ts";
import { lend } from "../server/extension_host.ts";
import { aroundOf } from "../server/extension_hooks.ts";
import { Closing } from "../server/lifecycle/closing.ts";
import { Lifespan, tellingIfSlow } from "../server/lifecycle/lifespan.ts";
import { Readiness } from "../server/lifecycle/readiness.ts";
import { Callers } from "../server/identity/callers.ts";
import { Inquiry } from "../server/questions/inquiry.ts";
import { StateSealer } from "../server/questions/request_state.ts";
import type { Session } from "../server/sessions/session.ts";
import { sessionMethods } from "../server/sessions/session_methods.ts";
import { SkillsExtension } from "../server/skills/skills_extension.ts";
import { TasksExtension } from "../server/tasks/tasks_extension.ts";
import { serverFigures } from "../server/server_figures.ts";
import { makeObserved, makeTracing, makeWatchdog } from "./make_observed.ts";
import { makeShared } from "./make_shared.ts";
import { type ResolvedOptions, stateKeys } from "./resolved_options.ts";

import type { ServerParts } from "./server_parts.ts";
import { thisWorker } from "./workers/this_worker.ts";

/** Characters kept for clients, of their sessions and of what they follow. */
const MAX_KEPT = 64 * 1024 * 1024;

/**
 * Makes a server's parts, each after those that it stands on.
 *
 * @throws {InvalidOptionError} naming the option
 */
export function makeParts(
  info: Implementation,
  options: ResolvedOptions,
): ServerParts {
  const { clock } = options;
  const resources = new AsyncDisposableStack();
  const disposeLater = (resource: AsyncDisposable) => {
    resources.use(resource);
  };

  const worker = thisWorker();

  // What the operator sees.
  const { log, quietLog, trouble, metrics, health } = makeObserved(
    info.version,
    options,
    worker,
  );

  // What opens before the first call, and closes after the last.
  const lifespan = new Lifespan(
    options.lifespan && tellingIfSlow(options.lifespan, { ...options, log }),
    (value) => health.adopt(value),
  );
  const readiness = new Readiness({ clock, lifespan, log });
  if (options.lifespan) health.adopt({ lifespan: readiness });

  // What this process shares with the others of the server.
  const sharing = {
    ...{ name: info.name, clock, log, quietLog, worker, disposeLater },
  };
  const { redis, cluster, sessionStore, inOrder, taskStore, stores } =
    makeShared(options, sharing);
  if (redis !== undefined) health.adopt({ redis });
  const serves = () => lifespan.started || dispatcher.used;
  const relay = cluster && new ClusterNotices({ cluster, clock });
  if (relay !== undefined) disposeLater(relay);

  // Who is told of changes, and what there is to offer.
  const sessions = new Set<Session>();
  const room = new SharedRoom(MAX_KEPT);
  const serverMeta: JsonObject = options.identifyInResults
    ? { [metaKey.serverInfo]: { name: info.name, version: info.version } }
    : {};
  const subscriptions = new Subscriptions({
    maxOpen: options.maxSubscriptions,
    room,
    serverMeta,
    requireHearing: cluster && (() => cluster.requireHearing()),
  });
  const changes = new ChangeNotices({
    subscriptions,
    sessions,
    declared: {
      announces: (kind) => capabilities.announces(kind),
      subscribes: () => capabilities.subscribes,
      formsOf: (uri) => catalog.resources.formsOf(uri),
    },
    current: (topic, key) => tasks.current(topic, key),
    relay,
    serves,
  });
  const limitRate = (what: string, limit: RateLimitOptions) =>
    new CallRateLimit(what, limit, {
      clock,
      log: quietLog,
      name: info.name,
      store: stores.rateLimits?.(),
    });
  relay?.attach(changes);
  const admission = new Admission(options.admission, clock, quietLog);
  const catalog: Catalog = new Catalog({
    clock,
    admission,
    pageSize: options.pageSize,
    scopes: options.scopes,
    hints: options.cacheHints,
    lifespan,
    verifyState: options.requestState.verify,
    changed: (kind) => changes.listChanged(kind),
    warn: (message) => log.warning(message),
    limitRate,
    outcomes: stores.outcomes,
    disposeLater,
  });

  // What goes beyond the core of MCP.
  const callers = new Callers(options);
  const identify = (authInfo: AuthInfo | undefined) =>
    callers.identify(authInfo);
  const tasks: TasksExtension = new TasksExtension({
    ...options.tasks,
    store: taskStore,
    clock,
    identify,
    closing: () => readiness.closing,
    active: wantsTasks(options.capabilities),
    replicas: cluster && {
      cluster,
      serves,
      tool: (name) => catalog.tools.slots.get(name)?.item,
      open: ({ method, params }, reply) =>
        intake.open({
          message: { kind: "request", era: "modern", id: 0, method, params },
          ...{ reply, session: undefined, bytes: 0 },
        }),
      dispatch: (call) => dispatcher.dispatch(call),
    },
  });
  const skills = new SkillsExtension(catalog.skills);
  const extensions: readonly Extension[] = [
    tasks,
    skills,
    ...options.extensions,
  ];
  const capabilities: Capabilities = new Capabilities(
    {
      ...options,
      info,
      revisions: options.supportedProtocolVersions,
      discoveryHint: options.cacheHints["server/discover"],
    },
    catalog,
    extensions,
    (method) => methods.custom.has(method),
  );

  // What clients may call, and what is kept of it.
  const mayFollow = (uri: string, call: Call) =>
    catalog.resources.mayFollow(uri, call);
  const shared = catalogMethods(catalog, capabilities, extensions);
  const methods: MethodTable = new MethodTable({
    modern: new Map(Object.entries<Method>({
      ...shared,
      "server/discover": () => capabilities.discovery(),
      "subscriptions/listen": subscriptions.method({
        offers: (kind) =>
          capabilities.offers(kind) && capabilities.announces(kind),
        subscribes: () =>
          capabilities.offers("resources") && capabilities.subscribes,
        mayFollow,
        extensions,
      }),
    })),
    legacy: new Map(Object.entries<Method>({
      ...shared,
      ...sessionMethods({
        info,
        instructions: options.instructions,
        capabilities,
        mayFollow,
        revisions: options.supportedProtocolVersions,
      }),
    })),
  }, extensions);
  checkNames(options.extensions, {
    // A first skill may come at any time.
    extensions: tasks.active ? [tasks, skills] : [skills],
    methods: methods.coreNames,
    topics: FILTER_FIELDS,
  });
  const callLog = new CallLog({
    log: quietLog,
    slowMs: options.slowMs,
    hasTool: (name) => catalog.has("tools", name),
    trouble,
  });
  const recorder = options.metrics
    ? new CallRecorder({ clock, log: callLog, methods })
    : undefined;
  const tracing = makeTracing(options, {
    clock,
    words: {
      hasMethod: (method) => methods.knows(method),
      has: (kind, name) => catalog.has(kind, name),
    },
  });

  // The way of a call: in, through its method, and out.
  const audit = options.audit &&
    new Audit(options.audit, { clock, log: quietLog });
  if (audit !== undefined) disposeLater(audit);
  const dispatcher: Dispatcher = new Dispatcher({
    methods,
    admission: options.admission === UNBOUNDED ? undefined : admission,
    lifespan,
    log: callLog,
    checkAccess: options.scopes.length === 0
      ? undefined
      : (call) => demandScopes(call, options.scopes, catalog),
    rateLimit: options.rateLimit === undefined
      ? undefined
      : limitRate("server", options.rateLimit),
    maskErrors: options.maskErrors,
    revealUrls: options.revealUrls,
    maxResultBytes: options.maxResultBytes,
    audit,
    recorder,
    tracing,
  });
  const stateKey = redis && cluster && new SharedKey(redis, cluster, {
    name: "request-state-key",
    onChange: () => sealer.renewKey(),
  });
  const sealer = new StateSealer(
    stateKeys(options),
    options.requestState.ttlMs,
    { makeKey: stateKey && (() => stateKey.read()) },
  );
  const host: CallHost = {
    clock,
    home: catalog,
    sealer,
    identify,
    callerOf: (authInfo) => callers.of(authInfo),
    maskErrors: options.maskErrors,
    revealUrls: options.revealUrls,
    logs: () => capabilities.logs,
    makeContext: (call, owner) => new HandlerContext(call, owner),
    turn: (line, call, timeoutMs) => admission.turn(line, call, timeoutMs),
    inquire: (call) => {
      admission.expectAnswers();
      return new Inquiry(call);
    },
    runAsTask: (call, work, terms) => tasks.start(call, work, terms),
    report: (what, error, call) => callLog.failed(what, error, call),
    logFields: (call) => callLog.fields(call),
    enter: (call, work) => dispatcher.enter(call, work),
    settle: (call, text) => dispatcher.settle(call, text),
    cancelled: (call) => dispatcher.cancelled(call),
  };
  const outside = new OutsideErrors(quietLog);
  const notifications = new Notifications((what, error) =>
    outside.report(what, error)
  );
  const intake: Intake = new Intake({
    clock,
    eras: {
      legacy: new LegacyEra(),
      modern: new ModernEra(serverMeta, options.supportedProtocolVersions),
    },
    host,
    dispatcher,
    notifications,
    sessions,
    room,
    limits: {
      maxDepth: options.maxDepth,
      maxElements: options.maxToolInputElements,
    },
    revisions: options.supportedProtocolVersions,
    unexpected: (what) => outside.mention(new Error(what)),
    sessionEnded: (session) => tracing?.sessionEnded(session),
  });
  const watchdog = makeWatchdog(options, {
    inProgress: () => dispatcher.inProgress(),
    handlerOf: (name) => catalog.handlerNamed(name),
    log,
  });

  for (const extension of extensions) {
    extension.attach?.(lend(extension, { clock, log, changes }));
    const around = aroundOf(extension);
    if (around !== undefined) dispatcher.use(around);
  }
  if (tracing !== undefined) {
    disposeLater(tracing);
    tracing.exportFigures(() => [
      ...serverFigures({
        info,
        dispatcher,
        admission,
        sessions,
        subscriptions,
        tasks,
        watchdog,
      }),
      ...metrics.figures,
    ]);
  }
  const closing = new Closing({
    info,
    clock,
    log,
    readiness,
    subscriptions,
    health,
    tasks,
    admission,
    dispatcher,
    sessions,
    intake,
    watchdog,
    extensions,
    resources,
    lifespan,
  });
  return {
    worker,
    info,
    options,
    clock,
    log,
    quietLog,
    trouble,
    metrics,
    health,
    lifespan,
    readiness,
    catalog,
    capabilities,
    methods,
    sessions,
    subscriptions,
    changes,
    tasks,
    notifications,
    outside,
    recorder,
    admission,
    watchdog,
    tracing,
    dispatcher,
    intake,
    sharing: cluster && sessionStore && {
      cluster,
      store: sessionStore,
      inOrder,
      redis,
      catchUp: (session) => changes.catchUpOne(session),
    },
    closing,
  };
}
