import type { MaybePromise } from "../cache/cache_store.ts";
import type { Log } from "../observe/log/log.ts";
import type { AuthInfo } from "../protocol/types.ts";

/** Credentials as a client presents them, and from where. */
export interface Presented {
  /** The request's headers. */
  readonly headers: Headers;
  /** The address at the other end of the connection; empty if nobody knows. */
  readonly address: string;
  /** The request's method. */
  readonly method: string;
  /** The request's URL, as it came in. */
  readonly url: string;
}

/**
 * Outcome of a look at what is presented: the caller; `"absent"` if there is no
 * credential of the authenticator's kind; `"unknown"` if there is one that it
 * doesn't know, but another may.
 */
export type Verdict =
  | AuthInfo
  | "absent"
  | "unknown";

/** Facts that a server tells its authenticators. */
export interface AuthenticatorHost {
  /** The server's log. */
  readonly log: Log;
  /** The canonical URI of the MCP endpoint, without a slash at its end. */
  readonly resource: string | undefined;
}

/**
 * Knows callers by one kind of credential: made by {@linkcode oauth} and
 * {@linkcode apiKeys}, and handed to a server as its option `auth`.
 */
export interface Authenticator {
  /** The authentication scheme of its challenge (RFC 9110, section 11). */
  readonly scheme: string;
  /** The header that carries its credential. */
  readonly header: string;
  /** Authorization servers that issue its tokens. */
  readonly issuers: readonly string[];
  /** The URL that its tokens are for, if there is one. */
  readonly audience: string | undefined;
  /** Algorithms of proofs that a caller holds its token's key; none without DPoP. */
  readonly proofAlgorithms?: readonly string[];
  /** Milliseconds by which clocks may differ. */
  readonly skewMs: number;
  /**
   * Says who is calling.
   *
   * @throws {AuthRefusal} for a credential of its own that is no good
   */
  identify(presented: Presented): MaybePromise<Verdict>;
  /**
   * Says whose a credential is that came by another way than HTTP.
   *
   * @throws {AuthRefusal} for a credential of its own that is no good
   */
  recognize(credential: string): MaybePromise<Verdict>;
  /** Takes what the server tells it, before the first request. */
  attach(host: AuthenticatorHost): void;
}
