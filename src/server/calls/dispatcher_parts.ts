import type { Admission } from "../admission/admission.ts";
import type { Audit } from "./audit.ts";
import type { Call } from "./call.ts";
import type { CallLog } from "./call_log.ts";
import type { CallRateLimit } from "./call_rate_limit.ts";
import type { CallRecorder } from "./call_recorder.ts";
import type { CallTracing } from "./call_tracing.ts";
import type { MethodTable } from "./method_table.ts";

/** Parts that a dispatcher works with. */
export interface DispatcherParts {
  readonly methods: MethodTable;
  /** Opened before the first call, if it isn't open yet. */
  readonly lifespan: { readonly ready: boolean; start(): Promise<void> };
  readonly log: CallLog;
  /** True if clients are kept from the messages of unexpected errors. */
  readonly maskErrors: boolean;
  /** Counts calls, unless metrics are off. */
  readonly recorder: CallRecorder | undefined;
  /** Makes spans and measurements, where somebody takes them. */
  readonly tracing: CallTracing | undefined;
  /** Bytes that an answer may have, where its tool doesn't say. */
  readonly maxResultBytes: number;
  /** The author's record of who did what, if there is one. */
  readonly audit: Audit | undefined;
  /** True if clients see the URLs of an `HttpPool` in its errors. */
  readonly revealUrls: boolean;
  /** Keeps calls to what can be served in time, unless that is off. */
  readonly admission:
    | Pick<Admission, "refusalOf" | "begin" | "end">
    | undefined;
  /** Turns away who asks too often. */
  readonly rateLimit: CallRateLimit | undefined;
  /** Turns away who lacks a scope that every call needs. @throws {ProtocolError} */
  readonly checkAccess: ((call: Call) => void) | undefined;
}
