/** Columns of text: numbers to the right, and the last column to the left. */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const last = head.length - 1;
  const widths = head.map((title, column) =>
    rows.reduce(
      (width, row) => Math.max(width, row[column].length),
      title.length,
    )
  );
  return [head, ...rows].map((row) =>
    row.map((cell, column) =>
      column === last ? cell : cell.padStart(widths[column])
    ).join("  ")
  ).join("\n");
}
