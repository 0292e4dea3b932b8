/** What stands behind a request that `Deno.serve` has made. */
interface Served {
  consumeTextBody?(): string | null;
  header?(name: string): string | null;
}

/** Headers that are looked at one by one, by names in lower case. */
export type HeaderReader = Pick<Headers, "get">;

/** A request that is worked on in the turn in which it came, until that is over. */
export interface PromptRequest {
  readonly request: Request;
  headers: HeaderReader;
  /** Time when it came in; `undefined` once something has been waited for. */
  arrivedAt: number | undefined;
}

/** Says that something is waited for: what Deno would forget with the answer is kept. */
export function waits(prompt: PromptRequest): void {
  prompt.arrivedAt = undefined;
  prompt.headers = prompt.request.headers;
}

/** Where Deno keeps it; `null` where it keeps it elsewhere. */
let place: symbol | null | undefined;

/*
 * Deno (2.9) goes the long way for what is standard: `request.text()` by bytes, a
 * stream's state and promises, and whoever asks for `headers` has all of them
 * listed and copied. What it has for itself costs less than half, in all a tenth
 * of a call (bench/http.ts, "echo"). Where it isn't found, it is done the standard way.
 */

/**
 * The text of a body that came along with its head, taken without waiting;
 * `undefined` for one that is yet to come, and wherever that can't be told.
 */
export function bufferedText(request: Request): string | undefined {
  return servedOf(request)?.consumeTextBody?.() ?? undefined;
}

/**
 * The headers of a request, to be read before anything is waited for: with its
 * answer they are gone, unless somebody has asked for `request.headers`.
 */
export function headersNow(request: Request): HeaderReader {
  const served = servedOf(request);
  return served?.header === undefined
    ? request.headers
    : new HeadersNow(served as Required<Served>);
}

class HeadersNow implements HeaderReader {
  readonly #served: Required<Served>;

  constructor(served: Required<Served>) {
    this.#served = served;
  }

  get(name: string): string | null {
    return this.#served.header(name);
  }
}

function servedOf(request: Request): Served | undefined {
  if (place === undefined) place = placeIn(request);
  return place === null
    ? undefined
    : (request as unknown as Record<symbol, Served>)[place];
}

function placeIn(request: Request): symbol | null {
  return Object.getOwnPropertySymbols(request)
    .find(({ description }) => description === "request") ?? null;
}
