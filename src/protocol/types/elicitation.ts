import type { RequestMeta, Result, TaskMetadata } from "./message.ts";
import type { FormField } from "./form_field.ts";

/**
 * The JSON Schema of a form: flat fields of strings, numbers, booleans and
 * choices (specification, client/elicitation, "Requested Schema").
 */
export interface FormSchema {
  /** A form is an object. */
  type: "object";
  /** The fields by name. */
  properties: Record<string, FormField>;
  /** The fields that must be filled in. */
  required?: string[];
  /** Any other keyword of JSON Schema. */
  [keyword: string]: unknown;
}

/** A form for the user (specification, client/elicitation, "Form Mode Elicitation Requests"). */
export type ElicitRequestFormParams = {
  /** What the request says of itself. */
  _meta?: RequestMeta;
  /**
   * Tells it from a page to open.
   * @default "form"
   */
  mode?: "form";
  /** What the user is asked, in words. */
  message: string;
  /** The form. */
  requestedSchema: FormSchema;
  /** Runs as a task of the client's (revision 2025-11-25). */
  task?: TaskMetadata;
};

/** A page for the user to open (specification, client/elicitation, "URL Mode Elicitation Requests"). */
export type ElicitRequestURLParams = {
  /** What the request says of itself. */
  _meta?: RequestMeta;
  /** Tells it from a form. */
  mode: "url";
  /** Why the page has to be opened, in words. */
  message: string;
  /** The page. */
  url: string;
  /** What `notifications/elicitation/complete` will name (revision 2025-11-25). */
  elicitationId: string;
  /** Runs as a task of the client's (revision 2025-11-25). */
  task?: TaskMetadata;
};

/** Asks the client's user. */
export interface ElicitRequest {
  /** Tells it from other questions. */
  method: "elicitation/create";
  /** What is asked. */
  params: ElicitRequestFormParams | ElicitRequestURLParams;
}

/** What the user did (specification, client/elicitation, "Response Actions"). */
export interface ElicitResult extends Result {
  /** Said yes, said no, or closed the question without either. */
  action: "accept" | "decline" | "cancel";
  /** The fields of an accepted form. */
  content?: Record<string, string | number | boolean | string[]>;
}
