import type { JWTPayload } from "jose";
import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { invalidToken } from "../auth_refusal.ts";
import type { KeySet } from "./key_set.ts";

/** Algorithms whose keys can be public. */
const ASYMMETRIC = /^(?:RS|PS|ES)(?:256|384|512)$|^EdDSA$|^Ed25519$/;

/** Those that are taken unless an issuer's own are named. */
export const DEFAULT_ALGORITHMS: readonly string[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** Kinds of JWT that may be an access token (RFC 9068, section 4). */
const ACCESS_TYPES: ReadonlySet<unknown> = new Set([
  undefined,
  "jwt",
  "at+jwt",
  "application/at+jwt",
]);

/** Settings for checking the tokens of an issuer. */
export interface JwtVerifierOptions {
  readonly issuer: string;
  readonly algorithms: readonly string[];
  readonly keys: KeySet;
}

/** Checks tokens that say who they are for themselves. */
export class JwtVerifier {
  readonly #options: JwtVerifierOptions;

  constructor(options: JwtVerifierOptions) {
    this.#options = options;
  }

  /**
   * The claims of a token, whose signature is good; `undefined` if it is no JWT,
   * or another issuer's.
   *
   * @param check looks at the claims before the signature, which costs more
   * @throws {AuthRefusal} for one that is no good
   */
  async verify(
    token: string,
    check: (claims: JsonObject) => void,
  ): Promise<JsonObject | undefined> {
    const parts = partsOf(token);
    if (parts === undefined) return undefined;
    const { header, claims } = parts;
    const { issuer, algorithms, keys } = this.#options;
    if (claims.iss !== issuer) return undefined;
    if (!algorithms.includes(header.alg as string)) {
      throw invalidToken("the token's algorithm is not allowed");
    }
    if (!ACCESS_TYPES.has(lower(header.typ))) {
      throw invalidToken("the token is no access token");
    }
    if (typeof claims.exp !== "number") {
      throw invalidToken("the token has no expiry");
    }
    check(claims);
    await keys.ready();
    return await this.#signed(token) as JsonObject;
  }

  async #signed(token: string): Promise<JWTPayload> {
    const { algorithms, keys } = this.#options;
    const { compactVerify } = await import("jose");
    const options = { algorithms: [...algorithms] };
    try {
      const { payload } = await compactVerify(token, keys.find, options);
      return JSON.parse(new TextDecoder().decode(payload));
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "ERR_JWKS_MULTIPLE_MATCHING_KEYS") throw unverified();
      // A token that names no key is any of theirs.
      const candidates = error as AsyncIterable<CryptoKey>;
      for await (const key of candidates) {
        try {
          const { payload } = await compactVerify(token, key, options);
          return JSON.parse(new TextDecoder().decode(payload));
        } catch {
          continue;
        }
      }
      throw unverified();
    }
  }
}

function unverified(): Error {
  return invalidToken("the token's signature can't be verified");
}

function partsOf(
  token: string,
): { header: JsonObject; claims: JsonObject } | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const [header, claims] = parts.slice(0, 2).map(decoded);
    return isObject(header) && isObject(claims)
      ? { header, claims }
      : undefined;
  } catch {
    return undefined;
  }
}

function decoded(part: string): unknown {
  const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function lower(value: unknown): unknown {
  return typeof value === "string" ? value.toLowerCase() : value;
}

/** @throws {InvalidOptionError} for algorithms whose keys would be secrets */
export function readAlgorithms(
  _name: string,
  given: unknown = DEFAULT_ALGORITHMS,
): readonly string[] {
  const algorithms = given as readonly string[];
  const fault = algorithms.find((each) => !ASYMMETRIC.test(each));
  if (algorithms.length > 0 && fault === undefined) return algorithms;
  throw new InvalidOptionError(
    `algorithms must be asymmetric ones, such as "RS256", got ${
      quote(fault ?? algorithms)
    }`,
  );
}
