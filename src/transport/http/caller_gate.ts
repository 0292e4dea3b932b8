import type { Log } from "../../observe/log/log.ts";
import { AuthRefusal } from "../../auth/auth_refusal.ts";
import type { HttpAuth } from "../../auth/http_auth.ts";
import { quote } from "../../base/options.ts";
import {
  addressOf,
  askedUrlOf,
  type NetworkPeer,
} from "../../base/network_peer.ts";
import { isThenable } from "../../base/thenable.ts";
import { reportFailure } from "../../observe/log/logger.ts";
import { isObject } from "../../protocol/jsonrpc.ts";
import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import { checkAuthInfo } from "../../server/identity/caller.ts";
import type { FetchContext, HttpOptions } from "./http_options.ts";
import { INTERNAL_ERROR, refusal } from "./http_response.ts";

/** Identity of the caller, `undefined` if unknown, or the answer instead. */
export type Identified = AuthInfo | Response | undefined;

/** Settings for telling callers apart, if they are. */
export interface CallerGateOptions {
  readonly auth: HttpAuth | undefined;
  readonly authenticate: HttpOptions["authenticate"];
  readonly log: Log;
}

/** Finds out who is calling, and turns away who must say so and doesn't. */
export class CallerGate {
  readonly #auth: HttpAuth | undefined;
  readonly #authenticate: HttpOptions["authenticate"];
  readonly #log: Log;

  constructor({ auth, authenticate, log }: CallerGateOptions) {
    this.#auth = auth;
    this.#authenticate = authenticate;
    this.#log = log;
  }

  /** Tells if a path is one of the metadata for OAuth clients. */
  servesMetadata(pathname: string): boolean {
    return this.#auth?.resource?.serves(pathname) === true;
  }

  /** Answers a request for the metadata. */
  metadata(request: Request): Response {
    return this.#auth!.resource!.handle(request);
  }

  /** Turns away a request whose URL holds what it must not. */
  refuseUrl(url: URL): Response | undefined {
    const fault = this.#auth?.faultOf(url);
    return fault && this.#turnAway(fault);
  }

  /** Identity of the caller, `undefined` if unknown, or the answer instead. */
  identify(
    request: Request,
    context: FetchContext | undefined,
    peer: NetworkPeer | undefined,
  ): Identified | Promise<Identified> {
    const authInfo = context?.authInfo;
    if (authInfo !== undefined) return this.#givenByHost(authInfo);
    if (this.#auth === undefined) {
      return this.#authenticate === undefined
        ? undefined
        : this.#askAuthor(request);
    }
    const known = this.#auth.identify({
      headers: request.headers,
      address: addressOf(peer) ?? "",
      method: request.method,
      url: askedUrlOf(request, peer),
    });
    return isThenable(known)
      ? known.then((each) => this.#callerOr(each))
      : this.#callerOr(known);
  }

  #callerOr(known: AuthInfo | AuthRefusal): AuthInfo | Response {
    return known instanceof AuthRefusal ? this.#turnAway(known) : known;
  }

  /** Says what would let the caller in. */
  #turnAway(refused: AuthRefusal): Response {
    const { status, headers } = this.#auth!.challenges.of(refused);
    const error = new ProtocolError(
      ProtocolErrorCode.InvalidRequest,
      `${status === 401 ? "Unauthorized" : "Not let in"}: ${refused.message}`,
    );
    return refusal(status, error, null, headers);
  }

  #givenByHost(authInfo: AuthInfo): Identified {
    try {
      return checkOutcome(authInfo);
    } catch (error) {
      return this.#turnAwayUntold("authInfo", error);
    }
  }

  async #askAuthor(request: Request): Promise<Identified> {
    try {
      return checkOutcome(await this.#authenticate!(request));
    } catch (error) {
      return this.#turnAwayUntold("authenticate", error);
    }
  }

  /** Who can't be told apart is not let in. */
  #turnAwayUntold(source: string, error: unknown): Response {
    reportFailure(this.#log, source, error);
    return refusal(500, INTERNAL_ERROR);
  }
}

/** @throws {TypeError} for what is neither a caller, nor a response, nor nothing */
function checkOutcome(outcome: unknown): Identified {
  if (outcome === undefined || outcome instanceof Response) return outcome;
  if (isObject(outcome)) {
    const authInfo = outcome as unknown as AuthInfo;
    checkAuthInfo(authInfo);
    return authInfo;
  }
  throw new TypeError(
    `it must return who is calling, a response or undefined, got ${
      quote(outcome)
    }`,
  );
}
