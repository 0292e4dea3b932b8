/** What became of one URL. */
export type HttpOutcome<T = unknown> =
  | { url: string; status: "success"; data: T }
  | { url: string; status: "error"; error: Error };

/** Turns the end of a request, whichever it is, into its outcome. */
export async function toHttpOutcome<T>(
  url: string,
  request: Promise<T>,
): Promise<HttpOutcome<T>> {
  try {
    return { url, status: "success", data: await request };
  } catch (reason) {
    const error = reason instanceof Error
      ? reason
      : new Error(String(reason), { cause: reason });
    return { url, status: "error", error };
  }
}
