import { option, type OptionRules } from "../../base/option_rules.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { StandardSchema } from "../../protocol/standard_schema.ts";
import { ASKING_OPTIONS } from "../fetch_json.ts";
import { checkProviderUrl } from "../protected_resource.ts";
import {
  INTROSPECTION_OPTIONS,
  type IntrospectionOptions,
} from "./introspection.ts";
import { readAlgorithms } from "./jwt_verifier.ts";
import { scopesIn } from "./token_claims.ts";

/** Limit of tokens that nobody has seen yet, by address. */
export interface NewTokensLimit {
  /** Number of tokens in `intervalMs`. */
  limit: number;
  /** A whole number of milliseconds. */
  intervalMs: number;
}

/** Options of {@linkcode oauth}: the issuer, and the checks of its tokens. */
export interface OAuthOptions {
  /** The authorization server, exactly as it names itself. */
  issuer: string;
  /**
   * Audiences: one of these must be in a token's `aud`.
   * @default the server's `publicUrl` with its endpoint's path
   */
  audience?: string | readonly string[];
  /**
   * Asymmetric signature algorithms that are taken.
   * @default all of RS, PS and ES, and Ed25519
   */
  algorithms?: readonly string[];
  /**
   * URL of the issuer's keys, or the keys themselves.
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
  /** Schema of the claims; who has others is turned away. */
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
   * Number of tokens that are kept in mind once they have been checked.
   * @default 10000
   */
  maxTokens?: number;
  /**
   * Number of tokens that nobody has seen yet an address may present, since each
   * costs a signature; those that prove good don't count. `false` for any number.
   * @default 200 in 10 seconds
   */
  newTokens?: NewTokensLimit | false;
  /**
   * Milliseconds that the issuer has to answer in.
   * @default 5000
   */
  timeoutMs?: number;
  /**
   * Function that the issuer is asked with.
   * @default fetch
   */
  fetch?: typeof fetch;
  /**
   * Source of the time, in milliseconds since the epoch.
   * @default Date.now
   */
  now?: () => number;
}

const NEW_TOKENS = {
  limit: option.integer(undefined, 1),
  intervalMs: option.integer(undefined, 1),
} satisfies OptionRules<NewTokensLimit>;

/** How they are read. */
export const OAUTH_OPTIONS = {
  ...ASKING_OPTIONS,
  issuer: readIssuer,
  audience: option.optional<OAuthOptions["audience"]>(),
  algorithms: readAlgorithms,
  jwks: readJwks,
  introspection: option.ifGiven(option.group(INTROSPECTION_OPTIONS)),
  verify: option.function<OAuthOptions["verify"]>(undefined),
  dpop: option.flag(false),
  claims: option.optional<StandardSchema>(),
  scopesOf: option.function(scopesIn),
  skewMs: option.durationMs(30_000),
  cacheMs: option.ifGiven(option.durationMs(undefined)),
  maxTokens: option.integer(10_000, 1),
  newTokens: option.unlessFalse(
    option.group(NEW_TOKENS, { limit: 200, intervalMs: 10_000 }),
  ),
} satisfies OptionRules<OAuthOptions>;

/** It is compared as it is written. */
function readIssuer(name: string, given: unknown): string {
  checkProviderUrl(name, given);
  return given as string;
}

function readJwks(
  name: string,
  given: unknown,
): URL | { keys: readonly object[] } | undefined {
  return given === undefined || typeof given === "object"
    ? given as { keys: readonly object[] } | undefined
    : checkProviderUrl(name, given);
}
