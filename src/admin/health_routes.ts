import { wellFormedJson } from "../base/well_formed_json.ts";
import type {
  HealthChecks,
  HealthReport,
} from "../observe/health/health_checks.ts";

/** The parts of a server that probes ask about. */
export interface ProbedServer {
  readonly info: { readonly version: string };
  /** Which of several processes answers, if there are several. */
  readonly worker?: { readonly name: string };
  readonly health: Pick<HealthChecks, "run">;
  /** Such as `ready`; anything else keeps requests away. */
  readonly readiness: { probe(): string | Promise<string> };
  readonly options: {
    readonly health?: { readonly readiness?: string };
  };
  /**
   * For how long its event loop has been blocked, in milliseconds; 0 while it
   * turns. Only where that can be told: from outside of it.
   */
  blockedMs?(): number;
}

/** A server that has been blocked for so long is given up, in milliseconds. */
const LIFELESS_MS = 30_000;

/** An answer before it is a response: HEAD has no body. */
interface Verdict {
  readonly ok: boolean;
  readonly body: unknown;
}

type Route = (mayRead: boolean) => Verdict | Promise<Verdict>;

/**
 * Answers probes over HTTP: `/health` (does the process serve at all),
 * `/health/ready` (should requests come here), and `/health/detailed` (every
 * check). They open no session, and cost next to nothing however often they are
 * asked.
 */
export class HealthRoutes {
  readonly #server: ProbedServer;
  readonly #routes: ReadonlyMap<string, Route> = new Map<string, Route>([
    ["/health", () => this.#live()],
    ["/health/ready", () => this.#ready()],
    ["/health/detailed", (mayRead) => this.#detailed(mayRead)],
  ]);

  constructor(server: ProbedServer) {
    this.#server = server;
  }

  /**
   * Answers, if the path is one of these.
   *
   * @param mayRead whether the caller may see the checks' messages: they may
   * name hosts and more
   */
  handle(
    request: Request,
    pathname: string,
    mayRead: boolean,
  ): Response | Promise<Response> | undefined {
    const route = this.#routes.get(pathname);
    if (route === undefined) return undefined;
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") {
      return answer(405, { error: "GET or HEAD only" }, { allow: "GET, HEAD" });
    }
    const verdict = route(mayRead);
    return verdict instanceof Promise
      ? verdict.then((each) => respond(each, method))
      : respond(verdict, method);
  }

  /** What computes for a while is alive, but a loop that never ends is not. */
  #live(): Verdict {
    const ms = this.#blockedMs;
    return ms === 0
      ? { ok: true, body: this.#body("healthy") }
      : { ok: ms < LIFELESS_MS, body: this.#blocked(ms) };
  }

  /**
   * A dead dependency doesn't make the server unready, unless `health.readiness`
   * asks for that: most are shared, and one would take every replica out at once.
   */
  async #ready(): Promise<Verdict> {
    const { readiness, options } = this.#server;
    const state = await readiness.probe();
    const ms = this.#blockedMs;
    if (ms > 0) return { ok: false, body: this.#blocked(ms) };
    const verdict = { ok: state === "ready", body: this.#body(state) };
    return state === "ready" && options.health?.readiness === "checks"
      ? this.#dependenciesReady(verdict)
      : verdict;
  }

  async #dependenciesReady(verdict: Verdict): Promise<Verdict> {
    const { status } = await this.#server.health.run();
    return status === "unhealthy"
      ? { ok: false, body: this.#body(status) }
      : verdict;
  }

  async #detailed(mayRead: boolean): Promise<Verdict> {
    const report = await this.#server.health.run();
    return {
      ok: report.status !== "unhealthy",
      body: mayRead ? report : withoutMessages(report),
    };
  }

  get #blockedMs(): number {
    return this.#server.blockedMs?.() ?? 0;
  }

  #blocked(ms: number): unknown {
    return { ...this.#body("blocked"), message: blockedText(ms) };
  }

  #body(status: string): object {
    const { info: { version }, worker } = this.#server;
    const timestamp = new Date().toISOString();
    return { status, timestamp, version, worker: worker?.name };
  }
}

/** Says for how long an event loop has been blocked. */
export function blockedText(ms: number): string {
  return `event loop blocked for ${(ms / 1_000).toFixed(1)} s`;
}

function withoutMessages(report: HealthReport): unknown {
  const checks = Object.entries(report.checks).map(
    ([name, { message: _, ...rest }]) => [name, rest],
  );
  return { ...report, checks: Object.fromEntries(checks) };
}

function respond({ ok, body }: Verdict, method: string): Response {
  return answer(ok ? 200 : 503, method === "HEAD" ? undefined : body);
}

function answer(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Response {
  const text = body === undefined ? null : wellFormedJson(JSON.stringify(body));
  return new Response(text, {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...headers,
    },
  });
}
