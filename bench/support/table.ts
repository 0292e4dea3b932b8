/** Prints rows under their headings, text to the left and everything else to the right. */
export function printTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): void {
  const cells = rows.map((row) =>
    row.map((cell) =>
      typeof cell === "number" ? cell.toLocaleString("en-US") : cell
    )
  );
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column].length))
  );
  const line = (row: readonly string[], numeric: (column: number) => boolean) =>
    row.map((cell, column) =>
      numeric(column)
        ? cell.padStart(widths[column])
        : cell.padEnd(widths[column])
    ).join("  ").trimEnd();
  const isNumber = (column: number) =>
    rows.some((row) => typeof row[column] === "number");
  console.log(line(headings, isNumber));
  console.log(widths.map((width) => "-".repeat(width)).join("  "));
  for (const row of cells) console.log(line(row, isNumber));
}
