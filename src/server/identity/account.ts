/**
 * Name under which room counts that is shared: a caller's, or that of the address
 * from which somebody calls whom nobody knows.
 */
export function accountOf(
  principal: string,
  address: string | undefined,
): string {
  return principal === "" ? `address ${address ?? ""}` : `caller ${principal}`;
}
