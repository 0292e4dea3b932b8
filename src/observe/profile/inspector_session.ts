import type { Session } from "node:inspector/promises";
import { ProfilerUnavailableError } from "../../base/errors.ts";

/**
 * A line to V8's own profilers. Each session has a CPU profiler of its own, so
 * that several can run at once; the heap's sampler is one for all of them.
 */
export class InspectorSession implements Disposable {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Connects; never prompts.
   *
   * @throws {ProfilerUnavailableError} without `--allow-sys`, or
   * where the runtime has no inspector.
   */
  static async open(): Promise<InspectorSession> {
    if (!mayInspect()) {
      throw new ProfilerUnavailableError(
        "it needs the permission --allow-sys",
      );
    }
    try {
      const { Session } = await import("node:inspector/promises");
      const session = new Session();
      session.connect();
      return new InspectorSession(session);
    } catch (error) {
      throw new ProfilerUnavailableError(
        "this runtime lets nobody connect to its inspector",
        { cause: error },
      );
    }
  }

  /** Tells why nobody can connect; `undefined` if anybody can. */
  static async unavailable(): Promise<ProfilerUnavailableError | undefined> {
    try {
      using _session = await InspectorSession.open();
      return undefined;
    } catch (error) {
      return error as ProfilerUnavailableError;
    }
  }

  /** Sends a command of the DevTools protocol, at once, and gives its result. */
  post<R>(method: string, params?: Record<string, unknown>): Promise<R> {
    const post = (): Promise<unknown> => this.#session.post(method, params);
    return Promise.try(post) as Promise<R>;
  }

  /** Disconnects, and ends whatever the session had begun. */
  [Symbol.dispose](): void {
    for (const domain of ["Profiler", "HeapProfiler"]) {
      this.post(`${domain}.disable`).catch(() => {});
    }
    this.#session.disconnect();
  }
}

/** Tells if the inspector may be used without the user being asked. */
function mayInspect(): boolean {
  const { permissions } =
    (globalThis as { Deno?: Partial<typeof Deno> }).Deno ?? {};
  try {
    const status = permissions
      ?.querySync({ name: "sys", kind: "inspector" as never });
    return status === undefined || status.state === "granted";
  } catch {
    // This Deno has no such permission; it may still ask for a wider one.
    return permissions?.querySync({ name: "sys" }).state === "granted";
  }
}
