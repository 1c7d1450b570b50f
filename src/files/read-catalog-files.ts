/**
 * Reads the catalog files of a directory, entity by entity, so that every problem is reported at once: each with file, line and column, the field,
 * its value and what to write instead. What could not be read is named too: nobody shall conclude that it does not exist.
 */
import { readdirSync, type Dirent } from "node:fs";
import { join, relative } from "node:path";
import type {
  CatalogInFiles,
  CatalogProblem,
  Located,
  UnreadEntities,
  UnreadReference,
} from "../domain/catalog-files.ts";
import { CATALOG_SECTIONS, type CatalogFileSection } from "../domain/catalog-schema.ts";
import { schemaText } from "../domain/event-type.ts";
import { pathText, shownValue } from "../domain/decimal-field.ts";
import { unknownFieldsMessage } from "../domain/unknown-fields.ts";
import { AppError } from "../kernel/errors.ts";
import { parseCatalogDocument, type CatalogDocument } from "./catalog-document.ts";
import { readNamedFile } from "./named-file.ts";

export type ReadCatalog = {
  readonly catalog: CatalogInFiles;
  readonly problems: readonly CatalogProblem[];
  /** For `planApply`: the same problems, and what they make unknown. */
  readonly unread: UnreadEntities;
};

const SECTIONS = Object.keys(CATALOG_SECTIONS) as readonly CatalogFileSection[];
const FILES_MAX = 10_000;
const ENDINGS = [".yaml", ".yml", ".json"];

/** Throws `invalid` when the directory is none or holds no catalog file; what is wrong inside the files is in `problems`. */
export function readCatalogFiles(directory: string): ReadCatalog {
  const found: Found = {
    entities: { eventTypes: [], meters: [], customers: [], rateCards: [], contracts: [] },
    keys: {
      eventTypes: new Set(),
      meters: new Set(),
      customers: new Set(),
      rateCards: new Set(),
      contracts: new Set(),
    },
    seen: { eventTypes: [], meters: [], customers: [], rateCards: [], contracts: [] },
    references: [],
    problems: [],
    anyFile: false,
  };
  for (const path of catalogFiles(directory)) {
    const bytes = readNamedFile({ path, option: "the catalog file" });
    const document = parseCatalogDocument(bytes, relative(process.cwd(), path) || path);
    found.problems.push(...document.problems);
    if (document.content === undefined) found.anyFile = true;
    else readSections(document, document.content, found);
  }
  for (const section of SECTIONS) found.problems.push(...repeatedKeys(section, found.seen[section]));
  const { entities, keys, problems, references, anyFile } = found;
  return { catalog: entities as unknown as CatalogInFiles, problems, unread: { problems, keys, references, anyFile } };
}

type Found = {
  readonly entities: { readonly [Section in CatalogFileSection]: Located<{ readonly key: string }>[] };
  /** Of entities that are wrong in some way. */
  readonly keys: { readonly [Section in CatalogFileSection]: Set<string> };
  /** Every key with its place, right or wrong. */
  readonly seen: { readonly [Section in CatalogFileSection]: KeyPlace[] };
  readonly references: UnreadReference[];
  readonly problems: CatalogProblem[];
  anyFile: boolean;
};

type KeyPlace = { readonly key: string; readonly at: string };

function readSections(document: CatalogDocument, content: unknown, found: Found): void {
  const problem = (path: readonly PropertyKey[], text: string): void => {
    found.problems.push({ at: document.at(path), problem: `${pathText(path) || "the file"}: ${text}` });
  };
  if (content === null) return;
  if (typeof content !== "object" || Array.isArray(content)) {
    problem([], `is ${shownValue(content)}; write an object with the sections ${SECTIONS.join(", ")}`);
    return;
  }
  for (const [section, list] of Object.entries(content)) {
    if (!isSection(section)) problem([section], unknownFieldsMessage([section], SECTIONS));
    else if (Array.isArray(list))
      (list as readonly unknown[]).forEach((item, index) => {
        readEntity({ document, section, index, item, found });
      });
    else if (list !== null) problem([section], `is ${shownValue(list)}; write a list`);
  }
}

type EntityInput = {
  readonly document: CatalogDocument;
  readonly section: CatalogFileSection;
  readonly index: number;
  readonly item: unknown;
  readonly found: Found;
};

function readEntity(input: EntityInput): void {
  const { document, section, index, item, found } = input;
  const placeOf = (path: readonly PropertyKey[]): string => document.at([section, index, ...path]);
  const key = textAt(item, "key");
  if (key !== undefined) found.seen[section].push({ key, at: placeOf(["key"]) });
  const result = CATALOG_SECTIONS[section].safeParse(section === "eventTypes" ? withSchemaText(input) : item);
  if (result.success) {
    found.entities[section].push({ at: placeOf([]), value: result.data, fieldAt: placeOf });
    return;
  }
  if (key !== undefined) found.keys[section].add(key);
  for (const { path, to, key: named } of referencesOf(item)) {
    const field = pathText([section, index, ...path]);
    found.references.push({ at: placeOf(path), field, section: to, key: named });
  }
  for (const { path, message } of result.error.issues.flatMap(innerIssues)) {
    const whole = [section, index, ...path];
    found.problems.push({ at: document.at(whole), problem: `${pathText(whole)}: ${message}` });
  }
}

/** A schema is taken as the file has it: as plain data its numbers would have passed through binary floating point already. */
function withSchemaText({ document, section, index, item, found }: EntityInput): unknown {
  if (typeof item !== "object" || item === null || memberOf(item, "schema") === undefined) return item;
  const path = [section, index, "schema"];
  const exact = document.exact(path);
  if ("value" in exact) return { ...item, schema: schemaText(exact.value) };
  found.problems.push({ at: exact.at, problem: `${pathText(path)}: ${exact.problem}` });
  // Said already; the rest of the entity is looked at all the same.
  return { ...item, schema: "true" };
}

type Issue = {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly issues?: readonly Issue[];
};

/** A wrong name in a map tells why inside; an unknown field is found at its own place. */
function innerIssues(issue: Issue): { readonly path: readonly PropertyKey[]; readonly message: string }[] {
  const { path, message } = issue;
  if (issue.code === "invalid_key")
    return [{ path, message: `the name ${(issue.issues ?? []).map((inner) => inner.message).join("; ")}` }];
  const [first] = issue.keys ?? [];
  return [{ path: first === undefined ? path : [...path, first], message }];
}

type Reference = { readonly path: readonly PropertyKey[]; readonly to: CatalogFileSection; readonly key: string };

/** What an entity of any section refers to, as far as it can be made out. */
function referencesOf(item: unknown): Reference[] {
  const named = (path: readonly PropertyKey[], to: CatalogFileSection, key: string | undefined): Reference[] =>
    key === undefined ? [] : [{ path, to, key }];
  const meters = (["prices", "overrides"] as const).flatMap((list) =>
    listAt(item, list).flatMap((price, index) => named([list, index, "meter"], "meters", textAt(price, "meter"))),
  );
  return [
    ...named(["customer"], "customers", textAt(item, "customer")),
    ...named(["rateCard"], "rateCards", textAt(item, "rateCard")),
    ...meters,
  ];
}

function textAt(item: unknown, field: string): string | undefined {
  const value = memberOf(item, field);
  return typeof value === "string" ? value : undefined;
}

function listAt(item: unknown, field: string): readonly unknown[] {
  const value = memberOf(item, field);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function memberOf(item: unknown, field: string): unknown {
  if (typeof item !== "object" || item === null || !Object.hasOwn(item, field)) return undefined;
  return (item as Readonly<Record<string, unknown>>)[field];
}

function isSection(name: string): name is CatalogFileSection {
  return Object.hasOwn(CATALOG_SECTIONS, name);
}

function repeatedKeys(section: CatalogFileSection, keys: readonly KeyPlace[]): CatalogProblem[] {
  const first = new Map<string, string>();
  return keys.flatMap(({ key, at }) => {
    const earlier = first.get(key);
    first.set(key, earlier ?? at);
    if (earlier === undefined) return [];
    return [{ at, problem: `${section}: the key ${key} is already used at ${earlier}; choose another` }];
  });
}

function catalogFiles(directory: string): string[] {
  const files = entriesOf(directory)
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

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true });
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    throw new AppError({
      code: "CATALOG_DIRECTORY_MISSING",
      kind: "invalid",
      message: `"${directory}" is not a directory that can be read (${code}): name the one that holds the catalog files`,
      cause,
    });
  }
}
