/** What `meterline quote` reads: a price from the command line or a file, and files of cases. */
import { existsSync, readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import { AppError } from "../kernel/errors.ts";

/** JSON in the argument itself, or the YAML or JSON file that it names. `option` names it in a complaint. */
export function readQuoted(argument: string, option: string): unknown {
  if (/^\s*[{[]/.test(argument)) return parseText({ text: argument, source: option, parse: JSON.parse });
  return parseText({ text: readFile(argument), source: argument, parse: parseYaml });
}

export function readCasesFile(path: string): unknown {
  return parseText({ text: readFile(path), source: path, parse: /\.ya?ml$/.test(path) ? parseYaml : JSON.parse });
}

function readFile(path: string): string {
  if (!existsSync(path)) {
    throw new AppError({
      code: "FILE_NOT_FOUND",
      kind: "not_found",
      message: `the file ${path} does not exist: check its path`,
    });
  }
  return readFileSync(path, "utf8");
}

function parseText(input: { text: string; source: string; parse: (text: string) => unknown }): unknown {
  try {
    return input.parse(input.text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError({
      code: "FILE_UNREADABLE",
      kind: "invalid",
      message: `${input.source} cannot be read: ${reason}`,
      cause,
    });
  }
}
