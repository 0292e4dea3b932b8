/**
 * Keeps a folder to oneself for as long as the file it gives is open; a process
 * that dies lets go of it.
 *
 * @throws when another process, or another database of this one, has it.
 */
export async function lockFolder(folder: string): Promise<Deno.FsFile> {
  await Deno.mkdir(folder, { recursive: true });
  const file = await openToLock(folder);
  if (await file.tryLock(true)) return file;
  file.close();
  throw new Error(
    `the database in ${folder} is in use by another process, or pool of this one`,
  );
}

/** PostgreSQL wants an empty folder to begin with; Windows opens files alone. */
function openToLock(folder: string): Promise<Deno.FsFile> {
  return Deno.build.os === "windows"
    ? Deno.open(`${folder}.lock`, { create: true, write: true })
    : Deno.open(folder);
}
