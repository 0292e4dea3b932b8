import type {
  OperatorAnswers,
  OperatorQuestion,
} from "../../admin/operator_source.ts";
import type { AdminSettings } from "../../admin/admin_routes.ts";
import type { ServerFacts } from "../../admin/server_snapshot.ts";
import type { LogRecord } from "../../observe/log/log.ts";

/** What the thread knows from the start. */
export interface OperatorSetup {
  readonly facts: ServerFacts;
  readonly pages: Pick<AdminSettings, "dashboard" | "debug">;
  /** Set if the author says who is an operator. */
  readonly isGuarded: boolean;
  readonly allowedHosts: ReadonlySet<string> | "*";
  readonly publicUrl: string | undefined;
  readonly trustedProxies: string | readonly string[] | undefined;
}

/** The address that the thread listens on. */
export interface OperatorAddress {
  readonly port: number;
  readonly hostname: string;
  readonly tls: { cert: string; key: string } | undefined;
}

/** What the thread is started with; no other thread has the like. */
export interface OperatorThreadData {
  readonly sluiceOperators: OperatorAddress & {
    readonly setup: OperatorSetup;
    /** Shows whether the server's event loop turns. */
    readonly heartbeat: BigInt64Array;
  };
}

/** A request as one thread hands it to another. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: [string, string][];
}

/** A response as one thread hands it to another. */
export interface SentResponse {
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: ReadableStream<Uint8Array> | null;
}

/** A question of the thread. */
export interface SentQuestion extends Omit<OperatorQuestion, "request"> {
  readonly id: number;
  readonly name: keyof OperatorAnswers;
  readonly request: SentRequest | undefined;
}

/** The answer to a question: one of these. */
export interface SentAnswer {
  readonly id: number;
  readonly json?: string;
  readonly response?: SentResponse;
  readonly failure?: string;
}

/** What the thread sends. */
export type ThreadMessage =
  | SentQuestion
  | { readonly listening: number }
  | { readonly failure: string; readonly inUse: boolean }
  | { readonly record: LogRecord }
  | "closed";

/** What the thread is sent. */
export type ServerMessage = SentAnswer | "close";
