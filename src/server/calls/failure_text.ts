import { thrownText } from "../../base/thrown.ts";
import { SluiceError } from "../../base/errors.ts";

/** Depth to which causes and the errors of an `AggregateError` are followed. */
const MAX_DEPTH = 4;

/**
 * Text that a model is told of a failure.
 *
 * @param revealUrls whether it may see what an `HttpPool` was asked for; such
 * URLs are the operator's own as a rule
 */
export function failureText(error: unknown, revealUrls: boolean): string {
  const text = thrownText(error);
  if (revealUrls) return text;
  const places = [...urlsBeneath(error)].flatMap(placesIn)
    .sort((a, b) => b.length - a.length);
  return places.reduce(
    (hidden, place) => hidden.replaceAll(place, "the upstream server"),
    text,
  );
}

/** The URLs that the errors of an `HttpPool` name. */
function* urlsBeneath(error: unknown, depth: number = 0): Iterable<string> {
  if (!(error instanceof Error) || depth > MAX_DEPTH) return;
  const { errors, url } = error as { errors?: unknown; url?: unknown };
  if (error instanceof SluiceError && typeof url === "string") yield url;
  for (const each of Array.isArray(errors) ? errors : []) {
    yield* urlsBeneath(each, depth + 1);
  }
  yield* urlsBeneath(error.cause, depth + 1);
}

/** The ways in which a message may name a URL. */
function placesIn(url: string): string[] {
  if (!URL.canParse(url)) return [url];
  const { href, origin, host, hostname } = new URL(url);
  return [url, href, origin, host, hostname].filter((each) => each.length > 3);
}
