/** The credentials of a client (RFC 6749, section 2.3.1). */
export function basicAuth(clientId: string, clientSecret: string): string {
  const text = [clientId, clientSecret].map(encodeURIComponent).join(":");
  return `Basic ${btoa(text)}`;
}
