import { relative } from "node:path/posix";

/** One file of the house. */
export interface HouseFile {
  /** How many lines it has. */
  lines: number;
  /** The files that it imports, types included, by their paths in the house. */
  imports: readonly string[];
}

/** The files of the house by their paths in it, such as `cache/cached.ts`. */
export type House = ReadonlyMap<string, HouseFile>;

/** The folders that a top-level folder may import, beside itself. */
export type Floors = Readonly<Record<string, readonly string[]>>;

/** The files of a room that outsiders may import; the others are its own. */
export type Doors = Readonly<Record<string, readonly string[]>>;

/**
 * Reads all TypeScript of a folder, and the `entrances` beside it (`mod.ts`):
 * they stand outside of every room, under a path that begins with `..`.
 */
export async function readHouse(
  folder: URL,
  entrances: readonly string[],
): Promise<House> {
  const house = new Map<string, HouseFile>();
  const add = async (path: string): Promise<void> => {
    const file = new URL(path, folder);
    const text = await Deno.readTextFile(file);
    const imports = importsOf(text)
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) =>
        relative(folder.pathname, new URL(specifier, file).pathname)
      );
    house.set(path, { lines: text.split("\n").length - 1, imports });
  };
  const visit = async (path: string): Promise<void> => {
    for await (
      const { name, isDirectory } of Deno.readDir(new URL(path, folder))
    ) {
      if (isDirectory) await visit(`${path}${name}/`);
      else if (name.endsWith(".ts")) await add(path + name);
    }
  };
  await visit("");
  for (const each of entrances) await add(each);
  return house;
}

/** What a module imports or exports from elsewhere, in whichever way. */
export function importsOf(text: string): string[] {
  const code = text
    .replaceAll(/^\s*\/\*[^]*?\*\//gm, "")
    .replaceAll(/^\s*\/\/.*$/gm, "");
  const ways = [
    // import x, { y } from "…"; import type * as z from "…"; export { y } from "…"
    /^(?:import|export)\s[\s\w$*,]*(?:\{[^}]*\})?\s*from\s*["']([^"']+)["']/gm,
    // import "…"
    /^import\s*["']([^"']+)["']/gm,
    // await import("…"), and import("…").Type
    /\bimport\(\s*["']([^"']+)["']/g,
  ];
  return ways.flatMap((way) =>
    Array.from(code.matchAll(way), ([, path]) => path)
  );
}

/** Names each import that goes up, or to a folder that the importer needn't know. */
export function floorFaults(house: House, floors: Floors): string[] {
  return faultsOfImports(house, (from, to) => {
    const [floor, other] = [topOf(from), topOf(to)];
    if (floor === ".." || floor === other) return undefined;
    const allowed = floors[floor];
    if (allowed === undefined) {
      return `${from} stands on no floor: give "${floor}" a row in FLOORS`;
    }
    if (allowed.includes(other)) return undefined;
    return `${from} imports ${to}, and ${floor} may import ` +
      `${
        allowed.join(", ") || "nothing"
      }: move what it needs down, or hand it in`;
  });
}

/** Names each import that goes past the doors of a room. */
export function doorFaults(house: House, doors: Doors): string[] {
  return faultsOfImports(house, (from, to) => {
    const room = roomsOf(to, doors).find((room) => !isWithin(from, room));
    if (room === undefined || doors[room].includes(relative(room, to))) {
      return undefined;
    }
    return `${from} imports ${to}, which is private to ${room}: go by ` +
      `${doors[room].join(", ") || "nothing"}, or make it a door in DOORS`;
  });
}

/** Names each door that nobody outside goes through. */
export function unusedDoors(house: House, doors: Doors): string[] {
  const used = new Set<string>();
  for (const [from, { imports }] of house) {
    for (const to of imports) {
      for (const room of roomsOf(to, doors)) {
        if (!isWithin(from, room)) used.add(`${room} ${relative(room, to)}`);
      }
    }
  }
  return Object.entries(doors).flatMap(([room, files]) =>
    files.filter((file) => !used.has(`${room} ${file}`)).map((file) =>
      `nobody outside of ${room} imports ${file}: take it off DOORS`
    )
  );
}

/** Names the circles of imports, one for each import that closes one. */
export function circles(house: House): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (file: string): void => {
    if (done.has(file)) return;
    const begin = way.indexOf(file);
    if (begin >= 0) {
      const circle = [...way.slice(begin), file].join(" > ");
      found.push(`${circle}: move what they share to a file of its own`);
      return;
    }
    way.push(file);
    for (const next of house.get(file)?.imports ?? []) visit(next);
    way.pop();
    done.add(file);
  };
  for (const file of house.keys()) visit(file);
  return found;
}

/** Names the files of more than `most` lines. */
export function longFiles(house: House, most: number): string[] {
  return Array.from(house)
    .filter(([file, { lines }]) => topOf(file) !== ".." && lines > most)
    .map(([file, { lines }]) =>
      `${file} has ${lines} lines of at most ${most}: take a noun out of it`
    );
}

/** Names the files that share their name with another. */
export function twinNames(house: House): string[] {
  const paths = Map.groupBy(house.keys(), (path) => path.split("/").at(-1)!);
  return Array.from(paths)
    .filter(([, twins]) => twins.length > 1)
    .map(([name, twins]) =>
      `${twins.join(" and ")} are both called ${name}: say what sets them apart`
    );
}

function faultsOfImports(
  house: House,
  faultOf: (from: string, to: string) => string | undefined,
): string[] {
  return Array.from(house).flatMap(([from, { imports }]) =>
    imports.map((to) => faultOf(from, to)).filter((fault) =>
      fault !== undefined
    )
  );
}

/** The rooms with doors that a file lies in, the outermost first. */
function roomsOf(file: string, doors: Doors): string[] {
  return Object.keys(doors).filter((room) => isWithin(file, room)).sort();
}

function isWithin(file: string, room: string): boolean {
  return file.startsWith(`${room}/`);
}

function topOf(file: string): string {
  return file.split("/")[0];
}
