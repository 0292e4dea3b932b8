import type { CallRecord } from "../../observe/call_record.ts";
import { type Exposition, labelsText } from "../../observe/exposition.ts";
import type { RequestRecorder } from "../../server/request_recorder.ts";
import type { ItemMethod, RecordedItems } from "./recorded_items.ts";

/** The label that names the item of a call (OpenTelemetry's conventions for MCP). */
const ITEM_LABEL: Readonly<Record<ItemMethod, string>> = {
  "tools/call": "gen_ai_tool_name",
  "prompts/get": "gen_ai_prompt_name",
  "resources/read": "mcp_resource_uri",
};

/** How many items of a method are shown by name; the others count with the rest. */
const MAX_ITEMS = 1_000;

/** A record and the labels that its samples bear. */
interface Series {
  readonly labels: string;
  readonly record: CallRecord;
}

/** Writes what calls have come to, by method and item. */
export function writeCalls(
  out: Exposition,
  recorder: RequestRecorder,
  items: RecordedItems,
): void {
  const series = [...seriesOf(recorder, items)];
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

/** Each item that was ever called, and per method what no item accounts for. */
function* seriesOf(
  recorder: RequestRecorder,
  items: RecordedItems,
): Iterable<Series> {
  for (const [method, record] of recorder.byMethod()) {
    const ofMethod = items[method as ItemMethod] as
      | Map<string, CallRecord>
      | undefined;
    const shown = called(ofMethod ?? new Map()).slice(0, MAX_ITEMS);
    for (const [name, item] of shown) {
      const label = ITEM_LABEL[method as ItemMethod];
      yield {
        labels: labelsText({ mcp_method_name: method, [label]: name }),
        record: item,
      };
    }
    const rest = shown.length === 0
      ? record
      : record.without(shown.map(([, item]) => item));
    if (isUsed(rest)) {
      yield { labels: labelsText({ mcp_method_name: method }), record: rest };
    }
  }
}

function called(items: Map<string, CallRecord>): [string, CallRecord][] {
  return [...items].filter(([, record]) => isUsed(record));
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
    "Requests that failed, by kind of failure.",
  );
  for (const { labels, record } of series) {
    for (const [kind, count] of record.failures) {
      if (count > 0) out.sample(`${labels},error_type="${kind}"`, count);
    }
  }
}

function writeQueues(out: Exposition, series: readonly Series[]): void {
  out.family(
    "mcp_server_queue_duration_seconds",
    "histogram",
    "How long calls waited for their turn, where a tool limits its concurrency.",
  );
  for (const { labels, record } of series) {
    if (record.queued !== undefined) out.histogram(labels, record.queued);
  }
}
