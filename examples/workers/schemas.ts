import { z } from "zod";

export const reportInput = z.object({ to: z.number().int().max(10_000_000) });
export const reportOutput = z.object({ primes: z.number() });
