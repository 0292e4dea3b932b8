import { isObject } from "../jsonrpc.ts";
import type { JsonSchema } from "../standard_schema.ts";
import { subschemasOf } from "./keywords.ts";
import { ownsBase, pointerSteps } from "./schema_document.ts";

/** Makes a whole schema fit to stand at `#/properties/…` of another. */
export function propertySchema(
  schema: JsonSchema,
  property: string,
): JsonSchema {
  const { $schema: _, ...moved } = structuredClone(schema);
  // With a base of its own, its references don't start from the root.
  if (ownsBase(moved, "2020-12")) return moved;
  const step = property.replaceAll("~", "~0").replaceAll("/", "~1");
  moveReferences(moved, `#/properties/${encodeURIComponent(step)}`);
  return moved;
}

/** Prefixes the references that start from `root`; names of anchors stay good. */
function moveReferences(root: JsonSchema, prefix: string): void {
  const visited = new Set<unknown>();
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const node = pending.pop();
    if (!isObject(node) || visited.has(node)) continue;
    visited.add(node);
    if (node !== root && ownsBase(node, "2020-12")) continue;
    for (const keyword of ["$ref", "$dynamicRef"]) {
      const ref = node[keyword];
      if (typeof ref !== "string" || !/^#(?:\/|$)/.test(ref)) continue;
      // It may lead to a schema under a keyword that JSON Schema doesn't know.
      pending.push(valueAt(root, decodeURIComponent(ref.slice(1))));
      node[keyword] = prefix + ref.slice(1);
    }
    for (const each of subschemasOf(node)) pending.push(each.node);
  }
}

function valueAt(root: unknown, pointer: string): unknown {
  let value = root;
  for (const step of pointerSteps(pointer)) {
    value = (value as JsonSchema | undefined)?.[step];
  }
  return value;
}
