import { thrownText } from "../../../base/thrown.ts";
import type { Cluster } from "../../../cluster/cluster.ts";
import type { IncomingAnswer, JsonObject } from "../../../protocol/jsonrpc.ts";
import type { LoggingLevel, RequestId } from "../../../protocol/types.ts";
import type { Log } from "../../../observe/log/log.ts";
import type {
  KeptSession,
  SessionStore,
} from "../../../server/sessions/session_store.ts";
import { begin } from "../../../server/sessions/session_methods.ts";
import { FollowedStream, type FollowedStreamParts } from "./followed_stream.ts";
import type { HttpSession, SessionLink } from "./http_session.ts";
import { nameStream, readStreamName } from "./stream_name.ts";

/** Subject under which replicas speak of sessions. */
const SESSION = "session";

/** What replicas say to each other of a session. */
type News =
  | { readonly what: "follow" | "unfollow"; readonly uri: string }
  | { readonly what: "level"; readonly level: LoggingLevel }
  | { readonly what: "standing"; readonly at: string }
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
  readonly log: Log;
  /** Makes up for notices that a client may have missed. */
  catchUp(session: HttpSession["session"]): void;
}

/** Parts that sharing sessions takes. */
export interface SharedSessionsParts extends SharedBetween {
  /** Milliseconds without a request after which a session ends. */
  readonly idleMs: number;
  /** The session, if it is known here; not counted as used. */
  peek(id: string): HttpSession | undefined;
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

/** What replicas know in common of the sessions of legacy clients. */
export class SharedSessions {
  readonly #parts: SharedSessionsParts;
  readonly #links: WeakMap<HttpSession, SharedSession> = new WeakMap();

  constructor(parts: SharedSessionsParts) {
    this.#parts = parts;
    const { cluster } = parts;
    cluster.on(SESSION, (body, from) => {
      const { id, ...rest } = body as News & { id: string };
      const news = rest as News;
      const session = parts.peek(id);
      if (news.what === "asks") this.#tellOf(news.stream, session, id, from);
      else if (session !== undefined) this.#take(session, news);
    });
  }

  get #member(): string {
    return this.#parts.cluster.member;
  }

  /** Makes the link of a session to the other replicas. */
  link(session: HttpSession, id: string, home: string): SessionLink {
    const link = new SharedSession(this.#parts, session, { id, home });
    this.#links.set(session, link);
    return link;
  }

  /** The name that a session opened here has as its home. */
  get home(): string {
    return this.#member;
  }

  /** Keeps a session that has begun here. @throws {UnavailableError} */
  async keep({ id, session }: HttpSession): Promise<void> {
    const { principal, revision, capabilities, clientInfo } = session;
    const { store, idleMs } = this.#parts;
    const home = this.#member;
    await store.create(
      id,
      {
        v: 1,
        principal,
        home,
        revision,
        capabilities,
        ...(clientInfo && { clientInfo }),
      },
      idleMs,
    );
  }

  /** What is kept of a session, counted as used now. @throws {UnavailableError} */
  find(id: string): Promise<KeptSession | undefined> {
    return this.#parts.store.use(id, this.#parts.idleMs);
  }

  /** Brings a session up to what is kept of it. */
  bringUp(session: HttpSession, kept: KeptSession): void {
    session.session.logLevel = kept.logLevel;
    this.#links.get(session)!.standing = kept.standing ?? "";
  }

  /**
   * Gives a session that was begun elsewhere what is kept of it.
   *
   * @throws {UnavailableError | RefusedError}
   */
  async adopt(session: HttpSession, kept: KeptSession): Promise<void> {
    const { session: known } = session;
    for (const uri of await this.#parts.store.followed(session.id)) {
      known.followed.hears(uri, true);
    }
    begin(known, kept, kept.revision);
    this.bringUp(session, kept);
    // What waited here for a stream went when the session was let go.
    if (kept.home === this.#member) this.#parts.catchUp(known);
  }

  /** Ends a session everywhere. @throws {UnavailableError} */
  async end(id: string): Promise<void> {
    await this.#parts.store.delete(id);
    await this.#parts.cluster.say(SESSION, { id, what: "ended" });
  }

  /** Tells who follows a stream if there is more of it to come. */
  #tellOf(
    stream: string,
    session: HttpSession | undefined,
    id: string,
    to: string,
  ): void {
    const finished = session?.resumable.get(stream)?.finished ?? true;
    this.#parts.cluster.tell(to, SESSION, {
      id,
      what: "stored",
      stream,
      finished,
    }).catch(() => {}); // it asks again
  }

  #take(session: HttpSession, news: Exclude<News, { what: "asks" }>): void {
    const { session: known } = session;
    const link = this.#links.get(session)!;
    switch (news.what) {
      case "follow":
        return this.#hear(session, news.uri);
      case "unfollow":
        return known.followed.hears(news.uri, false);
      case "level":
        known.logLevel = news.level;
        return;
      case "standing":
        // What crossed the news of a stream that is open here was said before it.
        if (news.at === "" && session.standingOpen) {
          void link.stands(true);
          return;
        }
        link.standing = news.at;
        // What waited here for a stream goes to where it is open now.
        if (link.standsElsewhere) session.sendWaiting();
        return;
      case "message":
        return session.sendStanding(news.text);
      case "answer":
        known.answer(news.answer);
        return;
      case "passed on":
        return this.#parts.takePassedOn(news.method, news.params, known);
      case "stored":
        return link.wake(news.stream, news.finished);
      case "ended":
        return this.#parts.forget(session);
    }
  }

  /** What there is no room for here must not be missed: its client comes anew. */
  #hear(session: HttpSession, uri: string): void {
    try {
      session.session.followed.hears(uri, true);
    } catch (error) {
      this.#parts.leave(session, thrownText(error));
    }
  }
}

/** One session's link to the other replicas. */
class SharedSession implements SessionLink {
  readonly #parts: SharedSessionsParts;
  readonly #session: HttpSession;
  readonly #id: string;
  readonly isHome: boolean;
  /** The member that the standing stream is open at; "" for none. */
  standing = "";
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

  async follow(uri: string): Promise<void> {
    await this.#parts.store.follow(this.#id, uri);
    await this.#say({ what: "follow", uri });
  }

  async unfollow(uri: string): Promise<void> {
    await this.#parts.store.unfollow(this.#id, uri);
    await this.#say({ what: "unfollow", uri });
  }

  async setLogLevel(level: LoggingLevel): Promise<void> {
    await this.#parts.store.update(this.#id, { logLevel: level });
    await this.#say({ what: "level", level });
  }

  async answer(answer: IncomingAnswer): Promise<boolean> {
    const asker = memberIn(answer.id);
    return asker !== undefined &&
      await this.#tell(asker, { what: "answer", answer });
  }

  passOn(method: string, params: JsonObject): void {
    const news: News = { what: "passed on", method, params };
    const asker = memberIn(params.progressToken);
    const passed = asker === undefined
      ? this.#say(news)
      : this.#tell(asker, news);
    passed.catch((error) =>
      this.#parts.log.warning(`${method} could not be passed on`, { error })
    );
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
    await this.#parts.store.update(this.#id, { standing: at });
    await this.#say({ what: "standing", at });
    if (before === "" || before === this.member) return;
    const news: News = { what: "standing", at };
    // Nobody knows what a replica that has gone had yet to send.
    if (!await this.#tell(before, news)) {
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

/** The member that the id of a question names. */
function memberIn(id: unknown): string | undefined {
  return typeof id === "string" ? /^sluice-(.+)-\d+$/.exec(id)?.[1] : undefined;
}
