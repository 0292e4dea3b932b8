import type {
  Resource,
  SkillEntry,
  SkillResource,
} from "../../protocol/types.ts";
import type { Slot } from "../catalog/collection.ts";
import type { RegisteredSkill } from "./registered_skill.ts";
import type { SkillFile } from "./skill_file.ts";
import { directoryOf, MANIFEST, nameOf, skillUri } from "./skill_uri.ts";

type SkillSlot = Slot<RegisteredSkill>;

/** A file at the URI where a server serves it. */
export interface IndexedFile {
  readonly uri: string;
  readonly file: SkillFile<never>;
  readonly slot: SkillSlot;
}

/** A skill as a server shows it. */
export interface IndexedSkill {
  readonly slot: SkillSlot;
  readonly entry: SkillEntry;
}

/** A directory as a server shows it. */
export interface IndexedDirectory {
  readonly children: readonly Resource[];
  /** Scopes of all that is below it. */
  readonly scopes: readonly string[];
}

/**
 * Index of everything that a server's enabled skills have. A skill's files are
 * all those below it: the files of a skill within another belong to both.
 */
export class SkillIndex {
  /** Files by URI. */
  readonly files: ReadonlyMap<string, IndexedFile>;
  /** Skills by the URI of their `SKILL.md`. */
  readonly skills: ReadonlyMap<string, IndexedSkill>;
  /** Directories by URI. */
  readonly directories: ReadonlyMap<string, IndexedDirectory>;

  constructor(slots: Iterable<SkillSlot>) {
    const all = [...slots];
    const files = all.flatMap(filesOf).toSorted((a, b) =>
      a.uri < b.uri ? -1 : 1
    );
    this.files = new Map(files.map((file) => [file.uri, file]));
    const below = Map.groupBy(
      files.flatMap((file) =>
        ancestors(file.uri).map((directory) => ({ directory, file }))
      ),
      ({ directory }) => directory,
    );
    this.skills = new Map(all.map((slot) => {
      const files = below.get(directoryOf(slot.key)!)!.map(({ file }) => file);
      return [slot.key, { slot, entry: entryOf(slot, files) }];
    }));
    const children = childrenByDirectory(files, [...below.keys()]);
    this.directories = new Map(
      Array.from(below, ([uri, inside]) => [uri, {
        children: children.get(uri)!,
        scopes: inside.flatMap(({ file }) => file.slot.scopes),
      }]),
    );
  }
}

/** A file as lists show it. */
export function resourceOf({ uri, file, slot }: IndexedFile): Resource {
  const { name, description } = slot.item.skill;
  return {
    uri,
    ...(uri === slot.key ? { name, description } : { name: nameOf(uri) }),
    ...(file.mimeType !== undefined && { mimeType: file.mimeType }),
    ...(file.fixed !== undefined && { size: file.fixed.size }),
  };
}

/** The files that a skill brings along, under the prefix that its slot has. */
function filesOf(slot: SkillSlot): IndexedFile[] {
  const { skill } = slot.item;
  const own = skillUri(skill.path, MANIFEST).length - MANIFEST.length;
  const root = slot.key.slice(0, -MANIFEST.length);
  return Array.from(skill.files.values(), (file) => ({
    uri: root + skillUri(skill.path, file.path).slice(own),
    file,
    slot,
  }));
}

function entryOf(slot: SkillSlot, files: IndexedFile[]): SkillEntry {
  const resources: SkillResource[] = [];
  for (const { uri, file } of files) {
    if (file.fixed !== undefined) {
      const { digest, size } = file.fixed;
      resources.push({ uri, digest, size });
    }
  }
  return {
    uri: slot.key,
    frontmatter: slot.item.skill.frontmatter,
    resources: resources.length === files.length ? resources : "dynamic",
  };
}

function childrenByDirectory(
  files: IndexedFile[],
  directories: string[],
): Map<string, Resource[]> {
  const children = new Map<string, Resource[]>(
    directories.map((uri) => [uri, []]),
  );
  const resources = [
    ...files.map(resourceOf),
    ...directories.map((uri) => ({
      uri,
      name: nameOf(uri),
      mimeType: "inode/directory",
    })),
  ];
  for (const resource of resources.toSorted((a, b) => a.uri < b.uri ? -1 : 1)) {
    children.get(directoryOf(resource.uri) ?? "")?.push(resource);
  }
  return children;
}

function ancestors(uri: string): string[] {
  const directory = directoryOf(uri);
  return directory === undefined ? [] : [directory, ...ancestors(directory)];
}
