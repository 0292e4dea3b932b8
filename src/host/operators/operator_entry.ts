import { workerData } from "node:worker_threads";
import type { OperatorThreadData } from "./operator_messages.ts";

/** Where the thread begins; imported elsewhere, this module does no more than say so. */
export const operatorEntry: string = import.meta.url;

const data = workerData as Partial<OperatorThreadData> | null;
if (data?.sluiceOperators) await import("./operator_worker.ts");
