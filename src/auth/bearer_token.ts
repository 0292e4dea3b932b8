import { malformed } from "./auth_refusal.ts";

/** The longest token that is looked at, in characters. */
const MAX_TOKEN = 16_384;

/** RFC 6750, section 2.1: one scheme, one token. */
const CREDENTIALS = /^bearer +([\w\-.~+/]+=*) *$/i;

/**
 * The token of an Authorization header; `undefined` for another scheme.
 *
 * @throws {AuthRefusal} for what is malformed, or said twice
 */
export function bearerToken(header: string): string | undefined {
  if (!/^bearer(?![\w-])/i.test(header)) return undefined;
  if (header.length > MAX_TOKEN) throw malformed("the token is too long");
  const token = CREDENTIALS.exec(header)?.[1];
  if (token !== undefined) return token;
  throw malformed(
    header.includes(",")
      ? "there must be one token, in one Authorization header"
      : 'the Authorization header must be "Bearer" and a token',
  );
}
