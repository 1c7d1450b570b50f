/** Reads the catalog files of a directory. Every problem is reported at once, each with file, line, field, value and what to write instead. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { isNode, LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";
import { catalogFileSchema, type CatalogFile, type CatalogFileSection } from "../domain/catalog-schema.ts";
import { pathText } from "../domain/decimal-field.ts";
import { AppError } from "../kernel/errors.ts";

/** An entity as written, and where: `catalog/meters.yaml:12`. */
export type Located<T> = { readonly at: string; readonly value: T };
export type CatalogInFiles = {
  readonly [Section in CatalogFileSection]: readonly Located<CatalogFile[Section][number]>[];
};
export type FileProblem = { readonly at: string; readonly problem: string };

const SECTIONS = ["meters", "customers", "rateCards", "contracts"] as const satisfies readonly CatalogFileSection[];
const FILES_MAX = 10_000;
const ENDINGS = [".yaml", ".yml", ".json"];

/** Throws `invalid` when the directory is none or holds no catalog file; what is wrong inside the files is in `problems`. */
export function readCatalogFiles(directory: string): {
  readonly catalog: CatalogInFiles;
  readonly problems: readonly FileProblem[];
} {
  const catalog: { [Section in CatalogFileSection]: Located<CatalogFile[Section][number]>[] } = {
    meters: [],
    customers: [],
    rateCards: [],
    contracts: [],
  };
  const problems: FileProblem[] = [];
  for (const file of catalogFiles(directory)) {
    const read = readFile(file, relative(process.cwd(), file) || file);
    problems.push(...read.problems);
    if (read.content === null) continue;
    for (const section of SECTIONS) {
      const entities = read.content[section] as Located<never>[];
      catalog[section].push(...entities);
    }
  }
  return {
    catalog,
    problems: [...problems, ...SECTIONS.flatMap((section) => repeatedKeys(section, catalog[section]))],
  };
}

type FileContent = { readonly [Section in CatalogFileSection]: readonly Located<CatalogFile[Section][number]>[] };

function readFile(
  path: string,
  name: string,
): { readonly content: FileContent | null; readonly problems: FileProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(path, "utf8"), { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): string => `${name}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    return {
      content: null,
      problems: document.errors.map((error) => ({
        at: at(error.pos[0]),
        problem: error.message.split("\n")[0] ?? error.message,
      })),
    };
  }
  const result = catalogFileSchema.safeParse(document.toJS() ?? {});
  const lineOf = (keys: readonly PropertyKey[]): string => at(offsetOf(document, keys));
  if (!result.success)
    return { content: null, problems: result.error.issues.flatMap((issue) => problemsOf(issue, lineOf)) };
  const located = Object.fromEntries(
    SECTIONS.map((section) => [
      section,
      result.data[section].map((value, index) => ({ at: lineOf([section, index]), value })),
    ]),
  );
  return { content: located as unknown as FileContent, problems: [] };
}

function problemsOf(issue: z.core.$ZodIssue, lineOf: (keys: readonly PropertyKey[]) => string): FileProblem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      at: lineOf([...issue.path, key]),
      problem: `${pathText([...issue.path, key])}: there is no such field here; docs/catalog.md lists them`,
    }));
  }
  return [{ at: lineOf(issue.path), problem: `${pathText(issue.path) || "the file"}: ${issue.message}` }];
}

/** Where a value begins; of a missing one, where what should hold it begins. */
function offsetOf(document: Document, keys: readonly PropertyKey[]): number {
  for (let length = keys.length; length >= 0; length -= 1) {
    const node: unknown = document.getIn(keys.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function repeatedKeys(
  section: CatalogFileSection,
  entities: readonly Located<{ readonly key: string }>[],
): FileProblem[] {
  const first = new Map<string, string>();
  return entities.flatMap(({ at, value }) => {
    const earlier = first.get(value.key);
    first.set(value.key, earlier ?? at);
    return earlier === undefined
      ? []
      : [{ at, problem: `${section}: the key ${value.key} is already used at ${earlier}` }];
  });
}

function catalogFiles(directory: string): string[] {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new AppError({
      code: "CATALOG_DIRECTORY_MISSING",
      kind: "invalid",
      message: `"${directory}" is not a directory: name the one that holds the catalog files`,
    });
  }
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ENDINGS.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (files.length > 0 && files.length <= FILES_MAX) return files;
  throw new AppError({
    code: "CATALOG_FILES_MISSING",
    kind: "invalid",
    message: `"${directory}" holds ${files.length} files ending in ${ENDINGS.join(", ")}: there must be 1 to ${FILES_MAX}`,
  });
}
