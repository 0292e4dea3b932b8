/** Why Redis failed: an error of several addresses has a code and no message. */
export function redisFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, code } = error as Error & { code?: string };
  return message || code || error.name;
}
