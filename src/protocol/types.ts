/**
 * The shapes that go over the wire, after the specification's schema (revision
 * 2026-07-28, with what 2025-11-25 has beside). They fit the official SDK's own
 * types both ways, so that a server written for it type-checks here unchanged.
 * Parameters are type aliases for that reason: unlike interfaces, they go where a
 * `Record<string, unknown>` is asked for.
 *
 * @module
 */
export type * from "./types/base.ts";
export type * from "./types/content.ts";
export type * from "./types/elicitation.ts";
export type * from "./types/message.ts";
export type * from "./types/offer.ts";
export type * from "./types/peer.ts";
export type * from "./types/question.ts";
export type * from "./types/sampling.ts";
