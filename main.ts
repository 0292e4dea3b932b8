/**
 * The command: serves the guide's server over HTTP, or over stdio with
 * `--stdio`.
 */
import { parseArgs } from "node:util";
import { InvalidOptionError } from "@sluice/mcp";
import { guideServer } from "./examples/guide/server.ts";

const USAGE = `Usage: deno run -A main.ts [options]

  --port PORT          where to listen (8000; 0 for any free port)
  --hostname HOSTNAME  on which address (127.0.0.1)
  --operator-port PORT where operators find /metrics and the rest, from a thread
                       of its own (OPERATOR_PORT; without one, where all is)
  --workers N          processes that share the port (1; auto for one a core);
                       SIGHUP replaces them one after another
  --strict             don't start if nobody answers at DATABASE_URL or REDIS_URL
  --stdio              serve one client over stdin and stdout instead
  --help               show this`;

const { values: options } = readOptions();

if (options.help) console.log(USAGE);
else if (options.stdio) {
  await guideServer(options).serveStdio();
  // A handler that never ends would keep the process alive.
  Deno.exit();
} else {
  const running = await guideServer(options).serve({
    port: readPort("--port", options.port),
    hostname: options.hostname,
    operatorPort: readOperatorPort(),
    workers: readWorkers(),
  }).catch((error) => {
    if (error instanceof InvalidOptionError) refuse(error.message);
    Deno.exit(1); // the log has the reason
  });
  await running.finished.catch(() => Deno.exit(1)); // likewise
  // So would a client that never finishes its body.
  Deno.exit();
}

function readOptions() {
  try {
    return parseArgs({
      args: Deno.args,
      options: {
        port: { type: "string", default: "8000" },
        hostname: { type: "string", default: "127.0.0.1" },
        "operator-port": { type: "string" },
        workers: { type: "string", default: "1" },
        strict: { type: "boolean", default: false },
        stdio: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function readOperatorPort(): number | undefined {
  const option = options["operator-port"];
  if (option !== undefined) return readPort("--operator-port", option);
  const variable = Deno.env.get("OPERATOR_PORT");
  return variable ? readPort("OPERATOR_PORT", variable) : undefined;
}

function readWorkers(): number | "auto" {
  const { workers } = options;
  if (workers === "auto" || /^[1-9]\d{0,2}$/.test(workers)) {
    return workers === "auto" ? workers : Number(workers);
  }
  return refuse(
    `--workers takes a number from 1 to 999 or auto, got ${workers}`,
  );
}

function readPort(name: string, text: string): number {
  const port = Number(text);
  const valid = /^\d+$/.test(text) && port <= 65_535;
  return valid
    ? port
    : refuse(`${name} takes a number from 0 to 65535, got ${text}`);
}

function refuse(message: string): never {
  console.error(`${message}\n\n${USAGE}`);
  Deno.exit(2);
}
