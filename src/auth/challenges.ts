import { retryAfterSeconds } from "../protocol/protocol_errors.ts";
import type { AuthInfo } from "../protocol/types.ts";
import type { InsufficientScopeError } from "../server/identity/access_errors.ts";
import { isScope } from "../server/identity/guard.ts";
import type { AuthRefusal } from "./auth_refusal.ts";
import type { Authenticator } from "./authenticator.ts";

/** Names in a challenge, whoever it is for. */
export interface ChallengesOptions {
  readonly authenticators: readonly Authenticator[];
  /** Scopes that every request needs. */
  readonly scopes: readonly string[];
  /** Address of the metadata of the protected resource. */
  readonly metadataUrl: string | undefined;
}

/** Form in which a request is turned away. */
export interface Challenge {
  readonly status: number;
  readonly headers: Record<string, string>;
}

/** Asking for it is the client's affair: no request needs it. */
const OFFLINE_ACCESS = "offline_access";

/** Tells those who are turned away what would let them in (RFC 6750, RFC 9728). */
export class Challenges {
  readonly #options: ChallengesOptions;

  constructor(options: ChallengesOptions) {
    this.#options = options;
  }

  /** For a credential that is missing, or no good. */
  of({ status, code, message, retryAfterMs }: AuthRefusal): Challenge {
    const headers: Record<string, string> = {};
    if (retryAfterMs !== undefined) {
      headers["retry-after"] = retryAfterSeconds(retryAfterMs);
    }
    if (status === 400 || status === 401) {
      headers["www-authenticate"] = this.#text({
        error: code,
        error_description: code && message,
        scope: scopeText(this.#options.scopes),
      });
    }
    return { status, headers };
  }

  /**
   * For a caller that lacks a scope: names what the request needs, and what was
   * granted already, so that a client that asks for it loses nothing.
   */
  insufficientScope(
    { scopes, message }: InsufficientScopeError,
    authInfo: AuthInfo | undefined,
  ): Challenge {
    const known = authInfo !== undefined;
    const text = this.#text({
      error: known ? "insufficient_scope" : undefined,
      error_description: known ? message : undefined,
      scope: scopeText([...authInfo?.scopes ?? [], ...scopes]),
    });
    return { status: known ? 403 : 401, headers: { "www-authenticate": text } };
  }

  /** Bearer comes first: some clients read no further. */
  #text(params: Record<string, string | undefined>): string {
    const { authenticators, metadataUrl } = this.#options;
    const others = authenticators.filter(({ scheme }) => scheme !== "Bearer");
    const isBearer = others.length < authenticators.length ||
      authenticators.length === 0;
    const bearer = challengeText("Bearer", {
      ...params,
      resource_metadata: metadataUrl,
    });
    const algorithms = authenticators.flatMap((each) =>
      each.proofAlgorithms ?? []
    );
    return [
      ...isBearer ? [bearer] : [],
      ...algorithms.length > 0
        ? [challengeText("DPoP", { ...params, algs: algorithms.join(" ") })]
        : [],
      ...others.map(({ scheme, header }) => challengeText(scheme, { header })),
    ].join(", ");
  }
}

/** What a token was granted may hold anything, and a header may not. */
function scopeText(scopes: readonly string[]): string | undefined {
  const named = new Set(scopes.filter(isScope));
  named.delete(OFFLINE_ACCESS);
  return named.size === 0 ? undefined : [...named].join(" ");
}

function challengeText(
  scheme: string,
  params: Record<string, string | undefined>,
): string {
  const given = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}="${quotable(value)}"`
  );
  return given.length === 0 ? scheme : `${scheme} ${given.join(", ")}`;
}

/** A text in the characters that a challenge may have (RFC 6750, section 3). */
function quotable(text: string): string {
  return text.replaceAll(/["\\]/g, "'").replaceAll(/[^\x20-\x7e]/g, "?");
}
