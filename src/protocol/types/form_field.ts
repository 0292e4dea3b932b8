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

/** A field of a form: the specification's "PrimitiveSchemaDefinition". */
export type FormField =
  | LegacyTitledEnumSchema
  | UntitledSingleSelectEnumSchema
  | TitledSingleSelectEnumSchema
  | UntitledMultiSelectEnumSchema
  | TitledMultiSelectEnumSchema
  | BooleanSchema
  | StringSchema
  | NumberSchema;

/** The specification's name for {@linkcode FormField}. */
export type PrimitiveSchemaDefinition = FormField;
