export { circuitKind } from "./circuit.ts";
