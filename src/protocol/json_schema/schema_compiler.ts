import type { JsonObject } from "../jsonrpc.ts";
import { applicatorsOf } from "./applicators.ts";
import { assertionsOf } from "./assertions.ts";
import { itemChecks, leftoverChecks, propertyChecks } from "./member_checks.ts";
import type { Located, SchemaDocument } from "./schema_document.ts";
import { type Check, type MakeCheck, Seen } from "./schema_run.ts";

/** Makes the check of a whole document. */
export function compileSchema(document: SchemaDocument): Check {
  return new SchemaCompiler(document).check(document.root);
}

/** Turns schemas into functions, each schema once, whatever refers to it. */
class SchemaCompiler {
  readonly #document: SchemaDocument;
  readonly #checks = new Map<object, Check>();

  constructor(document: SchemaDocument) {
    this.#document = document;
  }

  check(located: Located): Check {
    const { node } = located;
    if (node === true) return () => true;
    if (node === false) {
      return (_value, run) => run.fail("must not be there");
    }
    const known = this.#checks.get(node);
    if (known !== undefined) return known;
    // A schema that refers to itself meets this one while it is being made.
    this.#checks.set(node, (value, run, seen) => made(value, run, seen));
    const made = this.#compile(node, located);
    this.#checks.set(node, made);
    return made;
  }

  #compile(node: JsonObject, located: Located): Check {
    const { dialect } = this.#document;
    const make: MakeCheck = (each) =>
      this.check(this.#document.at(each, located));
    const references = this.#referenceChecks(node, located);
    if (dialect === "draft-07" && node.$ref !== undefined) {
      return references[0];
    }
    const check = withLeftovers(
      all([
        ...references,
        ...assertionsOf(node),
        ...itemChecks(node, make),
        ...propertyChecks(node, make),
        ...applicatorsOf(node, make),
      ]),
      leftoverChecks(node, make),
    );
    return this.#document.hasDynamicRefs ? entering(located, check) : check;
  }

  #referenceChecks(node: JsonObject, located: Located): Check[] {
    const checks: Check[] = [];
    if (typeof node.$ref === "string") {
      checks.push(this.check(this.#document.find(node.$ref, located, "$ref")));
    }
    if (typeof node.$dynamicRef === "string") {
      checks.push(this.#dynamicCheck(node.$dynamicRef, located));
    }
    return checks;
  }

  /** Takes the outermost schema of the anchor's name, if the reference leads to such an anchor. */
  #dynamicCheck(ref: string, located: Located): Check {
    const target = this.#document.find(ref, located, "$dynamicRef");
    const check = this.check(target);
    const anchor = ref.slice(ref.indexOf("#") + 1);
    if (target.resource.dynamicAnchors.get(anchor)?.node !== target.node) {
      return check;
    }
    return (value, run, seen) => {
      const outermost = run.scope.find((each) =>
        each.dynamicAnchors.has(anchor)
      );
      const actual = outermost?.dynamicAnchors.get(anchor);
      return actual === undefined
        ? check(value, run, seen)
        : this.check(actual)(value, run, seen);
    };
  }
}

/** Applies all of them, so that a caller hears at once of all that is wrong. */
function all(checks: readonly Check[]): Check {
  return (value, run, seen) => {
    run.step();
    let good = true;
    for (const check of checks) if (!check(value, run, seen)) good = false;
    return good;
  };
}

/** Applies the last checks to what the others have not looked at. */
function withLeftovers(check: Check, leftovers: readonly Check[]): Check {
  if (leftovers.length === 0) return check;
  const last = all(leftovers);
  return (value, run, seen) => {
    const own = new Seen();
    if (!check(value, run, own) || !last(value, run, own)) return false;
    seen?.add(own);
    return true;
  };
}

/** Notes the resource while a schema of it is applied. */
function entering({ resource }: Located, check: Check): Check {
  return (value, run, seen) => {
    run.scope.push(resource);
    const good = check(value, run, seen);
    run.scope.pop();
    return good;
  };
}
