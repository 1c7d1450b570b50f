/**
 * A form in the body (`multipart/form-data`): its fields are parameters like those of the URL, its files are tables that the query sees as temporary ones, described by
 * `<name>_structure` or `<name>_types`, and `<name>_format`.
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Busboy } from "@fastify/busboy";
import { headerOf } from "./http-request.ts";
import { ClickHouseError, serverError } from "./server-error.ts";
import type { Spool } from "./spool.ts";

/** A table and the spooled file that holds its rows. */
export type TableInBody = { readonly name: string; readonly path: string };
export type FormInBody = {
  readonly fields: readonly (readonly [string, string])[];
  readonly tables: readonly TableInBody[];
};

const FIELD_BYTES_MAX = 64 * 1024 * 1024;
const FILES_MAX = 100;
const DEFAULT_FORMAT = "TabSeparated";

export function isForm(message: IncomingMessage): boolean {
  return (headerOf(message, "content-type") ?? "").startsWith("multipart/form-data");
}

/** `body` is the message's body without its Content-Encoding. The caller removes the tables' files. */
export async function readForm(message: IncomingMessage, body: Readable, spool: Spool): Promise<FormInBody> {
  const fields: [string, string][] = [];
  const tables: Promise<TableInBody>[] = [];
  try {
    const parser = new Busboy({
      headers: { "content-type": headerOf(message, "content-type") ?? "" },
      limits: { fieldSize: FIELD_BYTES_MAX, files: FILES_MAX },
    });
    parser.on("field", (name, value) => fields.push([name, value]));
    parser.on("file", (name, file) => {
      tables.push(spool.write(new Uint8Array(), file).then((path) => ({ name, path })));
    });
    await pipeline(body, parser);
    return { fields, tables: await Promise.all(tables) };
  } catch (error) {
    for (const table of await Promise.allSettled(tables))
      if (table.status === "fulfilled") await spool.remove(table.value.path);
    if (error instanceof ClickHouseError) throw error;
    throw serverError({
      code: 36,
      name: "BAD_ARGUMENTS",
      text: `The form in the body cannot be read: ${String(error)}`,
    });
  }
}

/** The structure and the format of a table, as the parameters say. */
export function describeTable(name: string, all: URLSearchParams): { structure: string; format: string } {
  const format = all.get(`${name}_format`) ?? DEFAULT_FORMAT;
  const types = all.get(`${name}_types`);
  const structure =
    all.get(`${name}_structure`) ??
    types
      ?.split(/,(?![^(]*\))/)
      .map((type, at) => `_${at + 1} ${type}`)
      .join(", ");
  if (structure === undefined) {
    throw serverError({
      code: 36,
      name: "BAD_ARGUMENTS",
      text: `Neither structure nor types are specified for external table ${name}. Use fields ${name}_structure or ${name}_types to do so`,
    });
  }
  return { structure, format };
}
