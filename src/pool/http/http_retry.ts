const retryableStatuses = new Set([408, 425, 429, 502, 503, 504]);

/** Whether a status says that the same request may fare better later. */
export function isRetryable({ status }: Response): boolean {
  return retryableStatuses.has(status);
}

/**
 * How long a response asks its client to wait, in milliseconds; undefined if it
 * doesn't say. A date is measured by the server's own clock where it tells it.
 */
export function retryAfterMs({ headers }: Response): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const atMs = Date.parse(value);
  if (Number.isNaN(atMs)) return undefined;
  const serverNowMs = Date.parse(headers.get("date") ?? "");
  return Math.max(
    0,
    atMs - (Number.isNaN(serverNowMs) ? Date.now() : serverNowMs),
  );
}
