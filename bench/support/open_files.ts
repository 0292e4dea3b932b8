/** Ends the program when the system would not let one process hold so many sockets. */
export function checkOpenFiles(needed: number): void {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const allowed = Number(limits.match(/Max open files\s+(\d+)/)?.[1]);
  if (allowed >= needed) return;
  console.error(
    `This bench opens ${needed} files at once, and ${allowed} are allowed: ulimit -n ${needed}`,
  );
  Deno.exit(1);
}
