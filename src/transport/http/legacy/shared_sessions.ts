import type { TimerHandle } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import type { KeptSession } from "../../../server/sessions/session_store.ts";
import { begin } from "../../../server/sessions/session_methods.ts";
import type { HttpSession, SessionLink } from "./http_session.ts";
import {
  keepAndSay,
  type News,
  SESSION,
  SharedSession,
  type SharedSessionsParts,
} from "./shared_session.ts";

/** How often in its time a session that is busy is kept from running out. */
const KEEPS = 3;

/** What replicas know in common of the sessions of legacy clients. */
export class SharedSessions {
  readonly #parts: SharedSessionsParts;
  readonly #links: WeakMap<HttpSession, SharedSession> = new WeakMap();
  #timer: TimerHandle;

  constructor(parts: SharedSessionsParts) {
    this.#parts = parts;
    const { cluster } = parts;
    cluster.on(SESSION, (body, from) => {
      const { id, ...rest } = body as News & { id: string };
      const news = rest as News;
      const session = parts.peek(id);
      if (news.what === "asks") this.#tellOf(news.stream, session, id, from);
      else if (session !== undefined) return this.#take(session, news);
    });
    cluster.onGap(() => {
      for (const session of parts.all()) {
        if (session.standingOpen) void this.#catchUp(session);
      }
    });
  }

  get #member(): string {
    return this.#parts.cluster.member;
  }

  /** Makes the link of a session to the other replicas. */
  link(session: HttpSession, id: string, home: string): SessionLink {
    const link = new SharedSession(this.#parts, session, { id, home });
    this.#links.set(session, link);
    this.#timer ??= this.#keepBusyLater();
    return link;
  }

  #keepBusyLater(): TimerHandle {
    const { clock, idleMs } = this.#parts;
    return clock.setTimeout(() => this.#keepBusy(), idleMs / KEEPS, {
      keepAlive: false,
    });
  }

  /** Of an open stream, or a call that takes long, the store learns nothing else. */
  #keepBusy(): void {
    for (const { id, busy } of this.#parts.all()) {
      if (busy) this.find(id).catch(() => {}); // the next time, perhaps
    }
    this.#timer = this.#keepBusyLater();
  }

  close(): void {
    this.#parts.clock.clearTimeout(this.#timer);
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
  async find(id: string): Promise<KeptSession | undefined> {
    const session = this.#parts.peek(id);
    const link = session && this.#links.get(session)!;
    const before = link?.changes;
    const kept = await this.#parts.store.use(id, this.#parts.idleMs);
    if (kept !== undefined && kept.v !== 1) {
      throw new UnavailableError("the session", "it is of another release");
    }
    // What has been changed here since then is not in it.
    if (kept !== undefined && link?.changes === before) link?.take(kept);
    return kept;
  }

  /**
   * Gives a session that was begun elsewhere what is kept of it.
   *
   * @throws {UnavailableError | RefusedError}
   */
  async adopt(session: HttpSession, kept: KeptSession): Promise<void> {
    const { session: known } = session;
    begin(known, kept, kept.revision);
    await this.#links.get(session)!.read();
    // What waited here for a stream went when the session was let go.
    if (kept.home === this.#member) this.#parts.catchUp(known);
  }

  /** Makes up for what a client has followed while nobody was heard. */
  async #catchUp(session: HttpSession): Promise<void> {
    const { followed } = session.session;
    const before = new Set(followed);
    await this.#links.get(session)!.refresh();
    if ([...followed].some((uri) => !before.has(uri))) {
      this.#parts.catchUp(session.session);
    }
  }

  /** Ends a session everywhere. @throws {UnavailableError} */
  async end(id: string): Promise<void> {
    const { store, cluster, inOrder } = this.#parts;
    await keepAndSay(
      inOrder,
      () => store.delete(id),
      () => cluster.say(SESSION, { id, what: "ended" }),
    );
  }

  /** Tells who follows a stream if there is more of it to come. */
  #tellOf(
    stream: string,
    session: HttpSession | undefined,
    id: string,
    to: string,
  ): void {
    const finished = session?.resumable?.get(stream)?.finished ?? true;
    this.#parts.cluster.tell(to, SESSION, {
      id,
      what: "stored",
      stream,
      finished,
    }).catch(() => {}); // it asks again
  }

  #take(session: HttpSession, news: Exclude<News, { what: "asks" }>): unknown {
    const { session: known } = session;
    const link = this.#links.get(session)!;
    switch (news.what) {
      case "changed":
        void link.changed(news.follows);
        return;
      case "message":
        return session.sendStanding(news.text);
      case "answer":
        return known.answer(news.answer);
      case "passed on":
        return this.#parts.takePassedOn(news.method, news.params, known);
      case "stored":
        return link.wake(news.stream, news.finished);
      case "ended":
        return this.#parts.forget(session);
    }
  }
}
