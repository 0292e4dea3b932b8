import { type ReadOptions, readOptions } from "../../base/option_rules.ts";
import type { MaybePromise } from "../../cache/cache_store.ts";
import { reportFailure } from "../../observe/log/logger.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import { AuthRefusal } from "../auth_refusal.ts";
import type {
  Authenticator,
  AuthenticatorHost,
  Presented,
  Verdict,
} from "../authenticator.ts";
import { bearerToken } from "../bearer_token.ts";
import { DpopProofs } from "./dpop_proofs.ts";
import { Introspection } from "./introspection.ts";
import { DEFAULT_ALGORITHMS, JwtVerifier } from "./jwt_verifier.ts";
import { KeySet } from "./key_set.ts";
import { OAUTH_OPTIONS, type OAuthOptions } from "./oauth_options.ts";
import { Provider } from "./provider.ts";
import { authInfoOf, checkClaims, type ClaimRules } from "./token_claims.ts";
import { StrangerLimit } from "./stranger_limit.ts";
import { TokenCache } from "./token_cache.ts";

const BEARER = "Bearer ";
/**
 * Before a bound token in the cache: no header can hold it, so that nobody finds
 * the token there as a bearer's.
 */
const BOUND = "\n";
const RETRY_MS = 1_000;

/**
 * Takes the access tokens of an OAuth 2.1 authorization server: JWTs by its
 * published keys, others by asking it. What has been checked is kept in mind, and
 * keys that are known serve on while the issuer is away.
 *
 * @throws {InvalidOptionError} naming the option
 *
 * @example
 * ```ts
 * import { McpServer, oauth } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "notes", version: "1.0.0" }, {
 *   publicUrl: "https://notes.example.com",
 *   auth: oauth({ issuer: "https://login.example.com" }),
 *   scopes: ["notes"],
 * });
 * server.registerTool("whoami", {}, (ctx) => ctx.caller?.subject);
 * ```
 */
export function oauth(options: OAuthOptions): Authenticator {
  return new OAuth(options);
}

class OAuth implements Authenticator {
  readonly scheme = "Bearer";
  readonly header = "authorization";
  readonly issuers: readonly string[];
  readonly audience: string | undefined;
  readonly proofAlgorithms: readonly string[] | undefined;
  readonly skewMs: number;
  readonly #verify: OAuthOptions["verify"];
  readonly #now: () => number;
  readonly #tokens: TokenCache;
  readonly #strangers: StrangerLimit | undefined;
  readonly #jwts: JwtVerifier;
  readonly #introspection: Introspection | undefined;
  readonly #proofs: DpopProofs | undefined;
  readonly #cacheMs: number;
  readonly #learning: Map<string, Promise<AuthInfo | "unknown">> = new Map();
  #rules: ClaimRules;
  #host: AuthenticatorHost | undefined;

  constructor(options: OAuthOptions) {
    const read = readOptions("oauth", options, OAUTH_OPTIONS);
    const { issuer, audience, skewMs, introspection, now, newTokens } = read;
    this.#verify = read.verify;
    this.#now = now;
    this.skewMs = skewMs;
    this.#cacheMs = read.cacheMs ??
      (introspection === undefined ? 300_000 : 60_000);
    this.#tokens = new TokenCache(read.maxTokens, now);
    this.#strangers = newTokens === false
      ? undefined
      : new StrangerLimit(newTokens, now);
    const provider = new Provider(read);
    this.issuers = [issuer];
    const audiences = audience === undefined ? [] : [audience].flat();
    this.audience = audiences.find((each) => URL.canParse(each));
    this.#rules = {
      issuer,
      audiences,
      needsAudience: read.verify === undefined,
      schema: read.claims,
      skewMs,
      scopesOf: read.scopesOf,
      now,
    };
    if (read.dpop) {
      this.proofAlgorithms = DEFAULT_ALGORITHMS;
      this.#proofs = new DpopProofs({
        algorithms: DEFAULT_ALGORITHMS,
        skewMs,
        now,
      });
    }
    this.#jwts = new JwtVerifier({
      issuer,
      algorithms: read.algorithms,
      keys: new KeySet(keySource(read.jwks, provider), now),
    });
    this.#introspection = introspection &&
      new Introspection(introspection, provider, this.#cacheMs);
  }

  attach(host: AuthenticatorHost): void {
    this.#host = host;
    if (this.#rules.audiences.length > 0 || host.resource === undefined) return;
    this.#rules = { ...this.#rules, audiences: [host.resource] };
  }

  identify(presented: Presented): MaybePromise<Verdict> {
    const { headers, address } = presented;
    const header = headers.get("authorization");
    if (header === null) return "absent";
    if (header.startsWith(BEARER)) {
      // Only good tokens are kept: this one needs no second look (bench/auth.ts).
      const known = this.#tokens.get(header.slice(BEARER.length));
      if (known !== undefined) return known;
    }
    const token = bearerToken(header);
    if (token !== undefined) {
      return this.#tokens.get(token) ?? this.#learn(token, address);
    }
    const bound = this.#proofs && bearerToken(header, "DPoP");
    return bound === undefined ? "absent" : this.#proven(bound, presented);
  }

  async #proven(
    token: string,
    { address, headers, method, url }: Presented,
  ): Promise<AuthInfo | "unknown"> {
    const key = BOUND + token;
    const known = this.#tokens.get(key) ?? await this.#learn(key, address);
    if (known === "unknown") return known;
    const { origin, pathname } = new URL(url);
    await this.#proofs!.check({
      proof: headers.get("dpop"),
      method,
      urls: [this.#host?.resource ?? "", origin + pathname],
      token,
      thumbprint: (known.extra?.cnf as JsonObject).jkt,
    });
    return known;
  }

  recognize(credential: string): MaybePromise<Verdict> {
    return /\s/.test(credential)
      ? "unknown"
      : this.#learn(credential, undefined);
  }

  /**
   * Checks a token once, however many requests present it meanwhile.
   *
   * @param key what it is kept under: itself, or marked as bound
   */
  #learn(
    key: string,
    address: string | undefined,
  ): Promise<AuthInfo | "unknown"> {
    const begun = this.#learning.get(key);
    if (begun !== undefined) return begun;
    const learning = this.#checked(key, address)
      .finally(() => this.#learning.delete(key));
    this.#learning.set(key, learning);
    return learning;
  }

  async #checked(
    key: string,
    address: string | undefined,
  ): Promise<AuthInfo | "unknown"> {
    if (address === undefined) return await this.#look(key);
    this.#takeTurn(address);
    try {
      const seen = await this.#look(key);
      if (seen !== "unknown") this.#strangers?.giveBack(address);
      return seen;
    } catch (error) {
      // That nobody could look at the token is not its fault.
      const { status } = error as { status?: number };
      if (status === 503) this.#strangers?.giveBack(address);
      throw error;
    }
  }

  async #look(key: string): Promise<AuthInfo | "unknown"> {
    const isProven = key.startsWith(BOUND);
    const token = isProven ? key.slice(BOUND.length) : key;
    const check = (claims: JsonObject) =>
      checkClaims(claims, isProven, this.#rules);
    const claims = await this.#claimsOf(token, check);
    if (claims === undefined) return "unknown";
    check(claims);
    const authInfo = await authInfoOf(
      token,
      claims,
      this.#rules,
      this.#host?.resource,
    );
    const { expiresAt = Infinity } = authInfo;
    this.#tokens.set(
      key,
      authInfo,
      Math.min(expiresAt * 1_000 + this.skewMs, this.#now() + this.#cacheMs),
    );
    return authInfo;
  }

  /** @throws {AuthRefusal} for an address whose tokens were no good too often */
  #takeTurn(address: string): void {
    const retryAfterMs = this.#strangers?.take(address) ?? 0;
    if (retryAfterMs === 0) return;
    throw new AuthRefusal(429, "too many new tokens from this address", {
      retryAfterMs,
    });
  }

  async #claimsOf(
    token: string,
    check: (claims: JsonObject) => void,
  ): Promise<JsonObject | undefined> {
    const verify = this.#verify;
    try {
      if (verify !== undefined) return await verify(token);
      return await this.#jwts.verify(token, check) ??
        await this.#introspected(token);
    } catch (error) {
      if (error instanceof AuthRefusal) throw error;
      if (this.#host !== undefined) {
        const { issuer } = this.#rules;
        reportFailure(this.#host.log, "checking a token", error, { issuer });
      }
      throw new AuthRefusal(503, "tokens can't be checked at the moment", {
        retryAfterMs: RETRY_MS,
      });
    }
  }

  /** A JWT says whose it is: another issuer's is not sent to this one. */
  async #introspected(token: string): Promise<JsonObject | undefined> {
    return token.split(".").length === 3
      ? undefined
      : await this.#introspection?.verify(token);
  }
}

function keySource(
  jwks: ReadOptions<typeof OAUTH_OPTIONS>["jwks"],
  provider: Provider,
): () => Promise<JsonObject> {
  if (jwks === undefined) {
    return async () => await provider.ask(await provider.endpoint("jwks_uri"));
  }
  return jwks instanceof URL
    ? () => provider.ask(jwks)
    : () => Promise.resolve({ ...jwks });
}
