import type { ExpositionFormat } from "../../observe/metrics/exposition.ts";

/** The label that tells of which worker a sample is. */
export const WORKER_LABEL = "worker_process";

/** A family's head and samples. */
interface Family {
  readonly head: string[];
  readonly samples: string[];
}

/**
 * Puts the metrics of several workers into one text: each family once, with the
 * samples of all, labelled with their worker.
 */
export function mergedExposition(
  texts: ReadonlyMap<string, string>,
  format: ExpositionFormat,
): string {
  const families = new Map<string, Family>();
  for (const [worker, text] of texts) {
    let family: Family = { head: [], samples: [] };
    for (const line of text.split("\n")) {
      if (line === "" || line === "# EOF") continue;
      if (!line.startsWith("# ")) family.samples.push(labelled(line, worker));
      else {
        const [, , name] = line.split(" ", 3);
        family = families.getOrInsertComputed(
          name,
          () => ({ head: [], samples: [] }),
        );
        if (!family.head.includes(line)) family.head.push(line);
      }
    }
  }
  const lines = [...families.values()].flatMap(({ head, samples }) => [
    ...head,
    ...samples,
  ]);
  if (format === "openmetrics") lines.push("# EOF");
  return lines.map((line) => `${line}\n`).join("");
}

/** A sample says its worker first, unless it does so already. */
function labelled(sample: string, worker: string): string {
  if (sample.includes(`${WORKER_LABEL}="`)) return sample;
  const label = `${WORKER_LABEL}="${worker}"`;
  const end = sample.search(/[{ ]/);
  const name = sample.slice(0, end);
  return sample[end] === "{"
    ? `${name}{${label},${sample.slice(end + 1)}`
    : `${name}{${label}}${sample.slice(end)}`;
}
