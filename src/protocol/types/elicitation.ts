import type { RequestMeta, Result, TaskMetadata } from "./message.ts";

/** A form for the user (specification, client/elicitation, "Form Mode Elicitation Requests"). */
export type ElicitRequestFormParams = {
  /** Metadata of the request. */
  _meta?: RequestMeta;
  /**
   * Tells it from a page to open.
   * @default "form"
   */
  mode?: "form";
  /** The question to the user, in words. */
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
  /** Metadata of the request. */
  _meta?: RequestMeta;
  /** Tells it from a form. */
  mode: "url";
  /** The reason to open the page, in words. */
  message: string;
  /** The page. */
  url: string;
  /** The id that `notifications/elicitation/complete` will name (revision 2025-11-25). */
  elicitationId: string;
  /** Runs as a task of the client's (revision 2025-11-25). */
  task?: TaskMetadata;
};

/** Asks the client's user. */
export interface ElicitRequest {
  /** Tells it from other questions. */
  method: "elicitation/create";
  /** The form, or the page. */
  params: ElicitRequestFormParams | ElicitRequestURLParams;
}

/** The user's answer (specification, client/elicitation, "Response Actions"). */
export interface ElicitResult extends Result {
  /** Said yes, said no, or closed the question without either. */
  action: "accept" | "decline" | "cancel";
  /** The fields of an accepted form. */
  content?: Record<string, string | number | boolean | string[]>;
}

/** The words beside a field of a form (specification, client/elicitation, "Requested Schema"). */
export interface FieldLabels {
  /** A name for people. */
  title?: string;
  /** Help for whoever fills it in. */
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
  /** The kind of text. */
  format?: "email" | "uri" | "date" | "date-time";
  /** The value before the user fills it in. */
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
  /** The value before the user fills it in. */
  default?: number;
}

/** A field for yes or no. */
export interface BooleanSchema extends FieldLabels {
  /** The JSON type. */
  type: "boolean";
  /** The value before the user fills it in. */
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
  /** The choices. */
  enum: string[];
  /** The choice at first. */
  default?: string;
}

/** One of several values with labels. */
export interface TitledSingleSelectEnumSchema extends FieldLabels {
  /** The JSON type. */
  type: "string";
  /** The choices. */
  oneOf: LabelledChoice[];
  /** The choice at first. */
  default?: string;
}

/** The bounds of a choice of several values. */
export interface MultiSelectBounds extends FieldLabels {
  /** The JSON type. */
  type: "array";
  /** The fewest. */
  minItems?: number;
  /** The most. */
  maxItems?: number;
  /** The choice at first. */
  default?: string[];
}

/** Several of several values. */
export interface UntitledMultiSelectEnumSchema extends MultiSelectBounds {
  /** The choices. */
  items: { type: "string"; enum: string[] };
}

/** Several of several values with labels. */
export interface TitledMultiSelectEnumSchema extends MultiSelectBounds {
  /** The choices. */
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
