import { sleep } from "../base/abort.ts";
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
import { DEFAULT_GRACE_MS } from "../server/lifecycle/closing.ts";
import { type ServerParts, watch } from "./server_parts.ts";
import type { NetworkPeer } from "../base/network_peer.ts";
import type { HttpHost } from "./http_host.ts";
import { LastingListener } from "./lasting_listener.ts";
import type { OperatorAddress } from "./operators/operator_messages.ts";
import type { OperatorThread } from "./operators/operator_thread.ts";

/** Time that answers at the end of the grace have to reach their clients. */
const LAST_WORDS_MS = 1_000;

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
   * End in good order on SIGINT and SIGTERM.
   * @default true
   */
  signals?: boolean;
  /**
   * Milliseconds that requests in flight have to finish on shutdown.
   * @default 10000
   */
  graceMs?: number;
  /**
   * Milliseconds of a shutdown in which requests are still served while
   * `/health/ready` says no already, so that load balancers look away first. A
   * second signal cuts them short. `graceMs` begins after them.
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
  const {
    port,
    hostname,
    operatorPort,
    signals,
    graceMs,
    drainMs,
    signal,
    tls,
    onListen,
  } = resolve(options);
  const {
    clock,
    log,
    quietLog,
    info: { name },
    readiness,
    dispatcher,
    closing,
  } = parts;
  await using begun = new AsyncDisposableStack();
  const operators = operatorPort === undefined ? undefined : begun.use(
    await openOperators(parts, host, { port: operatorPort, hostname, tls }),
  );
  const listenAt = (port: number) =>
    listen({
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
    }, (request, info) => host.fetch(request, undefined, info as NetworkPeer));
  const listener = await startOrTell(
    parts,
    () => new LastingListener({ listen: listenAt, log: quietLog, clock }, port),
  );
  host.transport.listensOn(hostname);
  if (operators !== undefined) host.admin.moveAway();
  const opened = begun.move();
  const address = listener.addr;
  const url = endpointUrl(
    tls !== undefined,
    address.hostname,
    address.port,
    host,
  );
  const over = Promise.withResolvers<void>();
  let ending: Promise<void> | undefined;
  const hurry = new AbortController();
  let release = () => {};
  const shutdown = () =>
    ending ??= (async () => {
      readiness.drain();
      if (drainMs > 0) {
        log.info(`${name} serves on while it is drained`, { drainMs });
        await sleep(drainMs, { signal: hurry.signal, clock })
          .catch(() => {}); // it was told to hurry
      }
      release();
      const { inFlight } = dispatcher;
      log.info(`${name} shuts down`, { inFlight, graceMs });
      const overdue = Promise.withResolvers<void>();
      const timer = clock.setTimeout(
        overdue.resolve,
        graceMs + LAST_WORDS_MS,
      );
      // Streams must end first: the listener waits for them.
      await host.admin.close();
      const closed = closing.close(graceMs);
      const drained = listener.shutdown();
      await closed;
      host.transport.close();
      // It waits for requests that are still being sent, too, and those may never end.
      await Promise.race([drained, overdue.promise]);
      clock.clearTimeout(timer);
      listener.unref();
      await opened.disposeAsync();
      log.info(`${name} is closed`);
      over.resolve();
    })();
  try {
    if (onListen === undefined) {
      log.info(`${name} listens`, {
        url,
        ...(operators && { operatorPort: operators.port }),
      });
    } else onListen({ hostname: address.hostname, port: address.port });
    watch(parts);
    await host.admin.start();
    release = endOn(signals, signal, () => {
      if (ending !== undefined) hurry.abort();
      void shutdown();
    });
  } catch (error) {
    reportFailure(log, `starting ${name}`, error);
    hurry.abort();
    await shutdown();
    throw error;
  }
  return {
    hostname: address.hostname,
    port: address.port,
    operatorPort: operators?.port,
    url,
    finished: Promise.race([listener.finished, over.promise]).then(() =>
      ending
    ),
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}

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
  options: Deno.ServeTcpOptions,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve(options, handler);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Deno.errors.AddrInUse(
      `${options.hostname}:${options.port} is in use by another program`,
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

/**
 * Ends the server on a signal of either kind, in a moment if one has aborted
 * already; returns how to stop listening for them.
 */
export function endOn(
  signals: boolean,
  signal: AbortSignal | undefined,
  end: () => void,
): () => void {
  const names: Deno.Signal[] = signals ? ["SIGINT", "SIGTERM"] : [];
  for (const name of names) Deno.addSignalListener(name, end);
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted) queueMicrotask(end);
  return () => {
    for (const name of names) Deno.removeSignalListener(name, end);
    signal?.removeEventListener("abort", end);
  };
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
