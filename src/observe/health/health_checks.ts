import { abortable } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import { ClosedError, InvalidOptionError } from "../../base/errors.ts";
import {
  checkGiven,
  readEach,
  type ReadOptions,
  readOptions,
  SIGNAL_OPTIONS,
} from "../../base/option_rules.ts";
import { checkName, quote } from "../../base/options.ts";
import { healthCheckables } from "./health_checkable.ts";
import {
  HEALTH_CHECK_OPTIONS,
  HEALTH_CHECKS_OPTIONS,
  type HealthCheckOptions,
  type HealthChecksOptions,
} from "./health_checks_options.ts";
import {
  HealthCheck,
  type HealthCheckFunction,
  type HealthCheckReport,
} from "./health_check.ts";

/** The report on all checks. */
export interface HealthReport {
  /** `unhealthy` if a critical check is; `degraded` if any other is, or is degraded. */
  status: "healthy" | "degraded" | "unhealthy";
  /** The time of the report, in ISO 8601. */
  timestamp: string;
  /** The version of what runs. */
  version?: string;
  /** For how long it has run, in seconds. */
  uptime_seconds: number;
  /** Every check, by name. */
  checks: Record<string, HealthCheckReport>;
}

/** A check that was added. */
export interface AddedHealthCheck extends Disposable {
  /** Its name in reports. */
  readonly name: string;
  /** Takes it out again. */
  remove(): void;
}

interface Run {
  readonly version: number;
  readonly report: Promise<HealthReport>;
  endedAt: number | undefined;
}

/**
 * Looks after what a service depends on: all at once, each within its own time,
 * and no more often than every `cacheMs`, so that asking costs nothing. A check
 * that hangs is not started a second time until it has returned.
 *
 * @example
 * ```ts
 * import { HealthChecks } from "@sluice/mcp";
 *
 * const health = new HealthChecks();
 * health.add("api", async (signal) => {
 *   const { ok } = await fetch("https://api.example.com/ping", { signal });
 *   return ok;
 * }, { critical: false });
 * const { status, checks } = await health.run();
 * ```
 */
export class HealthChecks {
  readonly #options: ReadOptions<typeof HEALTH_CHECKS_OPTIONS>;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #added: Map<string, HealthCheck> = new Map();
  readonly #adopted: Map<string, HealthCheck> = new Map();
  readonly #mounted: [prefix: string, checks: HealthChecks][] = [];
  readonly #closing: AbortController = new AbortController();
  #changes = 0;
  #last: Run | undefined;
  #lastReport: HealthReport | undefined;

  /**
   * Runs nothing before it is asked.
   *
   * @throws {InvalidOptionError} naming the option
   */
  constructor(options: HealthChecksOptions = {}) {
    this.#options = readOptions(
      "HealthChecks",
      options,
      HEALTH_CHECKS_OPTIONS,
      "health.",
    );
    this.#clock = this.#options.clock;
    this.#startedAt = this.#clock.now();
  }

  /**
   * Adds a check; it takes the place of one that was adopted under that name.
   *
   * @throws {InvalidOptionError} if the name is taken, or an option can't be used
   */
  add(
    name: string,
    check: HealthCheckFunction,
    options: HealthCheckOptions = {},
  ): AddedHealthCheck {
    checkName("a health check's name", name);
    if (typeof check !== "function") {
      throw new InvalidOptionError(
        `the health check ${quote(name)} must be a function, got ${
          quote(check)
        }`,
      );
    }
    const read = readOptions(
      `the health check ${quote(name)}`,
      options,
      HEALTH_CHECK_OPTIONS,
    );
    if (this.#added.has(name)) {
      throw new InvalidOptionError(
        `there is a health check named ${quote(name)} already`,
      );
    }
    const remove = this.#keep(
      this.#added,
      name,
      this.#make(name, check, read),
    );
    return { name, remove, [Symbol.dispose]: remove };
  }

  /**
   * Adds what an object holds that can tell its own health, each under its key.
   * Checks that were added under such a name are left as they are.
   *
   * @returns takes them out again when disposed of
   */
  adopt(owner: unknown): Disposable {
    const removals = healthCheckables(owner).map(([name, checkable]) => {
      const check = (signal: AbortSignal) => checkable.checkHealth(signal);
      const options = { critical: checkable.healthCritical };
      const read = readEach(options, HEALTH_CHECK_OPTIONS);
      const made = this.#make(name, check, read);
      return this.#keep(this.#adopted, name, made);
    });
    return {
      [Symbol.dispose]() {
        for (const remove of removals) remove();
      },
    };
  }

  /** Reports the checks of others as well, present and future, as `prefix_name`. */
  mount(prefix: string, others: HealthChecks): void {
    this.#mounted.push([prefix, others]);
    this.#changes++;
  }

  /** Ends the checks under way, so that nothing waits for them, and runs no more. */
  close(): void {
    this.#closing.abort(new ClosedError("this set of health checks"));
  }

  /**
   * The last report; `undefined` before the first run.
   * @internal
   */
  get last(): HealthReport | undefined {
    return this.#lastReport;
  }

  /**
   * Runs every check, or gives the report of less than `cacheMs` ago. Those who
   * ask at the same time share one run.
   *
   * @throws the signal's reason, or InvalidOptionError for one that is none
   */
  async run(options: { signal?: AbortSignal } = {}): Promise<HealthReport> {
    checkGiven("run", options, SIGNAL_OPTIONS);
    return await abortable(this.#latest(), options.signal);
  }

  #latest(): Promise<HealthReport> {
    const version = this.#version;
    const last = this.#last;
    if (last?.version === version && this.#isFresh(last)) return last.report;
    const run: Run = { version, report: this.#runAll(), endedAt: undefined };
    run.report.then((report) => {
      run.endedAt = this.#clock.now();
      if (this.#last === run) this.#lastReport = report;
    });
    this.#last = run;
    return run.report;
  }

  #isFresh({ endedAt }: Run): boolean {
    return endedAt === undefined ||
      this.#clock.now() - endedAt < this.#options.cacheMs;
  }

  /** Changes with the set of checks. */
  get #version(): number {
    return this.#mounted.reduce(
      (sum, [_, others]) => sum + others.#version,
      this.#changes,
    );
  }

  async #runAll(): Promise<HealthReport> {
    const { version } = this.#options;
    const checks = await Promise.all(
      Array.from(this.#all, async ([name, check]) => ({
        name,
        critical: check.critical,
        report: await check.run(),
      })),
    );
    return {
      status: overall(checks),
      timestamp: new Date().toISOString(),
      ...(version !== undefined && { version }),
      uptime_seconds: Math.round(this.#clock.now() - this.#startedAt) / 1_000,
      checks: Object.fromEntries(
        checks.map(({ name, report }) => [name, report]),
      ),
    };
  }

  get #all(): Map<string, HealthCheck> {
    const all = new Map([...this.#adopted, ...this.#added]);
    for (const [prefix, others] of this.#mounted) {
      for (const [name, check] of others.#all) {
        const prefixed = `${prefix}_${name}`;
        if (!all.has(prefixed)) all.set(prefixed, check);
      }
    }
    return all;
  }

  #keep(
    checks: Map<string, HealthCheck>,
    name: string,
    check: HealthCheck,
  ): () => void {
    checks.set(name, check);
    this.#changes++;
    return () => {
      if (checks.get(name) !== check) return;
      checks.delete(name);
      this.#changes++;
    };
  }

  #make(
    name: string,
    check: HealthCheckFunction,
    { timeoutMs = this.#options.timeoutMs, critical }: ReadOptions<
      typeof HEALTH_CHECK_OPTIONS
    >,
  ): HealthCheck {
    return new HealthCheck({
      name,
      check,
      timeoutMs,
      critical,
      clock: this.#clock,
      closing: this.#closing.signal,
      onChange: (report, before) =>
        this.#options.onChange?.(name, report, before),
    });
  }
}

/** Judges the whole by its parts. */
function overall(
  checks: { critical: boolean; report: HealthCheckReport }[],
): HealthReport["status"] {
  const isUnhealthy = ({ report }: { report: HealthCheckReport }) =>
    report.status === "unhealthy";
  if (checks.some((each) => each.critical && isUnhealthy(each))) {
    return "unhealthy";
  }
  return checks.some((each) =>
      isUnhealthy(each) || each.report.status === "degraded"
    )
    ? "degraded"
    : "healthy";
}
