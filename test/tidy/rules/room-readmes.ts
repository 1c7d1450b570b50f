/** Every room says in a README what it owns, what it does not own, and what always holds in it. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const WORDS = [/^Owns: /m, /^Does not own: /m, /^Invariants: /m];

export function roomsWithoutReadme(source: string): readonly string[] {
  return readdirSync(source, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = join(source, name, "README.md");
      if (!existsSync(path)) return [`src/${name}: has no README.md`];
      const text = readFileSync(path, "utf8");
      return WORDS.every((word) => word.test(text))
        ? []
        : [`src/${name}/README.md: lacks one of Owns, Does not own, Invariants`];
    });
}
