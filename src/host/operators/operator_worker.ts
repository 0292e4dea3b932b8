/** The thread that serves operators while the main one may be blocked. */
import { parentPort, workerData } from "node:worker_threads";
import { AdminRoutes } from "../../admin/admin_routes.ts";
import { OperatorPages } from "../../admin/operator_pages.ts";
import {
  nothingForOperators,
  readOperatorRequest,
  refuseOperator,
} from "../../admin/operator_request.ts";
import { ServerSnapshot } from "../../admin/server_snapshot.ts";
import { sleep } from "../../base/abort.ts";
import { ClosedError } from "../../base/errors.ts";
import { isLoopback } from "../../base/loopback.ts";
import { thrownText } from "../../base/thrown.ts";
import { Logger, reportFailure } from "../../observe/log/logger.ts";
import { HostGate } from "../../transport/http/host_gate.ts";
import { TrustedProxies } from "../../transport/http/trusted_proxies.ts";
import { listenFailure } from "../listening.ts";
import { OperatorLine } from "./operator_line.ts";
import type {
  OperatorThreadData,
  ServerMessage,
  ThreadMessage,
} from "./operator_messages.ts";

/** Time that answers have to end when the thread does, in milliseconds. */
const LAST_WORDS_MS = 500;

/** What breaks answers off when the server closes: here an error has its message alone. */
const CLOSED = new ClosedError("the server").message;

const { setup, heartbeat, port, hostname, tls } =
  (workerData as OperatorThreadData).sluiceOperators;

const line = new OperatorLine(tell, heartbeat);
const log = new Logger((record) => tell({ record }), "debug");
const snapshot = new ServerSnapshot(line, setup.facts, { log });
const admin = new AdminRoutes(
  {
    server: snapshot,
    hosts: hostGate(),
    metrics: snapshot,
    pages: new OperatorPages(snapshot, snapshot.figures, setup.pages),
  },
  setup.isGuarded
    ? (request, address) => snapshot.authorize(request, address)
    : undefined,
);

const proxies = setup.trustedProxies === undefined
  ? undefined
  : new TrustedProxies(setup.trustedProxies);
const server = listen();
if (server !== undefined) {
  parentPort!.on("message", (message: ServerMessage) => {
    if (message === "close") void close(server);
    else line.take(message);
  });
  tell({ listening: server.addr.port });
  // The dashboard has nothing to begin with, unless it is asked for.
  if (setup.pages.dashboard) await snapshot.refresh().catch(() => {});
  admin.start();
}

/** Listens, or tells what stands in the way. */
function listen(): Deno.HttpServer<Deno.NetAddr> | undefined {
  try {
    return Deno.serve(
      { port, hostname, ...tls, onListen: () => {}, onError: failed },
      answer,
    );
  } catch (error) {
    const failure = listenFailure(error, { hostname, port });
    const inUse = error instanceof Deno.errors.AddrInUse;
    tell({ failure: thrownText(failure), inUse });
  }
}

function tell(message: ThreadMessage): void {
  parentPort!.postMessage(message);
}

function hostGate() {
  const { allowedHosts, publicUrl } = setup;
  const gate = new HostGate(
    { allowedHosts, allowedOrigins: new Set() },
    publicUrl === undefined ? undefined : new URL(publicUrl),
  );
  if (!isLoopback(hostname)) gate.openToAnyHost();
  return {
    allowsHost: (url: URL) => gate.allowsHost(url),
    forbidHost: ({ hostname }: URL) =>
      Response.json({
        error: `Host ${JSON.stringify(hostname)} is not allowed: ` +
          `name it in allowedHosts`,
      }, { status: 403 }),
  };
}

function answer(
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
): Response | Promise<Response> {
  const caller = proxies === undefined
    ? info
    : proxies.callerBehind(request, info);
  const url = readOperatorRequest(request, caller);
  if (url instanceof Response) return url;
  return admin.handle(request, url, caller) ?? nothingForOperators(url);
}

function failed(error: unknown): Response {
  if (thrownText(error) === CLOSED) {
    return refuseOperator(503, "the server closes");
  }
  reportFailure(log, "a request of an operator", error);
  return refuseOperator(500, "Internal error");
}

async function close(server: Deno.HttpServer): Promise<void> {
  await admin.close();
  await Promise.race([server.shutdown(), sleep(LAST_WORDS_MS)]);
  tell("closed");
}
