/** The SHA-256 of a text, in hexadecimal. */
export async function hexDigest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text),
  );
  return new Uint8Array(bytes).toHex();
}
