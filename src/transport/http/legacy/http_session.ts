import type { AuthInfo } from "../../../protocol/types.ts";
import type { Intake } from "../../../server/calls/intake.ts";
import { acceptsPrimingEvents } from "../../../protocol/revision.ts";
import type { Session } from "../../../server/sessions/session.ts";
import type { EventStore } from "./event_store.ts";
import type { EventStreams } from "../event_streams.ts";
import type { SessionVisit } from "./session_visit.ts";
import { ResumableStream } from "./resumable_stream.ts";
import { frame, type SseStream } from "../sse_stream.ts";

/** Number of messages that wait for a standing stream yet to be opened. */
const MAX_WAITING = 100;

/** Number of streams of a session that are remembered for resuming. */
const MAX_RESUMABLE = 64;

/** Number of standing streams a session may have; the oldest makes room. */
const MAX_STANDING = 4;

/** A legacy session over HTTP: the session and its streams. */
export class HttpSession {
  readonly session: Session;
  /** Streams that can be resumed, by id. */
  readonly resumable: Map<string, ResumableStream> = new Map();
  readonly #intake: Intake;
  readonly #store: EventStore | undefined;
  /** The open standing streams, the newest last: that one gets the messages. */
  readonly #standing: SseStream[] = [];
  #standingLog: ResumableStream | undefined;
  readonly #waiting: string[] = [];

  constructor(
    intake: Intake,
    { authInfo, address }: Pick<SessionVisit, "authInfo" | "address">,
    store: EventStore | undefined,
  ) {
    this.#intake = intake;
    this.#store = store;
    this.session = intake.openSession({
      id: crypto.randomUUID(),
      principal: intake.identify(authInfo),
      network: "http",
      send: (text) => this.#sendStanding(text),
    }, address);
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

  /** A new stream that can be resumed. */
  newStream(): ResumableStream {
    const id = crypto.randomUUID();
    const stream = new ResumableStream(id, this.#store!);
    this.resumable.set(id, stream);
    this.#forgetFinished();
    return stream;
  }

  /** Lets the oldest finished streams go; the rest can still be resumed. */
  #forgetFinished(): void {
    let excess = this.resumable.size - MAX_RESUMABLE;
    for (const [id, stream] of this.resumable) {
      if (excess-- <= 0) break;
      if (stream.finished) this.resumable.delete(id);
    }
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
    if (this.#standing.length > MAX_STANDING) this.#standing.shift()!.close();
    if (this.resumes) {
      this.#standingLog ??= this.newStream();
      this.#standingLog.connect(stream);
      if (this.takesPriming) this.#standingLog.prime(retryMs);
    }
    for (const text of this.#waiting.splice(0)) this.#sendStanding(text);
    return stream;
  }

  #leaveStanding(stream: SseStream): void {
    const index = this.#standing.indexOf(stream);
    if (index >= 0) this.#standing.splice(index, 1);
    const next = this.#standing.at(-1);
    if (next !== undefined && this.#standingLog?.connected === false) {
      this.#standingLog.connect(next);
    }
  }

  #sendStanding(text: string): void {
    if (this.#standingLog?.reachable) this.#standingLog.send(text);
    else if (this.#standing.length > 0) {
      this.#standing.at(-1)!.write(frame(text));
    } else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(text);
  }

  /** Ends the standing streams; the client comes back for the rest. */
  closeStanding(): void {
    this.#standingLog?.disconnect();
    for (const stream of this.#standing.splice(0)) stream.close();
  }

  close(reason: string): void {
    this.#intake.closeSession(this.session, reason);
    for (const stream of this.#standing.splice(0)) stream.close();
    for (const stream of this.resumable.values()) stream.finish();
    this.resumable.clear();
    this.#waiting.length = 0;
  }
}
