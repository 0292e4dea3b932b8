import type { CallRecord } from "../../observe/metrics/call_record.ts";
import {
  type Exposition,
  labelsText,
} from "../../observe/metrics/exposition.ts";

/** The methods whose calls are each about one registered thing. */
type ItemMethod = "tools/call" | "prompts/get" | "resources/read";

/** The records of all that is registered, by method and name. */
export type RecordedItems = Record<ItemMethod, Map<string, CallRecord>>;

/** A catalog of what is registered, such as a server's. */
export interface RecordedCatalog {
  readonly tools: RecordedSlots;
  readonly prompts: RecordedSlots;
  readonly resources: {
    readonly fixed: RecordedSlots;
    readonly shownTemplates: readonly {
      readonly uriTemplate: { toString(): string };
      readonly record: CallRecord;
    }[];
  };
}

interface RecordedSlots {
  readonly slots: ReadonlyMap<
    string,
    { readonly key: string; readonly record: CallRecord }
  >;
}

/** The label that names the item of a call (OpenTelemetry's conventions for MCP). */
const ITEM_LABEL: Readonly<Record<ItemMethod, string>> = {
  "tools/call": "gen_ai_tool_name",
  "prompts/get": "gen_ai_prompt_name",
  "resources/read": "mcp_resource_uri",
};

/** The most items of a method that are shown by name; the others count with the rest. */
const MAX_ITEMS = 1_000;

/** Failures that alerts look for, there from the start: a rate needs where it began. */
const USUAL_FAILURES = ["tool_error", "timeout", "internal_error"];

/** A record and the labels that its samples bear. */
interface Series {
  readonly labels: string;
  readonly record: CallRecord;
}

/** Collects the records of a server's tools, prompts and resources. */
export function recordedItems(
  { tools, prompts, resources }: RecordedCatalog,
): RecordedItems {
  return {
    "tools/call": records(tools),
    "prompts/get": records(prompts),
    "resources/read": new Map([
      ...records(resources.fixed),
      ...resources.shownTemplates.map(({ uriTemplate, record }) =>
        [String(uriTemplate), record] as const
      ),
    ]),
  };
}

function records(
  { slots }: RecordedSlots,
): Map<string, CallRecord> {
  return new Map(
    Array.from(slots.values(), ({ key, record }) => [key, record]),
  );
}

/** Writes what calls have come to, by method and item. */
export function writeCalls(
  out: Exposition,
  methods: ReadonlyMap<string, CallRecord>,
  items: RecordedItems,
): void {
  const series = [...seriesOf(methods, items)];
  out.family(
    "mcp_server_operation_duration_seconds",
    "histogram",
    "How long requests took until they were answered, in seconds.",
  );
  for (const { labels, record } of series) {
    out.histogram(labels, record.durations);
  }
  writeEach(out, series, "gauge", "operations_in_progress", {
    help: "Requests without an answer yet.",
    read: (record) => record.inProgress,
  });
  writeEach(out, series, "counter", "request_bytes", {
    help: "Bytes of the requests.",
    read: (record) => record.requestBytes,
  });
  writeEach(out, series, "counter", "response_bytes", {
    help: "Bytes of the answers, and of what was sent before them.",
    read: (record) => record.responseBytes,
  });
  writeFailures(out, series);
  writeQueues(out, series);
}

/** Each item that is registered, and per method what no item accounts for. */
function* seriesOf(
  methods: ReadonlyMap<string, CallRecord>,
  items: RecordedItems,
): Iterable<Series> {
  for (const [method, record] of methods) {
    if (!(method in items)) {
      yield { labels: labelsText({ mcp_method_name: method }), record };
    }
  }
  for (const [method, ofMethod] of Object.entries(items)) {
    yield* itemSeries(method as ItemMethod, ofMethod, methods.get(method));
  }
}

/** Before its first call, an item is shown at zero: a rate needs where it began. */
function* itemSeries(
  method: ItemMethod,
  items: Map<string, CallRecord>,
  whole: CallRecord | undefined,
): Iterable<Series> {
  const shown = [...items]
    .sort(([, a], [, b]) => Number(isUsed(b)) - Number(isUsed(a)))
    .slice(0, MAX_ITEMS);
  for (const [name, record] of shown) {
    const labels = { mcp_method_name: method, [ITEM_LABEL[method]]: name };
    yield { labels: labelsText(labels), record };
  }
  const rest = whole?.without(shown.map(([, record]) => record));
  if (rest !== undefined && isUsed(rest)) {
    yield { labels: labelsText({ mcp_method_name: method }), record: rest };
  }
}

function isUsed({ durations, inProgress }: CallRecord): boolean {
  return durations.count > 0 || inProgress > 0;
}

function writeEach(
  out: Exposition,
  series: readonly Series[],
  type: "counter" | "gauge",
  name: string,
  { help, read }: { help: string; read: (record: CallRecord) => number },
): void {
  out.family(`mcp_server_${name}`, type, help);
  for (const { labels, record } of series) out.sample(labels, read(record));
}

function writeFailures(out: Exposition, series: readonly Series[]): void {
  out.family(
    "mcp_server_operation_errors",
    "counter",
    "Requests that failed, by kind: tool_error, timeout, internal_error, " +
      "overloaded, unavailable and draining are the server's, the others the caller's.",
  );
  const none = USUAL_FAILURES.map((kind) => [kind, 0] as const);
  for (const { labels, record } of series) {
    const failures = new Map([...none, ...record.failures]);
    for (const [kind, count] of failures) {
      out.sample(`${labels},error_type="${kind}"`, Math.max(0, count));
    }
  }
}

function writeQueues(out: Exposition, series: readonly Series[]): void {
  out.family(
    "mcp_server_queue_duration_seconds",
    "histogram",
    "How long calls waited that had to wait for their turn, in seconds.",
  );
  for (const { labels, record } of series) {
    if (record.queued !== undefined) out.histogram(labels, record.queued);
  }
}
