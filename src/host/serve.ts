import { waitAtMost } from "../base/deadline.ts";
import { ClosedError, SlowClientError } from "../base/errors.ts";
import { reportFailure } from "../observe/log/logger.ts";
import { LAST_MS } from "../server/lifecycle/closing.ts";
import { drain, quiet } from "./drain.ts";
import { ENDING_BUT_HANGUP, EndSignal, onHangup } from "./end_signal.ts";
import { endpointUrl, listenFailure } from "./listening.ts";
import {
  type ResolvedServeOptions,
  resolveServeOptions,
  type RunningServer,
  type ServeOptions,
} from "./serve_options.ts";
import type { ThisWorker } from "./workers/this_worker.ts";
import { type ServerParts, watch } from "./server_parts.ts";
import type { NetworkPeer } from "../base/network_peer.ts";
import type { HttpHost } from "./http_host.ts";
import { LastingListener } from "./lasting_listener.ts";
import type { OperatorAddress } from "./operators/operator_messages.ts";
import type { OperatorThread } from "./operators/operator_thread.ts";

/** Time that connections have to close when calls have taken all of the grace. */
const MIN_DRAINED_MS = 100;

/** Serves in this process, or in workers of its own. @throws {InvalidOptionError} */
export async function serveHttp(
  parts: ServerParts,
  host: HttpHost,
  options: ServeOptions,
): Promise<RunningServer> {
  const settings = resolveServeOptions(options);
  const { workers, operatorPort } = settings;
  if (workers === undefined) return await serveHere(parts, host, settings);
  if (parts.worker === undefined) {
    const { serveByWorkers } = await import("./workers/serve_by_workers.ts");
    return await serveByWorkers(parts, host, { ...settings, workers });
  }
  // Operators have their port with the supervisor.
  if (operatorPort !== undefined) host.admin.moveAway();
  return await serveHere(parts, host, {
    ...settings,
    port: parts.worker.port,
    operatorPort: undefined,
  }, parts.worker);
}

/**
 * Opens the lifespan, listens, and ends in good order.
 *
 * @param worker set if the port is shared with others
 */
async function serveHere(
  parts: ServerParts,
  host: HttpHost,
  settings: ResolvedServeOptions,
  worker?: ThisWorker,
): Promise<RunningServer> {
  const { log, info: { name } } = parts;
  await using begun = new AsyncDisposableStack();
  const isWorker = worker !== undefined;
  const endSignal = begun.use(
    new EndSignal(settings, isWorker ? ENDING_BUT_HANGUP : undefined),
  );
  // It is for the supervisor, and may reach all.
  if (isWorker) begun.use(onHangup(settings.signals, () => {}));
  const operators = settings.operatorPort === undefined ? undefined : begun.use(
    await openOperators(parts, host, {
      ...settings,
      port: settings.operatorPort,
    }),
  );
  const listener = await startOrTell(
    parts,
    endSignal,
    () =>
      new LastingListener({
        listen: (port) => listen(parts, host, { ...settings, port }, isWorker),
        log: parts.quietLog,
        clock: parts.clock,
      }, settings.port),
  );
  const { hostname, port } = listener.addr;
  host.transport.listensOn(settings.hostname);
  if (operators !== undefined) host.admin.moveAway();
  const opened = begun.move();
  const url = endpointUrl(settings.tls !== undefined, hostname, port, host);
  const over = Promise.withResolvers<void>();
  let ending: Promise<void> | undefined;
  const end = async (drainMs: number) => {
    // The signal that its supervisor ends for may have been sent to a worker as well.
    if (!isWorker) endSignal[Symbol.dispose]();
    await leave(parts, drainMs);
    // Where others take what comes to the port from now on, nobody is turned away.
    if (isWorker) await quiet(() => host.lateArrivals);
    await close(parts, host, listener, {
      ...settings,
      turnsAway: !isWorker,
    });
    await opened.disposeAsync();
  };
  const shutdown = (drainMs = settings.drainMs) =>
    ending ??= end(drainMs).finally(over.resolve);
  // Nobody is served yet where it has come already.
  const drainMs = endSignal.hasCome ? 0 : settings.drainMs;
  endSignal.whenCome(() => void shutdown(drainMs));
  try {
    if (settings.onListen === undefined) {
      log.info(`${name} listens`, {
        url,
        ...(operators && { operatorPort: operators.port }),
      });
    } else settings.onListen({ hostname, port });
    watch(parts);
    host.admin.start();
    worker?.serve({
      desk: host.desk,
      end: (drainMs) => void shutdown(drainMs),
      finished: over.promise,
      endsWithinMs: settings.graceMs + LAST_MS,
    });
  } catch (error) {
    reportFailure(log, `starting ${name}`, error);
    await shutdown(0); // nobody knows of it yet
    throw error;
  }
  return {
    hostname,
    port,
    operatorPort: operators?.port,
    url,
    finished: Promise.race([listener.finished, over.promise]).then(() =>
      ending
    ),
    shutdown: () => shutdown(),
    [Symbol.asyncDispose]: () => shutdown(),
  };
}

/** @throws {Deno.errors.AddrInUse} naming the address */
function listen(
  { quietLog }: ServerParts,
  host: HttpHost,
  { hostname, port, tls }: ResolvedServeOptions,
  reusePort: boolean,
): Deno.HttpServer<Deno.NetAddr> {
  const handler: Deno.ServeHandler<Deno.NetAddr> = (request, info) =>
    host.fetch(request, undefined, info as NetworkPeer);
  try {
    return Deno.serve({
      port,
      hostname,
      reusePort,
      ...tls,
      onListen: () => {}, // what it threw would leave the listener open
      onError: (error) => {
        // A body that the shutdown breaks off is no fault, and of a slow client
        // the log has been told.
        if (
          !(error instanceof ClosedError || error instanceof SlowClientError)
        ) {
          reportFailure(quietLog, "HTTP request", error);
        }
        return new Response("Internal Server Error", { status: 500 });
      },
    }, handler);
  } catch (error) {
    throw listenFailure(error, { hostname, port });
  }
}

/** Before all else: what is opened can be watched. */
async function openOperators(
  { info, log, quietLog }: ServerParts,
  { desk, operatorSetup: setup }: HttpHost,
  address: OperatorAddress,
): Promise<OperatorThread> {
  try {
    const { OperatorThread } = await import("./operators/operator_thread.ts");
    return await OperatorThread.open({
      ...address,
      desk,
      setup,
      log: quietLog,
    });
  } catch (error) {
    reportFailure(log, `starting ${info.name}`, error);
    throw error;
  }
}

/** Has requests go elsewhere, and says so. */
async function leave(
  { clock, log, readiness, info: { name } }: ServerParts,
  drainMs: number,
): Promise<void> {
  if (drainMs > 0) {
    log.info(`${name} serves on while it is drained`, { drainMs });
  }
  await drain(readiness, drainMs, clock);
}

/**
 * Closes the server and its listener, in the time that calls have to finish and a
 * second.
 */
async function close(
  { clock, closing, dispatcher, log, info: { name } }: ServerParts,
  host: HttpHost,
  listener: LastingListener,
  { graceMs, turnsAway }: { graceMs: number; turnsAway: boolean },
): Promise<void> {
  log.info(`${name} shuts down`, { inFlight: dispatcher.inFlight, graceMs });
  // Streams must end first: the listener waits for them.
  await host.admin.close();
  const endsAt = clock.now() + graceMs + LAST_MS;
  const closed = closing.close(graceMs);
  if (turnsAway) await quiet(() => host.lateArrivals);
  const drained = listener.shutdown();
  await closed;
  host.transport.close();
  // It waits for requests that are still being sent, too, and those may never end.
  const leftMs = Math.max(MIN_DRAINED_MS, endsAt - clock.now());
  if (!await waitAtMost(drained, leftMs)) {
    log.warning(
      `${name} leaves connections behind on which requests have not ended: ` +
        "they keep the process alive until it exits",
    );
  }
  listener.unref();
  log.info(`${name} is closed`);
}

/** Opens the lifespan and begins to serve; the log has what stands in the way. */
export async function startOrTell<Result>(
  { info, lifespan, log }: Pick<ServerParts, "info" | "lifespan" | "log">,
  endSignal: EndSignal,
  begin: () => Result,
): Promise<Result> {
  endSignal.whenCome(() => {
    if (!lifespan.ready) log.info(`${info.name} ends once it has opened`);
  });
  try {
    await lifespan.start();
    return begin();
  } catch (error) {
    reportFailure(log, `starting ${info.name}`, error);
    throw error;
  }
}
