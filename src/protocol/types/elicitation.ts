import type { RequestMeta, Result, TaskMetadata } from "./message.ts";

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
  /**
   * The form: flat fields of strings, numbers, booleans and choices
   * (specification, client/elicitation, "Requested Schema").
   */
  requestedSchema: {
    /** A form is an object. */
    type: "object";
    /** The fields by name. */
    properties: Record<string, PrimitiveSchemaDefinition>;
    /** The fields that must be filled in. */
    required?: string[];
    /** Any other keyword of JSON Schema. */
    [keyword: string]: unknown;
  };
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

/** What every field of a form has (specification, client/elicitation, "Requested Schema"). */
export interface FieldLabels {
  /** A name for people. */
  title?: string;
  /** What to fill in. */
  description?: string;
}

/** A field for text. */
export interface StringSchema extends FieldLabels {
  /** The JSON type. */
  type: "string";
  /** In characters. */
  minLength?: number;
  /** In characters. */
  maxLength?: number;
  /** What the text must be. */
  format?: "email" | "uri" | "date" | "date-time";
  /** What is there before the user fills it in. */
  default?: string;
}

/** A field for a number. */
export interface NumberSchema extends FieldLabels {
  /** Any number, or whole ones. */
  type: "number" | "integer";
  /** The least, itself included. */
  minimum?: number;
  /** The most, itself included. */
  maximum?: number;
  /** What is there before the user fills it in. */
  default?: number;
}

/** A field for yes or no. */
export interface BooleanSchema extends FieldLabels {
  /** The JSON type. */
  type: "boolean";
  /** What is there before the user fills it in. */
  default?: boolean;
}

/** A value to choose, with the label that people see. */
export interface LabelledChoice {
  /** The value. */
  const: string;
  /** Its label. */
  title: string;
}

/** One of several values. */
export interface UntitledSingleSelectEnumSchema extends FieldLabels {
  /** The JSON type. */
  type: "string";
  /** What to choose from. */
  enum: string[];
  /** What is chosen at first. */
  default?: string;
}

/** One of several values with labels. */
export interface TitledSingleSelectEnumSchema extends FieldLabels {
  /** The JSON type. */
  type: "string";
  /** What to choose from. */
  oneOf: LabelledChoice[];
  /** What is chosen at first. */
  default?: string;
}

/** What several choices have in common; the bounds count them. */
export interface MultiSelectBounds extends FieldLabels {
  /** The JSON type. */
  type: "array";
  /** The fewest. */
  minItems?: number;
  /** The most. */
  maxItems?: number;
  /** What is chosen at first. */
  default?: string[];
}

/** Several of several values. */
export interface UntitledMultiSelectEnumSchema extends MultiSelectBounds {
  /** What to choose from. */
  items: { type: "string"; enum: string[] };
}

/** Several of several values with labels. */
export interface TitledMultiSelectEnumSchema extends MultiSelectBounds {
  /** What to choose from. */
  items: { anyOf: LabelledChoice[] };
}

/**
 * One of several values, its labels apart.
 * @deprecated since revision 2025-11-25: use {@linkcode TitledSingleSelectEnumSchema}
 */
export interface LegacyTitledEnumSchema extends UntitledSingleSelectEnumSchema {
  /** The labels, in the order of the values. */
  enumNames?: string[];
}

/** A field of a form. */
export type PrimitiveSchemaDefinition =
  | LegacyTitledEnumSchema
  | UntitledSingleSelectEnumSchema
  | TitledSingleSelectEnumSchema
  | UntitledMultiSelectEnumSchema
  | TitledMultiSelectEnumSchema
  | BooleanSchema
  | StringSchema
  | NumberSchema;
