import type { HeaderList, HttpRequest } from "./http_request.ts";
import type { ResponseHead } from "./response_head.ts";

/** Told what a {@linkcode RoundTrip} waits for. */
export interface TripWatch {
  /** A connection is being made. */
  connecting(): void;
  /** It is there, or the server has taken more of the request. */
  progressed(): void;
  /** It is given up, with this reason. */
  abort(reason: unknown): void;
}

export type Bytes = Uint8Array<ArrayBuffer>;

/** A body that is read piece by piece. */
export interface BodyReader {
  /** True once all of it has been read, as far as is known. */
  readonly isOver: boolean;
  /**
   * The next piece, good until the next call; undefined at the end.
   *
   * @throws {TripError} when it doesn't end as it should.
   */
  read(): Bytes | undefined | Promise<Bytes | undefined>;
}

/** One request on its way to one origin, and its response on the way back. */
export interface RoundTrip extends BodyReader {
  /**
   * Sends the request; returns when the response has begun.
   *
   * @throws {TripError} when none came.
   * @throws {InvalidOptionError} when the request can't be sent as it is.
   */
  send(headers: HeaderList): Promise<ResponseHead>;
  /** False if the response has no body, not even an empty one. */
  readonly hasBody: boolean;
  /** Ends it at once: what waits for it fails. */
  abort(reason: unknown): void;
  /** Lets its connection go, for another request if all has been read. */
  release(): void;
}

/** The means by which requests reach one origin. */
export interface Transport {
  begin(request: HttpRequest, watch: TripWatch): RoundTrip;
  /** Closes the connections that nobody uses. */
  close(): void;
}

/** A round trip came to nothing. */
export class TripError extends Error {
  override readonly name = "TripError";

  /**
   * @param sent Whether the server may have seen the request.
   * @param cause What the runtime threw, if it did.
   */
  constructor(message: string, readonly sent: boolean, cause?: unknown) {
    super(message, { cause });
  }
}
