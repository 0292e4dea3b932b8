import type { Clock, TimerHandle } from "../../base/clock.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import type { ChangeNotices, Notice, NoticeRelay } from "./change_notices.ts";

/** Subject under which members pass notices on. */
const NOTICE = "notice";

/** Subject under which they say that there were too many. */
const MANY = "notices";

/** Number of notices kept while the others can't be reached, or are behind. */
const MAX_UNSAID = 1_000;

/** Number of notices that may be on their way to the others; beyond, they are behind. */
const MAX_UNDER_WAY = 10_000;

/** Time before it is tried again, in milliseconds. */
const RETRY_MS = 200;

/** A notice as members say it; with an age if it could not be said at once. */
type SaidNotice = Notice & { readonly ageMs?: number };

/** A notice that the others have yet to hear, by when it was last made. */
interface Unsaid {
  readonly notice: Notice;
  readonly madeAt: number;
}

/** Parts that passing notices on takes. */
export interface ClusterNoticesParts {
  readonly cluster: Cluster;
  readonly clock: Clock;
}

/** Passes notices between this process's clients and those of the others. */
export class ClusterNotices implements NoticeRelay, AsyncDisposable {
  readonly #parts: ClusterNoticesParts;
  /** Notices that the others have yet to hear, each once. */
  #unsaid: Map<string, Unsaid> = new Map();
  /** What is being said to them. */
  readonly #underWay: Set<Promise<void>> = new Set();
  /** True if there were more than are kept. */
  #lost = false;
  /** When all that may have been missed was last made up for here. */
  #caughtUpAt = -Infinity;
  #closed = false;
  #timer: TimerHandle;

  constructor(parts: ClusterNoticesParts) {
    this.#parts = parts;
  }

  /** Delivers what the others say. */
  attach(changes: ChangeNotices): void {
    const { cluster, clock } = this.#parts;
    cluster.on(NOTICE, (body) => {
      const { ageMs, ...notice } = body as SaidNotice;
      if (!this.#isMadeUpFor(notice, ageMs)) changes.deliver(notice);
    });
    const catchUp = (): void => {
      this.#caughtUpAt = clock.now();
      changes.catchUp();
    };
    cluster.on(MANY, catchUp);
    cluster.onGap(catchUp);
  }

  /** Tells if clients here were told of it, or will be, as of all that may have been missed. */
  #isMadeUpFor({ of }: Notice, ageMs: number | undefined): boolean {
    if (of !== "list" && of !== "resource") return false;
    const { cluster, clock } = this.#parts;
    return !cluster.hearing ||
      (ageMs !== undefined && clock.now() - ageMs < this.#caughtUpAt);
  }

  relay(notice: Notice): void {
    const made = { notice, madeAt: this.#parts.clock.now() };
    const behind = this.#underWay.size >= MAX_UNDER_WAY;
    if (this.#timer === undefined && !behind) this.#say(made, notice);
    else this.#keep(made);
  }

  #say(made: Unsaid, said: SaidNotice): void {
    const saying = this.#parts.cluster.say(NOTICE, said)
      .catch(() => this.#keep(made))
      .finally(() => this.#underWay.delete(saying));
    this.#underWay.add(saying);
  }

  #keep(made: Unsaid): void {
    if (this.#closed) return;
    if (this.#unsaid.size < MAX_UNSAID) {
      this.#unsaid.set(JSON.stringify(made.notice), made);
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
    const now = this.#parts.clock.now();
    for (const made of unsaid.values()) {
      this.#say(made, { ...made.notice, ageMs: now - made.madeAt });
    }
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
