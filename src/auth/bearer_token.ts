import { malformed } from "./auth_refusal.ts";

/** The longest token that is looked at, in characters. */
const MAX_TOKEN = 16_384;

/** Rest after the scheme (RFC 6750, section 2.1): one token. */
const TOKEN = /^ +([\w\-.~+/]+=*) *$/;

/** Schemes that present an access token. */
export type TokenScheme = "Bearer" | "DPoP";

/**
 * The token of an Authorization header; `undefined` for another scheme.
 *
 * @throws {AuthRefusal} for what is malformed, or said twice
 */
export function bearerToken(
  header: string,
  scheme: TokenScheme = "Bearer",
): string | undefined {
  const { length } = scheme;
  if (
    header.slice(0, length).toLowerCase() !== scheme.toLowerCase() ||
    /^[\w-]/.test(header.slice(length))
  ) return undefined;
  if (header.length > MAX_TOKEN) throw malformed("the token is too long");
  const token = TOKEN.exec(header.slice(length))?.[1];
  if (token !== undefined) return token;
  throw malformed(
    header.includes(",")
      ? "there must be one token, in one Authorization header"
      : `the Authorization header must be "${scheme}" and a token`,
  );
}
