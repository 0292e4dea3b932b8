import { wellFormedJson } from "../../base/well_formed_json.ts";
import {
  EXPOSITION_TYPES,
  type ExpositionFormat,
} from "../../observe/metrics/exposition.ts";

/** The forms that metrics are served in, by media type; the first is the usual one. */
const FORMATS: Readonly<Record<string, ExpositionFormat | "json">> = {
  "text/plain": "prometheus",
  "application/openmetrics-text": "openmetrics",
  "application/json": "json",
};

/** Metrics as text. */
export interface MetricsPage {
  readonly format: ExpositionFormat;
  readonly text: string;
}

/** The metrics that the route shows. */
export interface ShownMetrics {
  /** All as text, in a format or in the one that there is. */
  page(format: ExpositionFormat): MetricsPage | Promise<MetricsPage>;
  /** All as one document. */
  read(): object | Promise<object>;
}

/** `GET /metrics`: text for Prometheus, or the document for who asks for JSON. */
export class MetricsRoute {
  readonly #metrics: ShownMetrics;

  constructor(metrics: ShownMetrics) {
    this.#metrics = metrics;
  }

  async handle(request: Request): Promise<Response> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return Response.json({ error: "GET or HEAD only" }, {
        status: 405,
        headers: { allow: "GET, HEAD" },
      });
    }
    const format = formatOf(request);
    if (format === undefined) {
      const known = Object.values(FORMATS).join(", ");
      return Response.json({ error: `format must be one of ${known}` }, {
        status: 400,
      });
    }
    const headers = { "cache-control": "no-store", vary: "accept" };
    if (format === "json") {
      const document = JSON.stringify(await this.#metrics.read());
      return new Response(wellFormedJson(document), {
        headers: { ...headers, "content-type": "application/json" },
      });
    }
    const page = await this.#metrics.page(format);
    return new Response(page.text, {
      headers: { ...headers, "content-type": EXPOSITION_TYPES[page.format] },
    });
  }
}

/** The format that a request asks for by its query or its headers. */
function formatOf(request: Request): ExpositionFormat | "json" | undefined {
  const asked = new URL(request.url).searchParams.get("format");
  if (asked !== null) {
    return Object.values(FORMATS).find((format) => format === asked);
  }
  const types = Object.keys(FORMATS);
  return FORMATS[preferredType(request.headers.get("accept"), types)];
}

/**
 * The media type that a client likes best among those on offer (RFC 9110,
 * section 12.5.1); the first of them if it likes none, or all alike.
 */
function preferredType(
  accept: string | null,
  offered: readonly string[],
): string {
  const ranges = (accept ?? "*/*").split(",").map(parseRange);
  const weights = offered.map((type) => weightOf(type, ranges));
  return offered[weights.indexOf(Math.max(...weights))];
}

interface MediaRange {
  readonly type: string;
  readonly weight: number;
}

function parseRange(text: string): MediaRange {
  const [type, ...parameters] = text.split(";").map((part) =>
    part.trim().toLowerCase()
  );
  const q = parameters.find((each) => each.startsWith("q="))?.slice(2);
  const weight = q === undefined ? 1 : Number(q);
  return { type, weight: weight >= 0 && weight <= 1 ? weight : 0 };
}

/** The most specific range that fits decides. */
function weightOf(type: string, ranges: readonly MediaRange[]): number {
  const [kind] = type.split("/");
  for (const wanted of [type, `${kind}/*`, "*/*"]) {
    const range = ranges.find((each) => each.type === wanted);
    if (range !== undefined) return range.weight;
  }
  return 0;
}
