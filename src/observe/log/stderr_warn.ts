import { stderrLog } from "./stderr_log.ts";

/** Where what is usable alone writes its warnings, unless it is told otherwise. */
export function stderrWarn(message: string, ...details: unknown[]): void {
  const fields = details.length === 0 ? {} : { details };
  stderrLog({ level: "warning", message, fields });
}
