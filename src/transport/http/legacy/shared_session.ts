import type { Clock } from "../../../base/clock.ts";
import { thrownText } from "../../../base/thrown.ts";
import type { Cluster } from "../../../cluster/cluster.ts";
import type { IncomingAnswer, JsonObject } from "../../../protocol/jsonrpc.ts";
import type { LoggingLevel, RequestId } from "../../../protocol/types.ts";
import type { Log } from "../../../observe/log/log.ts";
import type {
  KeptSession,
  SessionStore,
} from "../../../server/sessions/session_store.ts";
import { FollowedStream, type FollowedStreamParts } from "./followed_stream.ts";
import type { HttpSession, SessionLink } from "./http_session.ts";
import { RefusedError } from "../../../protocol/protocol_errors.ts";
import { nameStream, readStreamName } from "./stream_name.ts";

/** Subject under which replicas speak of sessions. */
export const SESSION = "session";

/** That a resource is followed from now on, or no more. */
interface Follows {
  readonly uri: string;
  readonly wanted: boolean;
}

/** What replicas say to each other of a session. */
export type News =
  | { readonly what: "changed"; readonly follows?: Follows }
  | { readonly what: "message"; readonly text: string }
  | { readonly what: "answer"; readonly answer: IncomingAnswer }
  | {
    readonly what: "passed on";
    readonly method: string;
    readonly params: JsonObject;
  }
  | {
    readonly what: "stored";
    readonly stream: string;
    readonly finished: boolean;
  }
  | { readonly what: "asks"; readonly stream: string }
  | { readonly what: "ended" };

/** What the replicas of a server have between them. */
export interface SharedBetween {
  readonly store: SessionStore;
  readonly cluster: Cluster;
  /** True if what is said once the store is asked to keep something comes after it. */
  readonly inOrder: boolean;
  readonly log: Log;
  /** Makes up for notices that a client may have missed. */
  catchUp(session: HttpSession["session"]): void;
}

/** Parts that sharing sessions takes. */
export interface SharedSessionsParts extends SharedBetween {
  readonly clock: Clock;
  /** Milliseconds without a request after which a session ends. */
  readonly idleMs: number;
  /** The session, if it is known here; not counted as used. */
  peek(id: string): HttpSession | undefined;
  /** All that are known here. */
  all(): HttpSession[];
  /** Takes what another replica passes on. */
  takePassedOn(
    method: string,
    params: JsonObject,
    session: HttpSession["session"],
  ): void;
  /** Forgets a session that has ended elsewhere. */
  forget(session: HttpSession): void;
  /** Lets go of a session that others may go on with. */
  leave(session: HttpSession, reason: string): void;
}

/** One session's link to the other replicas. */
export class SharedSession implements SessionLink {
  readonly #parts: SharedSessionsParts;
  readonly #session: HttpSession;
  readonly #id: string;
  readonly isHome: boolean;
  /** The member that the standing stream is open at; "" for none. */
  standing = "";
  /** Number of changes that this replica has begun to make. */
  changes = 0;
  /** Number of those that are under way. */
  #writing = 0;
  #reading = false;
  /** True if others have changed it since it was read. */
  #stale = false;
  readonly #followed: Map<string, readonly FollowedStream[]> = new Map();

  constructor(
    parts: SharedSessionsParts,
    session: HttpSession,
    { id, home }: { id: string; home: string },
  ) {
    this.#parts = parts;
    this.#session = session;
    this.#id = id;
    this.isHome = home === parts.cluster.member;
  }

  get member(): string {
    return this.#parts.cluster.member;
  }

  get standsElsewhere(): boolean {
    return this.standing !== "" && this.standing !== this.member;
  }

  follow(uri: string): Promise<void> {
    return this.#change(
      () => this.#parts.store.follow(this.#id, uri),
      { uri, wanted: true },
    );
  }

  unfollow(uri: string): Promise<void> {
    return this.#change(
      () => this.#parts.store.unfollow(this.#id, uri),
      { uri, wanted: false },
    );
  }

  setLogLevel(level: LoggingLevel): Promise<void> {
    return this.#change(() =>
      this.#parts.store.update(this.#id, { logLevel: level })
    );
  }

  /** Changes what is kept, and has the others read it. */
  async #change(
    write: () => Promise<void>,
    follows?: Follows,
  ): Promise<void> {
    this.changes++;
    this.#writing++;
    try {
      await keepAndSay(
        this.#parts.inOrder,
        write,
        () => this.#say({ what: "changed", follows }),
      );
    } finally {
      if (--this.#writing === 0 && this.#stale) void this.refresh();
    }
  }

  /** Takes the news that another replica has changed it. */
  changed(follows: Follows | undefined): Promise<void> {
    return this.#takingIn(() => {
      // At once, as the next change of it may be right behind.
      if (follows !== undefined) {
        this.#session.session.followed.hears(follows.uri, follows.wanted);
      }
      return this.refresh();
    });
  }

  /**
   * Reads what is kept once more. The store has the order in which replicas change
   * a session, the bus has not: so what is read last is right, everywhere.
   */
  async refresh(): Promise<void> {
    this.#stale = true;
    if (this.#reading) return;
    this.#reading = true;
    try {
      // What is being changed here is known first.
      while (this.#stale && this.#writing === 0) {
        await this.#takingIn(() => this.read());
      }
    } finally {
      this.#reading = false;
    }
  }

  /** What there is no room for here must not be missed: its client comes anew. */
  async #takingIn(take: () => Promise<void>): Promise<void> {
    try {
      await take();
    } catch (error) {
      // While the store is away there is nothing to read; a gap follows.
      if (error instanceof RefusedError) {
        this.#parts.leave(this.#session, thrownText(error));
      }
    }
  }

  /** @throws {UnavailableError | RefusedError} */
  async read(): Promise<void> {
    const { store, idleMs } = this.#parts;
    const { changes } = this;
    this.#stale = false;
    const [kept, followed] = await Promise.all([
      store.use(this.#id, idleMs),
      store.followed(this.#id),
    ]);
    if (this.changes !== changes) this.#stale = true;
    else if (kept === undefined) this.#parts.forget(this.#session);
    else {
      this.#session.session.followed.become(followed);
      this.take(kept);
    }
  }

  /** Takes over what the store says. */
  take({ logLevel, standing = "" }: KeptSession): void {
    const session = this.#session;
    session.session.logLevel = logLevel;
    this.standing = standing;
    // Another replica's end crossed the opening here.
    if (standing === "" && session.standingOpen) void this.stands(true);
    // What waited here for a stream goes to where it is open now.
    if (this.standsElsewhere) session.sendWaiting();
  }

  async answer(answer: IncomingAnswer): Promise<boolean> {
    const asker = memberIn(answer.id);
    if (asker === undefined || asker === this.member) return false;
    const news: News = { what: "answer", answer };
    return await this.#parts.cluster.hand(asker, SESSION, {
      id: this.#id,
      ...news,
    }) === true;
  }

  async passOn(method: string, params: JsonObject): Promise<void> {
    const news: News = { what: "passed on", method, params };
    const asker = memberIn(params.progressToken);
    if (asker === undefined) await this.#say(news);
    // Who asked and has gone wants to know no more.
    else await this.#tell(asker, news);
  }

  async sendElsewhere(text: string): Promise<boolean> {
    const { standing } = this;
    const sent = await this.#tell(standing, { what: "message", text });
    if (!sent && this.standing === standing) this.standing = "";
    return sent;
  }

  async stands(here: boolean): Promise<void> {
    try {
      await this.#announce(here ? this.member : "");
    } catch (error) {
      this.#parts.log.warning("a standing stream could not be announced", {
        error,
      });
    }
  }

  nameStream(requests: readonly RequestId[]): string {
    const { member } = this;
    return nameStream(
      { session: this.#id, member, requests },
      crypto.randomUUID(),
    );
  }

  get standingName(): string {
    return nameStream(
      { session: this.#id, member: "", requests: [] },
      "standing",
    );
  }

  stored(stream: string, finished: boolean): void {
    this.#say({ what: "stored", stream, finished })
      .catch(() => {}); // who follows it asks after it as well
  }

  goOn(
    streamId: string,
    lastEventId: string,
    parts: Pick<FollowedStreamParts, "store" | "clock" | "connection">,
  ): boolean {
    const name = readStreamName(streamId);
    if (name?.session !== this.#id) return false;
    const { member, requests } = name;
    const followed = new FollowedStream({
      ...parts,
      requests,
      askWriter: () =>
        // What this replica wrote and has forgotten is finished.
        member === this.member
          ? Promise.resolve(false)
          : this.#tell(member, { what: "asks", stream: streamId }),
    }, lastEventId);
    const others = this.#followed.get(streamId) ?? [];
    this.#followed.set(streamId, [
      ...others.filter(({ open }) => open),
      followed,
    ]);
    followed.wake();
    return true;
  }

  /** Reads on in a stream that another replica writes. */
  wake(streamId: string, finished: boolean): void {
    const followers = this.#followed.get(streamId);
    if (finished) this.#followed.delete(streamId);
    for (const each of followers ?? []) each.wake(finished);
  }

  async #announce(at: string): Promise<void> {
    const before = this.standing;
    // Another replica's, opened since, is not for this one to end.
    if (at === "" && this.standsElsewhere) return;
    this.standing = at;
    await this.#change(() =>
      this.#parts.store.update(this.#id, { standing: at })
    );
    if (before === "" || before === this.member) return;
    // Nobody knows what a replica that has gone had yet to send.
    if (!await this.#tell(before, { what: "changed" })) {
      this.#parts.catchUp(this.#session.session);
    }
  }

  #say(news: News): Promise<void> {
    return this.#parts.cluster.say(SESSION, { id: this.#id, ...news });
  }

  #tell(member: string, news: News): Promise<boolean> {
    return this.#parts.cluster.tell(member, SESSION, {
      id: this.#id,
      ...news,
    });
  }
}

/**
 * Has the store keep something, and says so to the others, who may look at once.
 * It takes one round trip where the store has it by then.
 *
 * @throws {UnavailableError} if either failed
 */
export async function keepAndSay(
  inOrder: boolean,
  keep: () => Promise<void>,
  say: () => Promise<void>,
): Promise<void> {
  const kept = keep();
  if (!inOrder) await kept;
  await Promise.all([kept, say()]);
}

/** The member that the id of a question names. */
function memberIn(id: unknown): string | undefined {
  return typeof id === "string" ? /^sluice-(.+)-\d+$/.exec(id)?.[1] : undefined;
}
