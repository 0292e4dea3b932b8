import { waitAtMost } from "../base/deadline.ts";
import {
  ClosedError,
  InvalidOptionError,
  SlowClientError,
} from "../base/errors.ts";
import {
  checkDurationMs,
  checkFlag,
  checkFunction,
  checkInteger,
  checkName,
  checkSignal,
  quote,
} from "../base/options.ts";
import { reportFailure } from "../observe/log/logger.ts";
import { DEFAULT_GRACE_MS, LAST_MS } from "../server/lifecycle/closing.ts";
import { drain, quiet } from "./drain.ts";
import { endOn } from "./end_on.ts";
import { type ServerParts, watch } from "./server_parts.ts";
import type { NetworkPeer } from "../base/network_peer.ts";
import type { HttpHost } from "./http_host.ts";
import type { OperatorAddress } from "./operators/operator_messages.ts";
import type { OperatorThread } from "./operators/operator_thread.ts";

/** Time that connections have to close when calls have taken all of the grace. */
const MIN_DRAINED_MS = 100;

/** Nobody but this machine, unless it is asked for. */
const DEFAULT_HOSTNAME = "127.0.0.1";

/** Settings for where and how to listen. */
export interface ServeOptions {
  /**
   * 0 takes any free port.
   * @default 8000
   */
  port?: number;
  /**
   * The address to listen on; `0.0.0.0` for all of IPv4.
   * @default "127.0.0.1"
   */
  hostname?: string;
  /**
   * Serve operators on this port of the same address, from a thread of its own,
   * so that they are answered while the event loop is blocked: `/health`, and
   * `/metrics`, `/dashboard` and `/debug`, which `port` has no longer. 0 takes
   * any free port.
   * @default they are served on `port`
   */
  operatorPort?: number;
  /**
   * End in good order on SIGINT, SIGTERM and SIGHUP; a second one ends the
   * process itself.
   * @default true
   */
  signals?: boolean;
  /**
   * Milliseconds that requests in flight have to finish on shutdown. What has not
   * ended a second later is named in the log and left behind.
   * @default 10000
   */
  graceMs?: number;
  /**
   * Milliseconds of a shutdown in which requests are still served while
   * `/health/ready` says no already, so that load balancers look away first. Every
   * answer ends its connection then, and in the last tenth, or the last second
   * if that is shorter, new work is refused with 503 and `Retry-After`. `graceMs`
   * begins after them.
   * @default 0
   */
  drainMs?: number;
  /** Ends the server in good order when it aborts. */
  signal?: AbortSignal;
  /** Certificate chain and key in PEM, for HTTPS. */
  tls?: { cert: string; key: string };
  /** Called once it listens; by default a line of the log says where. */
  onListen?: (address: { hostname: string; port: number }) => void;
}

/** A server that listens. */
export interface RunningServer extends AsyncDisposable {
  /** The address it listens on. */
  readonly hostname: string;
  /** The port it listens on. */
  readonly port: number;
  /** The port that operators have of their own, if they have one. */
  readonly operatorPort: number | undefined;
  /** The URL of the MCP endpoint. */
  readonly url: string;
  /** Resolves when the server has ended. */
  readonly finished: Promise<void>;
  /** Ends in good order: see {@linkcode McpServer.close}. */
  shutdown(): Promise<void>;
}

/** Opens the lifespan, listens, and ends in good order. @throws {InvalidOptionError} */
export async function serveHttp(
  parts: ServerParts,
  host: HttpHost,
  options: ServeOptions,
): Promise<RunningServer> {
  const settings = resolve(options);
  const { log, info: { name } } = parts;
  await using begun = new AsyncDisposableStack();
  const operators = settings.operatorPort === undefined ? undefined : begun.use(
    await openOperators(parts, host, {
      ...settings,
      port: settings.operatorPort,
    }),
  );
  const listener = await startOrTell(
    parts,
    () => listen(parts, host, settings),
  );
  const { hostname, port } = listener.addr;
  host.transport.listensOn(settings.hostname);
  if (operators !== undefined) host.admin.moveAway();
  const opened = begun.move();
  const url = endpointUrl(settings.tls !== undefined, hostname, port, host);
  const over = Promise.withResolvers<void>();
  let release = () => {};
  let ending: Promise<void> | undefined;
  const end = async (drainMs: number) => {
    release();
    await leave(parts, drainMs);
    await close(parts, host, listener, settings.graceMs);
    await opened.disposeAsync();
  };
  const shutdown = (drainMs = settings.drainMs) =>
    ending ??= end(drainMs).finally(over.resolve);
  try {
    release = endOn(settings.signals, settings.signal, () => void shutdown());
    if (settings.onListen === undefined) {
      log.info(`${name} listens`, {
        url,
        ...(operators && { operatorPort: operators.port }),
      });
    } else settings.onListen({ hostname, port });
    watch(parts);
    await host.admin.start();
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

type Settings = ReturnType<typeof resolve>;

type Listener = Deno.HttpServer<Deno.NetAddr>;

/** Checks the options and fills in their defaults. @throws {InvalidOptionError} */
function resolve({
  port = 8000,
  hostname = DEFAULT_HOSTNAME,
  operatorPort,
  signals = true,
  graceMs = DEFAULT_GRACE_MS,
  drainMs = 0,
  signal,
  tls,
  onListen,
}: ServeOptions) {
  checkTls(tls);
  return {
    port: checkInteger("port", port, 0, 65_535),
    hostname: checkName("hostname", hostname),
    operatorPort: checkOperatorPort(operatorPort, port),
    signals: checkFlag("signals", signals),
    graceMs: checkDurationMs("graceMs", graceMs),
    drainMs: checkDurationMs("drainMs", drainMs),
    signal: checkSignal("signal", signal),
    tls,
    onListen: checkFunction("onListen", onListen),
  };
}

function checkOperatorPort(
  operatorPort: number | undefined,
  port: number,
): number | undefined {
  if (operatorPort === undefined) return undefined;
  if (operatorPort === port && port !== 0) {
    throw new InvalidOptionError(
      `operatorPort must be another than port, got ${port} for both`,
    );
  }
  return checkInteger("operatorPort", operatorPort, 0, 65_535);
}

function checkTls(tls: ServeOptions["tls"]): void {
  if (tls === undefined) return;
  if (typeof tls?.cert === "string" && typeof tls.key === "string") return;
  throw new InvalidOptionError(
    `tls must have a cert and a key in PEM, got ${quote(tls)}`,
  );
}

/** @throws {Deno.errors.AddrInUse} naming the address */
function listen(
  { quietLog }: ServerParts,
  host: HttpHost,
  { hostname, port, tls }: Settings,
): Listener {
  const handler: Deno.ServeHandler<Deno.NetAddr> = (request, info) =>
    host.fetch(request, undefined, info as NetworkPeer);
  try {
    return Deno.serve({
      port,
      hostname,
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
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Deno.errors.AddrInUse(
      `${hostname}:${port} is in use by another program`,
      { cause: error },
    );
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

/** Closes the server and its listener, in the time that calls have to finish and a second. */
async function close(
  { clock, closing, dispatcher, log, info: { name } }: ServerParts,
  host: HttpHost,
  listener: Listener,
  graceMs: number,
): Promise<void> {
  log.info(`${name} shuts down`, { inFlight: dispatcher.inFlight, graceMs });
  // Streams must end first: the listener waits for them.
  await host.admin.close();
  const endsAt = clock.now() + graceMs + LAST_MS;
  const closed = closing.close(graceMs);
  await quiet(() => host.lateArrivals);
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
  begin: () => Result,
): Promise<Result> {
  try {
    await lifespan.start();
    return begin();
  } catch (error) {
    reportFailure(log, `starting ${info.name}`, error);
    throw error;
  }
}

function endpointUrl(
  secure: boolean,
  hostname: string,
  port: number,
  host: HttpHost,
): string {
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${secure ? "https" : "http"}://${name}:${port}${host.transport.path}`;
}
