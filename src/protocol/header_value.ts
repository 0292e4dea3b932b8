const PREFIX = "=?base64?";
const SUFFIX = "?=";

/**
 * Decodes the value of `Mcp-Name` or `Mcp-Param-*`: plain, or wrapped as
 * `=?base64?…?=` (specification 2026-07-28, Streamable HTTP, "Value Encoding").
 * `undefined` means that the wrapping or what is in it is broken.
 */
export function decodeHeaderValue(value: string): string | undefined {
  if (!value.startsWith(PREFIX) || !value.endsWith(SUFFIX)) {
    return isPlain(value) ? value : undefined;
  }
  const encoded = value.slice(PREFIX.length, -SUFFIX.length);
  if (
    !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
      .test(encoded)
  ) return undefined;
  const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    return undefined;
  }
}

/** Visible ASCII, space and tab: what RFC 9110 lets a field value hold. */
function isPlain(value: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(value);
}
