/** The targets of one group: started, verified, loaded in turn, verified again. */
import { HttpSubject } from "./http_subject.ts";
import { httpTargets } from "./http_targets.ts";
import { rotated } from "./statistics.ts";

/** How much load each target gets. */
export interface HttpRunOptions {
  connections: number;
  /** Length of a slice. */
  seconds: number;
  /** Slices that each target gets. */
  rounds: number;
  /** Longest warm-up before the first slice. */
  warmUpSeconds: number;
}

/** A run over some targets. One that fails drops out, and the others go on. */
export class HttpRun implements AsyncDisposable {
  /** The targets still in the run, by id. */
  readonly subjects = new Map<string, HttpSubject>();
  /** Why a target dropped out, by id. */
  readonly failures = new Map<string, string>();
  readonly #servers = new AsyncDisposableStack();

  /** Starts the servers, checks one answer of each, and loads them in turn. */
  async run(ids: string[], options: HttpRunOptions): Promise<void> {
    const { connections, seconds, rounds, warmUpSeconds } = options;
    for (const id of ids) {
      await this.#attempt("start", id, () => this.#start(id));
    }
    for (const id of ids) {
      await this.#each("warm-up", id, async (subject) => {
        await subject.warmUp(connections, warmUpSeconds);
      });
    }
    for (let round = 0; round < rounds; round++) {
      for (const id of rotated(ids, round)) {
        await this.#each(
          `round ${round + 1} of ${rounds}`,
          id,
          (subject) => subject.measure({ connections, seconds }),
        );
      }
    }
    for (const id of ids) {
      await this.#each("check", id, (subject) => subject.verify());
    }
    show("");
  }

  async #start(id: string): Promise<void> {
    const { sizedLike } = httpTargets[id];
    const model = sizedLike === undefined
      ? undefined
      : this.subjects.get(sizedLike);
    if (sizedLike !== undefined && model === undefined) {
      throw new Error(`its size is that of ${sizedLike}, which failed`);
    }
    const subject = await HttpSubject.start(
      httpTargets[id],
      model?.answerBytes,
    );
    this.#servers.use(subject);
    await subject.verify();
    this.subjects.set(id, subject);
  }

  async #each(
    step: string,
    id: string,
    work: (subject: HttpSubject) => Promise<void>,
  ): Promise<void> {
    const subject = this.subjects.get(id);
    if (subject !== undefined) {
      await this.#attempt(step, id, () => work(subject));
    }
  }

  async #attempt(
    step: string,
    id: string,
    work: () => Promise<void>,
  ): Promise<void> {
    show(`${step}: ${id}`);
    try {
      await work();
    } catch (error) {
      this.failures.set(id, `${step}: ${(error as Error).message}`);
      this.subjects.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#servers.disposeAsync();
  }
}

/** Shows a terminal's reader where the run is. */
function show(text: string): void {
  if (Deno.stderr.isTerminal()) {
    Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
  }
}
