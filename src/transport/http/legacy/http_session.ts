import type { AuthInfo } from "../../../protocol/types.ts";
import type { Intake } from "../../../server/calls/intake.ts";
import { acceptsPrimingEvents } from "../../../protocol/revision.ts";
import type { Session } from "../../../server/sessions/session.ts";
import type { EventStore } from "./event_store.ts";
import type { EventStreams } from "../event_streams.ts";
import { ResumableStream } from "./resumable_stream.ts";
import { frame, type SseStream } from "../sse_stream.ts";

/** How many messages wait for a standing stream that the client has yet to open. */
const MAX_WAITING = 100;

/** How many streams of a session are remembered for resuming. */
const MAX_RESUMABLE = 64;

/** A legacy session over HTTP: the session and its streams. */
export class HttpSession {
  readonly session: Session;
  /** Streams that can be resumed, by id. */
  readonly resumable: Map<string, ResumableStream> = new Map();
  readonly #intake: Intake;
  readonly #store: EventStore | undefined;
  #standing: SseStream | undefined;
  #standingLog: ResumableStream | undefined;
  #waiting: string[] = [];

  constructor(
    intake: Intake,
    authInfo: AuthInfo | undefined,
    store: EventStore | undefined,
  ) {
    this.#intake = intake;
    this.#store = store;
    this.session = intake.openSession({
      id: crypto.randomUUID(),
      principal: intake.identify(authInfo),
      network: "http",
      send: (text) => this.#sendStanding(text),
    });
  }

  get id(): string {
    return this.session.id!;
  }

  /** Whether it would be wrong to drop the session for want of room. */
  get busy(): boolean {
    return this.session.inFlight.size > 0 || this.standingOpen;
  }

  /** Whether the client holds the standing stream open. */
  get standingOpen(): boolean {
    return this.#standing?.open === true ||
      this.#standingLog?.connected === true;
  }

  /** Whether messages of this session are stored for resuming. */
  get resumes(): boolean {
    return this.#store !== undefined &&
      acceptsPrimingEvents(this.session.revision);
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

  /** Opens the stream for what belongs to no request. */
  openStanding(
    streams: EventStreams,
    retryMs: number | undefined,
    authInfo: AuthInfo | undefined,
  ): SseStream {
    const stream = streams.open({
      gone: () => {
        if (this.#standing === stream) this.#standing = undefined;
      },
    }, authInfo);
    this.#standing = stream;
    if (this.resumes) {
      this.#standingLog ??= this.newStream();
      this.#standingLog.prime(stream, retryMs);
    } else if (this.#store !== undefined) {
      this.#standingLog ??= this.newStream();
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const text of waiting) this.#sendStanding(text);
    return stream;
  }

  #sendStanding(text: string): void {
    if (this.#standingLog !== undefined && this.resumes) {
      this.#standingLog.send(text);
    } else if (this.#standing !== undefined) {
      this.#standing.write(frame(text));
    } else if (this.#waiting.length < MAX_WAITING) {
      this.#waiting.push(text);
    }
  }

  /** Ends the standing stream; the client comes back for the rest. */
  closeStanding(): void {
    if (this.#standingLog !== undefined) this.#standingLog.disconnect();
    else this.#standing?.close();
  }

  close(reason: string): void {
    this.#intake.closeSession(this.session, reason);
    this.#standing?.close();
    for (const stream of this.resumable.values()) stream.finish();
    this.resumable.clear();
    this.#waiting = [];
  }
}
