import { isNetworkPeer } from "../../base/network_peer.ts";
import type { Clock } from "../../base/clock.ts";
import { checkInteger, checkTimeoutMs } from "../../base/options.ts";
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

/** Who sends a body. */
export type BodySender = Pick<Reply, "authInfo" | "peer">;

/** What becomes of a body: one of the two is called, once. */
export interface BodyTaker {
  /** It has been read and parsed. */
  take(message: unknown, bytes: number): void;
  fail(failure: BodyError): void;
}

/** Reads the bodies of requests: so much at once, and each for so long. */
export class Bodies {
  readonly #maxBytes: number;
  readonly #room: SharedRoom;
  readonly #awaited: TimedQueue<ArrivingBody>;
  readonly #accountOf: (sender: BodySender) => string;

  /** @throws {InvalidOptionError} */
  constructor(
    clock: Clock,
    accountOf: (sender: BodySender) => string,
    { maxBodyBytes = 4 * 1024 * 1024, bodyTimeoutMs = 60_000 }: BodyLimits,
  ) {
    this.#maxBytes = checkInteger("maxBodyBytes", maxBodyBytes, 1);
    this.#room = new SharedRoom(
      FULL_BODIES * Math.max(maxBodyBytes, UNCOUNTED_BYTES),
    );
    this.#awaited = new TimedQueue(
      clock,
      checkTimeoutMs("bodyTimeoutMs", bodyTimeoutMs, 1),
      (body) => body.late(),
    );
    this.#accountOf = accountOf;
  }

  /** Number of bodies on their way over the network. */
  get size(): number {
    return this.#awaited.size;
  }

  /** @param sender one that is no peer on a network has its body here already */
  read(request: Request, sender: BodySender, taker: BodyTaker): void {
    const declared = request.headers.get("content-length");
    let bytes = Number(declared);
    const onCounted = declared === null
      ? (counted: number) => bytes = counted
      : undefined;
    const body = new ArrivingBody(this.#room, {
      account: () => this.#accountOf(sender),
      late: () => taker.fail(new BodyLateError()),
    });
    if (isNetworkPeer(sender.peer)) this.#awaited.push(body);
    readText(request, declared, this.#maxBytes, onCounted, body).then(
      (text) => {
        if (!this.#end(body)) return;
        let message: unknown;
        try {
          message = parseBody(text, declared === null ? undefined : bytes);
        } catch (error) {
          taker.fail(readFailure(error));
          return;
        }
        taker.take(message, bytes);
      },
      (error) => {
        if (this.#end(body)) taker.fail(readFailure(error));
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
