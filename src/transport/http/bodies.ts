import { isNetworkPeer } from "../../base/network_peer.ts";
import type { Clock } from "../../base/clock.ts";
import { option, type OptionRules } from "../../base/option_rules.ts";
import { SharedRoom } from "../../base/shared_room.ts";
import { TimedQueue } from "../../base/timed_queue.ts";
import type { Reply } from "../../server/calls/reply.ts";
import { ArrivingBody, UNCOUNTED_BYTES } from "./arriving_body.ts";
import {
  type BodyError,
  BodyLateError,
  parseBody,
  readFailure,
  readText,
} from "./body.ts";
import { bufferedText, type PromptRequest, waits } from "./served_request.ts";

/** Number of bodies of the largest size for which there is room at once. */
const FULL_BODIES = 64;

/** Limits on the bodies of requests. */
export interface BodyLimits {
  /**
   * The largest body taken, in bytes. For all that are on their way there is room
   * for 64 of that size, for one caller for half of these.
   * @default 4194304
   */
  maxBodyBytes?: number;
  /**
   * Milliseconds in which the body of a request must have come; then it is answered
   * with 408. `Infinity` for any time.
   * @default 60000
   */
  bodyTimeoutMs?: number;
}

/** How they are read. */
export const BODY_LIMITS = {
  maxBodyBytes: option.integer(4 * 1024 * 1024, 1),
  bodyTimeoutMs: option.timeoutMs(60_000, 1),
} satisfies OptionRules<BodyLimits>;

/** Who sends a body. */
export type BodySender = Pick<Reply, "authInfo" | "peer">;

/** A request whose body is read. */
export type BodyRequest = PromptRequest & BodySender;

/** What becomes of a body: one of the two is called, once. */
export interface BodyTaker<Sent extends BodyRequest> {
  /** It has been read and parsed. */
  take(message: unknown, bytes: number, sent: Sent): void;
  fail(failure: BodyError, sent: Sent): void;
}

/** Reads the bodies of requests: so much at once, and each for so long. */
export class Bodies {
  readonly #maxBytes: number;
  readonly #room: SharedRoom;
  readonly #awaited: TimedQueue<ArrivingBody>;
  readonly #accountOf: (sender: BodySender) => string;

  constructor(
    clock: Clock,
    accountOf: (sender: BodySender) => string,
    { maxBodyBytes, bodyTimeoutMs }: Required<BodyLimits>,
  ) {
    this.#maxBytes = maxBodyBytes;
    this.#room = new SharedRoom(
      FULL_BODIES * Math.max(maxBodyBytes, UNCOUNTED_BYTES),
    );
    this.#awaited = new TimedQueue(
      clock,
      bodyTimeoutMs,
      (body) => body.late(),
    );
    this.#accountOf = accountOf;
  }

  /** Number of bodies on their way over the network. */
  get size(): number {
    return this.#awaited.size;
  }

  /** @param sent by one that is no peer on a network, it has its body here already */
  read<Sent extends BodyRequest>(sent: Sent, taker: BodyTaker<Sent>): void {
    const { request } = sent;
    const header = sent.headers.get("content-length");
    const declared = header === null ? undefined : Number(header);
    const text = declared !== undefined && declared <= this.#maxBytes
      ? bufferedText(request)
      : undefined;
    if (text === undefined) this.#await(sent, declared, taker);
    else take(text, declared, declared!, sent, taker);
  }

  #await<Sent extends BodyRequest>(
    sent: Sent,
    declared: number | undefined,
    taker: BodyTaker<Sent>,
  ): void {
    waits(sent);
    const body = new ArrivingBody(this.#room, {
      account: () => this.#accountOf(sent),
      late: () => taker.fail(new BodyLateError(), sent),
    });
    if (isNetworkPeer(sent.peer)) this.#awaited.push(body);
    readText(sent.request, declared, this.#maxBytes, body).then(
      (text) => {
        if (this.#end(body)) take(text, undefined, body.size, sent, taker);
      },
      (error) => {
        if (this.#end(body)) taker.fail(readFailure(error), sent);
      },
    );
  }

  /** False if it came too late. */
  #end(body: ArrivingBody): boolean {
    if (body.isLate) return false;
    this.#awaited.delete(body);
    body.end();
    return true;
  }

  /** Waits for none any more. */
  close(): void {
    this.#awaited.stopWatching();
  }
}

/** @param declared bytes of a text that was read whatever they were */
function take<Sent extends BodyRequest>(
  text: string,
  declared: number | undefined,
  bytes: number,
  sent: Sent,
  taker: BodyTaker<Sent>,
): void {
  let message: unknown;
  try {
    message = parseBody(text, declared);
  } catch (error) {
    taker.fail(readFailure(error), sent);
    return;
  }
  taker.take(message, bytes, sent);
}
