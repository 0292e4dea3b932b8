/** Length of a URI that is read or followed: to match one takes time and room. */
export const MAX_URI_LENGTH = 8_192;

/** Characters that RFC 3986 lets no URI hold as they are, "%" aside. */
const NOT_IN_URIS = /[^\w.~!*'();:@&=+$,/?#[\]%-]/gu;

/** Character that need not be encoded, and is the same if it is or not. */
const UNRESERVED = /^[\w.~-]$/;

/** Encodes what a URI can't hold; what is encoded already stays as it is. */
export function encodeForUri(text: string): string {
  return text.toWellFormed().replace(NOT_IN_URIS, encodeURIComponent);
}

/**
 * One spelling for all that differ in how they are encoded: `%7e`, `%7E` and `~`
 * are the same, and so are a space and `%20`. A "%" that encodes nothing is
 * encoded, lest it encodes what comes to stand behind it.
 */
export function normalEncoding(text: string): string {
  return encodeForUri(text).replace(/%([\da-f]{2})?/gi, (escape, code) => {
    if (code === undefined) return "%25";
    const character = String.fromCharCode(parseInt(code, 16));
    return UNRESERVED.test(character) ? character : escape.toUpperCase();
  });
}

/**
 * One spelling for all that a client may have for a URI: many write what they
 * have been given in a form of their own, with the scheme in small letters, a web
 * address's host too, without dots in the path, and encoded in their way.
 */
export function normalUri(uri: string): string {
  const encoded = normalEncoding(URL.parse(uri)?.href ?? uri);
  // What is no URL until it is decoded is one all the same.
  return normalScheme(normalEncoding(URL.parse(encoded)?.href ?? encoded));
}

function normalScheme(uri: string): string {
  return uri.replace(/^[a-z][a-z\d+.-]*:/i, (scheme) => scheme.toLowerCase());
}

/**
 * A normal form with the host in small letters too. RFC 3986 (6.2.2.1) has them
 * the same for every scheme, and some clients write it so; `URL` has not, but for
 * the web's own schemes. Where an author's template has a variable for a host,
 * `users://Ada` is not `users://ada`.
 */
export function foldHost(normal: string): string {
  return normal.replace(
    /^[^/?#]*:\/\/[^/?#]*/,
    (begin) => begin.toLowerCase(),
  );
}

/** One spelling for all of a path: dots resolved, and encoded in one way. */
export function normalPath(path: string): string {
  return normalEncoding(URL.parse(`http://host${path}`)?.pathname ?? path);
}
