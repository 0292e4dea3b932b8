import type { CallRecord } from "../../observe/metrics/call_record.ts";
import type { Slot } from "../../server/collection.ts";
import type { Registry } from "../../server/registry.ts";

/** The methods whose calls are each about one registered thing. */
export type ItemMethod = "tools/call" | "prompts/get" | "resources/read";

/** The records of all that is registered, by method and name. */
export type RecordedItems = Record<ItemMethod, Map<string, CallRecord>>;

/** Collects the records of a server's tools, prompts and resources. */
export function recordedItems(
  { tools, prompts, resources }: Registry,
): RecordedItems {
  return {
    "tools/call": records(tools.slots),
    "prompts/get": records(prompts.slots),
    "resources/read": new Map([
      ...records(resources.fixed.slots),
      ...resources.shownTemplates.map(({ uriTemplate, record }) =>
        [String(uriTemplate), record] as const
      ),
    ]),
  };
}

function records(
  slots: ReadonlyMap<string, Slot<unknown>>,
): Map<string, CallRecord> {
  return new Map(
    Array.from(slots.values(), ({ key, record }) => [key, record]),
  );
}
