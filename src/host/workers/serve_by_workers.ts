import { reportFailure } from "../../observe/log/logger.ts";
import { readEnv } from "../../base/env.ts";
import type { HttpHost } from "../http_host.ts";
import { LAST_MS } from "../../server/lifecycle/closing.ts";
import { ENDING_BUT_HANGUP, EndSignal, onHangup } from "../end_signal.ts";
import { endpointUrl, listenFailure } from "../listening.ts";
import type { ResolvedServeOptions, RunningServer } from "../serve_options.ts";
import type { ServerParts } from "../server_parts.ts";
import { REQUEST_STATE_KEY_VARIABLE } from "../../server/questions/request_state.ts";
import { programCommand } from "./program_command.ts";
import { Supervisor } from "./supervisor.ts";
import { onlyOne } from "./this_worker.ts";
import { WorkersPort } from "./workers_port.ts";
import type { ResolvedWorkers } from "./workers_setting.ts";

/** What a worker takes beyond its own grace to be gone, in milliseconds. */
const EXIT_MS = 5_000;

let supervises = false;

type ServeByWorkersOptions = ResolvedServeOptions & {
  workers: ResolvedWorkers;
};

/**
 * Serves by processes that share the port; this one looks after them, and
 * answers operators.
 *
 * @throws {InvalidOptionError} if this program can't be started again
 * @throws {Deno.errors.AddrInUse} naming the address
 * @throws {Error} if a worker could not start: the log has its reason
 */
export async function serveByWorkers(
  parts: ServerParts,
  host: HttpHost,
  options: ServeByWorkersOptions,
): Promise<RunningServer> {
  try {
    return await begin(parts, host, options);
  } catch (error) {
    reportFailure(parts.log, `starting ${parts.info.name}`, error);
    throw error;
  }
}

async function begin(
  parts: ServerParts,
  host: HttpHost,
  options: ServeByWorkersOptions,
): Promise<RunningServer> {
  const { log, info: { name }, closing } = parts;
  const { hostname, operatorPort, workers, tls, onListen } = options;
  const { signals, drainMs, graceMs } = options;
  const command = programCommand(workers.flags);
  if (supervises) throw onlyOne();
  supervises = true;
  await using begun = new AsyncDisposableStack();
  begun.defer(() => void (supervises = false));
  const endSignal = begun.use(new EndSignal(options, ENDING_BUT_HANGUP));
  const port = claimPort(hostname, options.port);
  const supervisor = new Supervisor({
    ...workers,
    port,
    command,
    // With Redis, those on other machines must know it too, and it is kept there.
    env: parts.options.redis === undefined ? sharedSecrets() : {},
    endsWithinMs: drainMs + graceMs + LAST_MS + EXIT_MS,
    log,
  });
  // Before the first worker serves, and the signal is to be expected.
  begun.use(onHangup(signals, () => void supervisor.reload()));
  const operators = operatorPort === undefined ? undefined : begun.use(
    new WorkersPort(parts, host, supervisor.slots, {
      port: operatorPort,
      hostname,
      tls,
    }),
  );
  // They are to be seen until they have ended.
  begun.defer(() => supervisor.close());
  await supervisor.start();
  await operators?.start();
  const url = endpointUrl(tls !== undefined, hostname, port, host);
  if (onListen !== undefined) onListen({ hostname, port });
  else {
    log.info(`${name} listens`, {
      url,
      workers: workers.count,
      ...(operators && { operatorPort: operators.port }),
    });
  }
  const opened = begun.move();
  const over = Promise.withResolvers<void>();
  let ending: Promise<void> | undefined;
  const shutdown = () =>
    ending ??= (async () => {
      endSignal[Symbol.dispose]();
      log.info(`${name} shuts down`, { workers: workers.count, graceMs });
      await opened.disposeAsync();
      await closing.close(0);
      log.info(`${name} is closed`);
    })().finally(over.resolve);
  endSignal.whenCome(() => void shutdown());
  const finished = Promise.race([over.promise, supervisor.failed])
    .catch(async (error) => {
      reportFailure(log, name, error);
      await shutdown();
      throw error;
    });
  return {
    hostname,
    port,
    operatorPort: operators?.port,
    url,
    finished,
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}

/** A free port, or the one that was asked for, if nobody listens there. */
function claimPort(hostname: string, asked: number): number {
  try {
    using listener = Deno.listen({ hostname, port: asked });
    return listener.addr.port;
  } catch (error) {
    throw listenFailure(error, { hostname, port: asked });
  }
}

/** What one worker signs, any other must know again. */
function sharedSecrets(): Record<string, string> {
  const given = readEnv(REQUEST_STATE_KEY_VARIABLE);
  const key = given ??
    crypto.getRandomValues(new Uint8Array(32)).toBase64();
  return { [REQUEST_STATE_KEY_VARIABLE]: key };
}
