import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { StandardSchema } from "../../protocol/standard_schema.ts";
import type { IntrospectionOptions } from "./introspection.ts";

/** How many tokens that nobody has seen yet an address may present. */
export interface NewTokensLimit {
  /** Number of tokens in `intervalMs`. */
  limit: number;
  /** A whole number of milliseconds. */
  intervalMs: number;
}

/** Whose tokens are taken, and how they are checked. */
export interface OAuthOptions {
  /** The authorization server, exactly as it names itself. */
  issuer: string;
  /**
   * What tokens must be for: one of these must be in their `aud`.
   * @default the server's `publicUrl` with its endpoint's path
   */
  audience?: string | readonly string[];
  /**
   * Asymmetric signature algorithms that are taken.
   * @default all of RS, PS and ES, and Ed25519
   */
  algorithms?: readonly string[];
  /**
   * Where the issuer's keys are, or the keys themselves.
   * @default the `jwks_uri` that discovery finds
   */
  jwks?: string | { keys: readonly object[] };
  /**
   * Asks the issuer about tokens that aren't JWTs.
   * @default such tokens are not known
   */
  introspection?: IntrospectionOptions;
  /**
   * Checks tokens in a way of your own, instead of all others: returns the
   * claims, or `undefined` for a token that isn't good. What there is of `iss`,
   * `exp`, `nbf` and `aud` is checked as ever.
   */
  verify?: (
    token: string,
  ) => JsonObject | undefined | Promise<JsonObject | undefined>;
  /**
   * Take tokens that are bound to a key, with a proof by it in each request (RFC
   * 9449). Without this they are refused: nobody would look at the proof.
   * @default false
   */
  dpop?: boolean;
  /** What the claims must be; who has others is turned away. */
  claims?: StandardSchema;
  /**
   * Finds the scopes among the claims.
   * @default those of `scope` or `scp`
   */
  scopesOf?: (claims: JsonObject) => readonly string[];
  /**
   * Milliseconds by which the clocks of issuer and server may differ.
   * @default 30000
   */
  skewMs?: number;
  /**
   * Milliseconds after which a token that is still good is checked again.
   * @default 300000; 60000 where the issuer is asked, which tells what it revoked
   */
  cacheMs?: number;
  /**
   * How many tokens are kept in mind once they have been checked.
   * @default 10000
   */
  maxTokens?: number;
  /**
   * How many tokens that nobody has seen yet an address may present, since each
   * costs a signature; `false` for any number.
   * @default 200 in 10 seconds
   */
  newTokens?: NewTokensLimit | false;
  /**
   * Milliseconds that the issuer has to answer in.
   * @default 5000
   */
  timeoutMs?: number;
  /**
   * What the issuer is asked with.
   * @default fetch
   */
  fetch?: typeof fetch;
  /**
   * Source of the time, in milliseconds since the epoch.
   * @default Date.now
   */
  now?: () => number;
}
