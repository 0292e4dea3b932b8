import { InvalidOptionError } from "../base/errors.ts";
import {
  option,
  type OptionRules,
  readEach,
  type ReadOptions,
} from "../base/option_rules.ts";
import { quote } from "../base/options.ts";
import { DEFAULT_GRACE_MS } from "../server/lifecycle/closing.ts";
import {
  resolveWorkers,
  type WorkersOptions,
} from "./workers/workers_setting.ts";

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
   * Processes that share the port, each a run of this same program, looked after
   * by this one: the number of them, `"auto"` for one a core, or more settings.
   * Whatever the program does outside of the server's lifespan, it does in each.
   * With `operatorPort`, operators see all workers there.
   *
   * @default 1, in this process
   */
  workers?: number | "auto" | WorkersOptions;
  /**
   * End in good order on SIGINT, SIGTERM and SIGHUP; a second one ends the
   * process itself. With `workers`, SIGHUP replaces them one after another.
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
  /** Resolves when the server has ended; rejects if its workers ended over and over. */
  readonly finished: Promise<void>;
  /** Ends in good order: see {@linkcode McpServer.close}. */
  shutdown(): Promise<void>;
}

/** How they are read. */
export const SERVE_OPTIONS = {
  port: option.integer(8000, 0, 65_535),
  // Nobody but this machine, unless it is asked for.
  hostname: option.name("127.0.0.1"),
  operatorPort: option.ifGiven(option.integer(undefined, 0, 65_535)),
  workers: resolveWorkers,
  signals: option.flag(true),
  graceMs: option.durationMs(DEFAULT_GRACE_MS),
  drainMs: option.durationMs(0),
  signal: option.signal,
  tls: readTls,
  onListen: option.function<ServeOptions["onListen"]>(undefined),
} satisfies OptionRules<ServeOptions>;

/** The settings, with their defaults. */
export type ResolvedServeOptions = ReadOptions<typeof SERVE_OPTIONS>;

/** Checks the options and fills in their defaults. @throws {InvalidOptionError} */
export function resolveServeOptions(
  options: ServeOptions,
): ResolvedServeOptions {
  const read = readEach(options, SERVE_OPTIONS);
  const { port, operatorPort } = read;
  if (operatorPort !== port || port === 0) return read;
  throw new InvalidOptionError(
    `operatorPort must be another than port, got ${port} for both`,
  );
}

function readTls(name: string, given: unknown): ServeOptions["tls"] {
  const tls = given as ServeOptions["tls"];
  if (tls === undefined) return tls;
  if (typeof tls?.cert === "string" && typeof tls.key === "string") return tls;
  throw new InvalidOptionError(
    `${name} must have a cert and a key in PEM, got ${quote(tls)}`,
  );
}
