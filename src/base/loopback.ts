/** The names of this machine's own loopback, as URLs have them. */
export const LOOPBACK: ReadonlySet<string> = new Set([
  "localhost",
  "127.0.0.1",
  "[::1]",
]);

/** Tells if an address to listen on, or a URL's host, is the loopback. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.has(hostname) || hostname === "::1";
}
