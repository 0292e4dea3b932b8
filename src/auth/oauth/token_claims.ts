import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import {
  issuesText,
  type StandardSchema,
} from "../../protocol/standard_schema.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import { invalidToken } from "../auth_refusal.ts";
import { hexDigest } from "../digest.ts";
import { canonicalUri } from "../protected_resource.ts";

/** Rules for the claims of a token. */
export interface ClaimRules {
  readonly issuer: string;
  /** One of these must be in `aud`. */
  readonly audiences: readonly string[];
  /** True if a token without `aud` is refused. */
  readonly needsAudience: boolean;
  readonly schema: StandardSchema | undefined;
  readonly skewMs: number;
  scopesOf(claims: JsonObject): readonly string[];
  now(): number;
}

/**
 * @param isProven whether it comes with a proof of its key
 * @throws {AuthRefusal} for claims that are not, or no longer, good here
 */
export function checkClaims(
  { iss, aud, exp, nbf, cnf }: JsonObject,
  isProven: boolean,
  { issuer, audiences, needsAudience, skewMs, now }: ClaimRules,
): void {
  if (iss !== undefined && iss !== issuer) {
    throw invalidToken("the token is of another issuer");
  }
  if (aud !== undefined || needsAudience) {
    const named = (Array.isArray(aud) ? aud : [aud])
      .filter((each) => typeof each === "string").map(canonicalUri);
    if (!audiences.some((each) => named.includes(canonicalUri(each)))) {
      throw invalidToken("the token is for another audience");
    }
  }
  const at = now();
  if (exp !== undefined && !(endMs(exp) + skewMs > at)) {
    throw invalidToken("the token has expired");
  }
  if (nbf !== undefined && !(endMs(nbf) - skewMs <= at)) {
    throw invalidToken("the token is not valid yet");
  }
  if (isProven && !(isObject(cnf) && typeof cnf.jkt === "string")) {
    throw invalidToken("the token is bound to no key");
  }
  // What can't be read may be a binding, too.
  if (!isProven && cnf !== undefined) {
    throw invalidToken("the token is bound to a key, and comes without proof");
  }
}

/** NaN, which no comparison holds for, for what is no time. */
function endMs(seconds: unknown): number {
  return typeof seconds === "number" ? seconds * 1_000 : NaN;
}

/** The caller whose token says this. @throws {AuthRefusal} if the schema wants more */
export async function authInfoOf(
  token: string,
  claims: JsonObject,
  { issuer, schema, scopesOf }: ClaimRules,
  resource: string | undefined,
): Promise<AuthInfo> {
  const checked = await schema?.["~standard"].validate(claims);
  if (checked?.issues !== undefined) {
    throw invalidToken(`the token's claims: ${issuesText(checked.issues)}`);
  }
  const { exp } = claims;
  const client = [claims.client_id, claims.azp, claims.cid, claims.sub]
    .find((each) => typeof each === "string" && each !== "");
  return {
    token,
    // A token that names nobody is a caller of its own.
    clientId: client as string | undefined ??
      `sha256:${await hexDigest(token)}`,
    scopes: [...scopesOf(claims)],
    ...(typeof exp === "number" && { expiresAt: exp }),
    ...(resource !== undefined && { resource: new URL(resource) }),
    extra: { ...claims, iss: issuer },
  };
}

/** The scopes of a token: a text of them (RFC 9068), or a list in some places. */
export function scopesIn({ scope, scp }: JsonObject): readonly string[] {
  const given = scope ?? scp;
  const list = typeof given === "string" ? given.split(" ") : given;
  return Array.isArray(list)
    ? list.filter((each) => typeof each === "string" && each !== "")
    : [];
}
