/** Counts the HTTP requests that were turned away, by status. */
export class Refusals {
  /** Number of refusals of each status. */
  readonly byStatus: Map<number, number> = new Map();

  /** Counts a response, if it turns its request away. */
  count(response: Response): Response {
    const { status } = response;
    if (status >= 400) {
      this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
    }
    return response;
  }
}
