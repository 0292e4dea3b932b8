import type { Clock, TimerHandle } from "../../base/clock.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import type { ChangeNotices, Notice, NoticeRelay } from "./change_notices.ts";

/** Subject under which members pass notices on. */
const NOTICE = "notice";

/** Subject under which they say that there were too many. */
const MANY = "notices";

/** Number of notices kept while the others can't be reached. */
const MAX_UNSAID = 1_000;

/** Time before it is tried again, in milliseconds. */
const RETRY_MS = 200;

/** Parts that passing notices on takes. */
export interface ClusterNoticesParts {
  readonly cluster: Cluster;
  readonly clock: Clock;
}

/** Passes notices between this process's clients and those of the others. */
export class ClusterNotices implements NoticeRelay, AsyncDisposable {
  readonly #parts: ClusterNoticesParts;
  /** Notices that the others have yet to hear, each once. */
  #unsaid: Map<string, Notice> = new Map();
  /** What is being said to them. */
  readonly #underWay: Set<Promise<void>> = new Set();
  /** True if there were more than are kept. */
  #lost = false;
  #closed = false;
  #timer: TimerHandle;

  constructor(parts: ClusterNoticesParts) {
    this.#parts = parts;
  }

  /** Delivers what the others say. */
  attach(changes: ChangeNotices): void {
    const { cluster } = this.#parts;
    cluster.on(NOTICE, (notice) => changes.deliver(notice as Notice));
    cluster.on(MANY, () => changes.catchUp());
    cluster.onGap(() => changes.catchUp());
  }

  relay(notice: Notice): void {
    if (this.#timer === undefined) this.#say(notice);
    else this.#keep(notice);
  }

  #say(notice: Notice): void {
    const said = this.#parts.cluster.say(NOTICE, notice)
      .catch(() => this.#keep(notice))
      .finally(() => this.#underWay.delete(said));
    this.#underWay.add(said);
  }

  #keep(notice: Notice): void {
    if (this.#closed) return;
    if (this.#unsaid.size < MAX_UNSAID) {
      this.#unsaid.set(JSON.stringify(notice), notice);
    } else this.#lost = true;
    this.#timer ??= this.#parts.clock.setTimeout(
      () => this.#sayAgain(),
      RETRY_MS,
      {
        keepAlive: false,
      },
    );
  }

  #sayAgain(): void {
    this.#timer = undefined;
    const unsaid = this.#unsaid;
    this.#unsaid = new Map();
    for (const notice of unsaid.values()) this.#say(notice);
    if (!this.#lost) return;
    this.#parts.cluster.say(MANY, {}).then(() => this.#lost = false, () => {});
  }

  /** Says what has not been said, and waits for no more than one answer to it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#parts.clock.clearTimeout(this.#timer);
    if (this.#timer !== undefined) this.#sayAgain();
    await Promise.all(this.#underWay);
  }
}
