/** Prints rows under their headings, text to the left and everything else to the right; as Markdown on demand. */
export function printTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  asMarkdown = false,
): void {
  const cells = rows.map((row) =>
    row.map((cell) =>
      typeof cell === "number" ? cell.toLocaleString("en-US") : cell
    )
  );
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column].length))
  );
  const line = (
    row: readonly string[],
    numeric: (column: number) => boolean,
  ) => {
    const padded = row.map((cell, column) =>
      numeric(column)
        ? cell.padStart(widths[column])
        : cell.padEnd(widths[column])
    );
    return asMarkdown
      ? `| ${padded.join(" | ")} |`
      : padded.join("  ").trimEnd();
  };
  const isNumber = (column: number) =>
    rows.some((row) => typeof row[column] === "number");
  console.log(line(headings, isNumber));
  console.log(line(widths.map((width) => "-".repeat(width)), () => false));
  for (const row of cells) console.log(line(row, isNumber));
}
