/** A response without its body. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  /** The values of a header, joined by commas; null if it isn't there. */
  get(name: string): string | null;
  toHeaders(): Headers;
}
