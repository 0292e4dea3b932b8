import type { NetworkPeer } from "../../../base/network_peer.ts";
import type { AuthInfo, RequestId } from "../../../protocol/types.ts";
import type { Intake } from "../../../server/calls/intake.ts";
import { acceptsPrimingEvents } from "../../../protocol/revision.ts";
import type { Session } from "../../../server/sessions/session.ts";
import type { SessionKeeper } from "../../../server/sessions/session_keeper.ts";
import type { EventStore } from "./event_store.ts";
import type { FollowedStreamParts } from "./followed_stream.ts";
import type { EventStreams } from "../event_streams.ts";
import { ResumableStream } from "./resumable_stream.ts";
import type { SseStream } from "../sse_stream.ts";

/** Number of messages that wait for a standing stream yet to be opened. */
const MAX_WAITING = 100;

/** Number of streams of a session that are remembered for resuming. */
const MAX_RESUMABLE = 64;

/** Number of standing streams a session may have; the oldest makes room. */
const MAX_STANDING = 4;

/** Way to the other replicas that know a session. */
export interface SessionLink extends SessionKeeper {
  /** True if the client's standing stream is open at another replica. */
  readonly standsElsewhere: boolean;
  /** True if this replica keeps what waits for a standing stream yet to be opened. */
  readonly isHome: boolean;
  /** Sends a message by the standing stream of another replica; false if there is none. */
  sendElsewhere(text: string): Promise<boolean>;
  /** Tells the others that the standing stream is open here now, or no more. */
  stands(here: boolean): Promise<void>;
  /** Names a stream so that other replicas can go on with it. */
  nameStream(requests: readonly RequestId[]): string;
  /** Name of the standing stream, at whichever replica it is open. */
  readonly standingName: string;
  /** Tells the others of what was stored of a stream. */
  stored(streamId: string, finished: boolean): void;
  /** Goes on with a stream that another replica writes; false if it is none of the session's. */
  goOn(
    streamId: string,
    lastEventId: string,
    parts: Pick<FollowedStreamParts, "store" | "clock" | "connection">,
  ): boolean;
}

/** Facts known of a session over HTTP when it is made. */
export interface HttpSessionStart {
  readonly id: string;
  /** Identity of its opener. */
  readonly principal: string;
  /** Who opens it, or comes with it from another replica. */
  readonly peer: NetworkPeer | undefined;
  readonly eventStore: EventStore | undefined;
  /** `undefined` where this process is the whole server. */
  link?(session: HttpSession): SessionLink;
}

/** A legacy session over HTTP: the session and its streams. */
export class HttpSession {
  readonly session: Session;
  #resumable: Map<string, ResumableStream> | undefined;
  readonly #intake: Intake;
  readonly #store: EventStore | undefined;
  /** The open standing streams, the newest last: that one gets the messages. */
  readonly #standing: SseStream[] = [];
  #standingLog: ResumableStream | undefined;
  readonly #waiting: string[] = [];

  /** `undefined` where this process is the whole server. */
  readonly link: SessionLink | undefined;

  constructor(
    intake: Intake,
    { id, principal, peer, eventStore, link }: HttpSessionStart,
  ) {
    this.#intake = intake;
    this.#store = eventStore;
    this.link = link?.(this);
    this.session = intake.openSession({
      id,
      principal,
      network: "http",
      keeper: this.link,
      send: (text) => this.sendStanding(text),
      notice: (text) => this.#sendNotice(text),
    }, peer);
  }

  /** Streams that can be resumed, by id. */
  get resumable(): ReadonlyMap<string, ResumableStream> | undefined {
    return this.#resumable;
  }

  get id(): string {
    return this.session.id!;
  }

  /** True if it would be wrong to drop the session for want of room. */
  get busy(): boolean {
    return this.session.inFlight.size > 0 || this.standingOpen;
  }

  /** True if the client holds the standing stream open. */
  get standingOpen(): boolean {
    return this.#standing.length > 0 || this.#standingLog?.connected === true;
  }

  /** True if messages of this session are stored for resuming. */
  get resumes(): boolean {
    return this.#store !== undefined && this.session.initialized;
  }

  /** True if its client knows events without data, to resume from the start. */
  get takesPriming(): boolean {
    return acceptsPrimingEvents(this.session.revision);
  }

  /** A new stream that can be resumed, with the answers to some requests. */
  newStream(requests: readonly RequestId[]): ResumableStream {
    return this.#makeStream(
      this.link?.nameStream(requests) ?? crypto.randomUUID(),
    );
  }

  #makeStream(id: string): ResumableStream {
    const { link } = this;
    const stream = new ResumableStream(
      id,
      this.#store!,
      link && ((finished) => link.stored(id, finished)),
    );
    const resumable = this.#resumable ??= new Map();
    resumable.set(id, stream);
    forgetFinished(resumable);
    return stream;
  }

  /**
   * Opens a stream for what belongs to no request. One whose client has gone may
   * look open for long, behind a proxy: so another never waits for its end.
   */
  openStanding(
    streams: EventStreams,
    retryMs: number | undefined,
    authInfo: AuthInfo | undefined,
  ): SseStream {
    const stream = streams.open(
      {
        account: this.session.account,
        gone: () => this.#leaveStanding(stream),
      },
      authInfo,
    );
    this.#standing.push(stream);
    void this.link?.stands(true);
    if (this.#standing.length > MAX_STANDING) this.#standing.shift()!.close();
    if (this.resumes) {
      const log = this.#openStandingLog();
      log.connect(stream);
      if (this.takesPriming) log.prime(retryMs);
    }
    this.sendWaiting();
    return stream;
  }

  #openStandingLog(): ResumableStream {
    return this.#standingLog ??= this.#makeStream(
      this.link?.standingName ?? crypto.randomUUID(),
    );
  }

  /** The stream of an id that can be resumed here, if there is one. */
  async resumableHere(id: string): Promise<ResumableStream | undefined> {
    const { link } = this;
    if (link?.standingName !== id) return this.#resumable?.get(id);
    // From here on nobody else adds to it.
    await link.stands(true);
    return this.#openStandingLog();
  }

  #leaveStanding(stream: SseStream): void {
    const index = this.#standing.indexOf(stream);
    if (index >= 0) this.#standing.splice(index, 1);
    const next = this.#standing.at(-1);
    if (next !== undefined && this.#standingLog?.connected === false) {
      this.#standingLog.connect(next);
    }
    if (!this.standingOpen && !this.session.closed) {
      void this.link?.stands(false);
    }
  }

  /** Sends what belongs to no request, wherever the standing stream is. */
  sendStanding(text: string): void {
    if (this.#sendHere(text)) return;
    if (this.link?.standsElsewhere !== true) this.#wait(text);
    else void this.#sendElsewhere(text, this.link);
  }

  /** Sends a notice that the other replicas have as well. */
  #sendNotice(text: string): void {
    if (this.#sendHere(text) || this.link?.standsElsewhere) return;
    if (this.link?.isHome !== false) this.#wait(text);
  }

  /** Sends by the standing stream of this replica; false if there is none. */
  #sendHere(text: string): boolean {
    if (this.link?.standsElsewhere) return false;
    if (this.#standingLog?.reachable) this.#standingLog.send(text);
    else if (this.#standing.length > 0) {
      this.#standing.at(-1)!.writeMessage(text);
    } else return false;
    return true;
  }

  async #sendElsewhere(text: string, link: SessionLink): Promise<void> {
    const sent = await link.sendElsewhere(text).catch(() => false);
    if (!sent && !this.#sendHere(text)) this.#wait(text);
  }

  #wait(text: string): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(text);
  }

  /** Sends what has waited for a standing stream, now that there is one. */
  sendWaiting(): void {
    for (const text of this.#waiting.splice(0)) this.sendStanding(text);
  }

  /** Ends the standing streams; the client comes back for the rest. */
  closeStanding(): void {
    this.#standingLog?.disconnect();
    for (const stream of this.#standing.splice(0)) stream.close();
  }

  /** Ends it at this replica alone: others may know it still. */
  leave(reason: string): void {
    if (this.standingOpen) void this.link?.stands(false);
    this.close(reason);
  }

  close(reason: string): void {
    this.#intake.closeSession(this.session, reason);
    for (const stream of this.#standing.splice(0)) stream.close();
    for (const stream of this.#resumable?.values() ?? []) stream.finish();
    this.#resumable?.clear();
    this.#waiting.length = 0;
  }
}

/** Lets the oldest finished streams go; the rest can still be resumed. */
function forgetFinished(resumable: Map<string, ResumableStream>): void {
  let excess = resumable.size - MAX_RESUMABLE;
  for (const [id, stream] of resumable) {
    if (excess-- <= 0) break;
    if (stream.finished) resumable.delete(id);
  }
}
