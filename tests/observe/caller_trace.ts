/** The trace and the span of a caller, as its `_meta` has them. */
export const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
export const CALLER = "00f067aa0ba902b7";
export const traceparent: string = `00-${TRACE}-${CALLER}-01`;
