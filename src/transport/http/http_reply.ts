import { InsufficientScopeError } from "../../server/identity/access_errors.ts";
import { SlowClientError } from "../../base/errors.ts";
import { lastingPeer, type NetworkPeer } from "../../base/network_peer.ts";
import {
  type ProtocolError,
  RefusedError,
} from "../../protocol/protocol_errors.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import type { Reply } from "../../server/calls/reply.ts";
import {
  eventsResponse,
  jsonResponse,
  jsonResponseWith,
  refusedResponse,
  withHeaders,
} from "./http_response.ts";
import type { HttpExchange } from "./endpoint_exchange.ts";
import type { EventStreams } from "./event_streams.ts";
import { LAST_ON_CONNECTION } from "./last_on_connection.ts";
import type { QuietReplies } from "./quiet_replies.ts";
import {
  AHEAD_BYTES,
  frame,
  SSE_HEADERS,
  type SseStream,
  type SseStreamOwner,
} from "./sse_stream.ts";

/**
 * For how many turns of the microtask queue early messages are held back. A
 * handler that answers within them is answered in one piece, which costs a
 * fraction of a stream (bench/http.ts, "progress").
 */
const HELD_TURNS = 12;

/** In place of what has resolved an exchange's response. */
const RESPONDED = () => {};

/** A request that its client can walk away from. */
export interface Cancellable {
  cancel(reason: unknown): void;
  /** Fields that the log has of it. */
  logFields(): Record<string, unknown>;
}

/** Style that all replies of one endpoint have in common. */
export interface HttpReplyStyle {
  readonly streams: EventStreams;
  /** True while responses end their connections. */
  readonly readiness: { readonly draining: boolean };
  /** Those that have said nothing yet. */
  readonly quiet: QuietReplies;
  /** Always answer as an event stream. */
  readonly streamAlways: boolean;
  /** True if a client that leaves its stream calls its request off. */
  readonly leavingCancels: boolean;
  /** The HTTP status of a request that its client has called off. */
  readonly abandonedStatus: number;
  /** Account that a caller's use of shared room counts for. */
  accountOf(who: Pick<Reply, "authInfo" | "peer">): string;
  /** The HTTP status of an error. */
  status(error: ProtocolError): number;
  /** Tells a caller that lacks a scope which would do. */
  challenge(
    error: InsufficientScopeError,
    authInfo: AuthInfo | undefined,
  ): { readonly status: number; readonly headers: Record<string, string> };
}

/**
 * An HTTP request's answer: JSON, or an event stream if the handler speaks
 * before it has finished, or takes long.
 */
export class HttpReply implements Reply, SseStreamOwner {
  readonly request: Request;
  readonly authInfo: AuthInfo | undefined;
  peer: NetworkPeer | undefined;
  readonly #style: HttpReplyStyle;
  #ownHeaders: Record<string, string> | undefined;
  #resolve: (response: Response) => void;
  #held = "";
  #stream: SseStream | undefined;
  #watcher: Cancellable | undefined;
  #onGone: ((reason: unknown) => void) | undefined;
  /** True if the response has begun, or is complete. */
  #begun = false;
  /** Sender of a request that came in this very turn. */
  #now: NetworkPeer | undefined;

  /** @param headers what every response has beside its type */
  constructor(
    style: HttpReplyStyle,
    { request, authInfo, peer, arrivedAt, resolve }: HttpExchange,
    headers?: Record<string, string>,
  ) {
    this.#style = style;
    this.request = request;
    this.authInfo = authInfo;
    this.peer = peer;
    if (arrivedAt !== undefined) this.#now = peer;
    this.#resolve = resolve;
    this.#ownHeaders = headers;
  }

  respond(text: string, error?: ProtocolError): void {
    const status = error === undefined ? 200 : this.#style.status(error);
    const held = this.#takeHeld();
    const headers = this.#headers;
    this.#endQuiet();
    if (this.#stream !== undefined) {
      this.#stream.end(frame(text));
    } else if (error instanceof InsufficientScopeError) {
      const refused = this.#style.challenge(error, this.authInfo);
      this.#resolve(
        jsonResponseWith(text, refused.status, {
          ...headers,
          ...refused.headers,
        }),
      );
    } else if (error instanceof RefusedError) {
      this.#resolve(refusedResponse(error, text, headers));
    } else if (status !== 200) {
      // An error's status must not hide behind a stream's; what was held is lost.
      this.#resolve(
        jsonResponseWith(this.#bodyOf(text), status, headers),
      );
    } else if (held !== "" || this.#style.streamAlways) {
      this.#resolve(
        eventsResponse(this.#bodyOf(held + frame(text)), headers),
      );
    } else if (headers === undefined) {
      this.#resolve(jsonResponse(this.#bodyOf(text)));
    } else {
      this.#resolve(
        jsonResponseWith(this.#bodyOf(text), status, headers),
      );
    }
  }

  addHeaders(headers: Record<string, string>): void {
    this.#ownHeaders = withHeaders(this.#ownHeaders, headers);
  }

  /** A long answer waits for its client as events do, and no longer. */
  #bodyOf(text: string): string | ReadableStream<Uint8Array> {
    if (text.length <= AHEAD_BYTES) return text;
    if (this.#style.streams.takesWhole(text.length, this.#now)) return text;
    const { account } = this;
    const stream = this.#style.streams.open({
      account,
      gone: () => {},
      logFields: () => this.logFields(),
    });
    stream.end(text);
    return stream.body;
  }

  /** Account that what waits for the client counts for. */
  get account(): string {
    return this.#style.accountOf(this);
  }

  send(text: string): void {
    if (this.#stream !== undefined) {
      this.#stream.writeMessage(text);
      return;
    }
    if (this.#held === "") this.#holdFor(HELD_TURNS);
    this.#held += frame(text);
    if (this.#held.length > AHEAD_BYTES) this.#openStream();
  }

  caughtUp(): Promise<void> | undefined {
    return this.#stream?.caughtUp();
  }

  /** What the response has beside its type. */
  get #headers(): Record<string, string> | undefined {
    return this.#style.readiness.draining
      ? { ...this.#ownHeaders, ...LAST_ON_CONNECTION }
      : this.#ownHeaders;
  }

  /** Takes what was held back; a turn in waiting then has no stream to open. */
  #takeHeld(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  #holdFor(turns: number): void {
    queueMicrotask(() => {
      if (this.#held === "" || this.#stream !== undefined) return;
      if (turns > 0) this.#holdFor(turns - 1);
      else this.#openStream();
    });
  }

  /** Called once its request is being worked on: who waits long gets a stream. */
  wait(): void {
    this.#now = undefined;
    if (this.#begun) return;
    this.peer = lastingPeer(this.peer);
    if (this.#held === "") this.#style.quiet.add(this);
  }

  /** Begins the stream with nothing to say yet, so that nobody takes it for dead. */
  breakSilence(): void {
    if (!this.#begun) this.#openStream();
  }

  #openStream(): void {
    this.peer = lastingPeer(this.peer);
    const stream = this.#style.streams.open(this, this.authInfo);
    this.#endQuiet();
    if (this.#held === "") stream.beat();
    else stream.write(this.#takeHeld());
    this.#stream = stream;
    this.#resolve(new Response(stream.body, { headers: this.#sseHeaders() }));
    // It would keep the response for as long as the stream is open (bench:soak).
    this.#resolve = RESPONDED;
  }

  gone(reason: unknown): void {
    if (!this.#style.leavingCancels && !(reason instanceof SlowClientError)) {
      return;
    }
    this.#onGone?.(reason);
    this.#watcher?.cancel(reason);
  }

  logFields(): Record<string, unknown> {
    return this.#watcher?.logFields() ?? {};
  }

  #sseHeaders(): Record<string, string> {
    return { ...SSE_HEADERS, ...this.#headers };
  }

  abandon(): void {
    this.#takeHeld();
    this.#endQuiet();
    if (this.#stream !== undefined) this.#stream.close();
    else {
      const { abandonedStatus: status } = this.#style;
      this.#resolve(new Response(null, { status, headers: this.#headers }));
    }
  }

  onDisconnect(callback: (reason: unknown) => void): void {
    const others = this.#onGone;
    this.#onGone = (reason) => {
      others?.(reason);
      callback(reason);
    };
    if (this.#style.leavingCancels) this.#watchRequest(callback);
  }

  /**
   * Until a response has begun, Deno (2.9) tells of the going of a client only if
   * its request came in one small piece; once it has, its stream tells.
   */
  #watchRequest(callback: (reason: unknown) => void): void {
    // A stream, open or about to be, tells of it by itself, and at less cost.
    if (this.#stream !== undefined || this.#held !== "") return;
    // Deno aborts this signal after a good answer too; by then nobody listens.
    const { signal } = this.request;
    if (signal.aborted) callback(signal.reason);
    else {
      signal.addEventListener("abort", () => callback(signal.reason), {
        once: true,
      });
    }
  }

  #endQuiet(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#style.quiet.delete(this);
  }

  /** Names who is cancelled if the client leaves its stream. */
  watch(watcher: Cancellable): void {
    this.#watcher = watcher;
  }
}
