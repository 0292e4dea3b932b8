import { ProtocolErrorCode } from "../../protocol/protocol_errors.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import type { InputRequest } from "../../protocol/types.ts";

/** State of a task. The last three are final. */
export type TaskStatus =
  | "working"
  | "input_required"
  | "completed"
  | "failed"
  | "cancelled";

/** A task as clients see it (extension `io.modelcontextprotocol/tasks`). */
export interface Task {
  /** Id that clients ask after the task by; unguessable. */
  taskId: string;
  /** State of the task. */
  status: TaskStatus;
  /** State of the work, in words. */
  statusMessage?: string;
  /** ISO 8601. */
  createdAt: string;
  /** ISO 8601. */
  lastUpdatedAt: string;
  /** Milliseconds from creation after which the task may be gone; null for never. */
  ttlMs: number | null;
  /** Interval at which clients should ask, in milliseconds. */
  pollIntervalMs: number;
  /** Requests that wait for an answer, while `input_required`. */
  inputRequests?: Record<string, InputRequest>;
  /** The outcome, once `completed`. */
  result?: JsonObject;
  /** The JSON-RPC error, once `failed`. */
  error?: { code: number; message: string; data?: unknown };
}

/** The answer to a request that goes on as a task. */
export interface CreateTaskResult extends
  Pick<
    Task,
    | "taskId"
    | "status"
    | "statusMessage"
    | "createdAt"
    | "lastUpdatedAt"
    | "ttlMs"
    | "pollIntervalMs"
  > {
  /** Tells it from a complete result. */
  resultType: "task";
}

/** Tells if a task's state will not change any more. */
export function isFinal(status: TaskStatus): boolean {
  return status === "completed" || status === "failed" ||
    status === "cancelled";
}

const MEMBERS_OF_CREATED = new Set([
  "resultType",
  "taskId",
  "status",
  "statusMessage",
  "createdAt",
  "lastUpdatedAt",
  "ttlMs",
  "pollIntervalMs",
  "_meta",
]);

/** Tells if a handler returned a task it began: data may have the field too. */
export function isCreateTaskResult(value: unknown): value is CreateTaskResult {
  return isObject(value) && value.resultType === "task" &&
    typeof value.taskId === "string" && typeof value.status === "string" &&
    Object.keys(value).every((key) => MEMBERS_OF_CREATED.has(key));
}

/** The handle of a task that has just begun, or goes on. */
export function handleOf(task: Task): CreateTaskResult {
  return { resultType: "task", ...task } as Task & CreateTaskResult;
}

/** A task in its final state. */
export function endOf(task: Task, end: Partial<Task>): Task {
  const { inputRequests: _, ...rest } = task;
  return { ...rest, ...end, lastUpdatedAt: new Date().toISOString() };
}

/** A task that has failed, and why. */
export function failureOf(task: Task, why: string): Task {
  const message = `The task failed: ${why}`;
  return endOf(task, {
    status: "failed",
    statusMessage: why,
    error: { code: ProtocolErrorCode.InternalError, message },
  });
}
