/** What `meterline quote` reads: a price from the command line or a file, and files of cases. */
import { parse as parseYaml } from "yaml";
import { AppError } from "../kernel/errors.ts";
import { readNamedFile } from "./named-file.ts";

/** JSON in the argument itself, or the YAML or JSON file that it names. `option` names it in a complaint. */
export function readQuoted(argument: string, option: string): unknown {
  if (/^\s*[{[]/.test(argument)) return parseText({ text: argument, source: option, parse: JSON.parse });
  return parseText({
    text: readNamedFile({ path: argument, option }).toString("utf8"),
    source: argument,
    parse: parseYaml,
  });
}

export function readCasesFile(path: string): unknown {
  const text = readNamedFile({ path, option: "--cases" }).toString("utf8");
  return parseText({ text, source: path, parse: /\.ya?ml$/.test(path) ? parseYaml : JSON.parse });
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
