import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { roomsWithoutReadme } from "./rules/room-readmes.ts";
import { ROOT } from "./tracked-files.ts";

test("every room has a README that says what it owns, what not, and what always holds", () => {
  expect(roomsWithoutReadme(join(ROOT, "src"))).toEqual([]);
});

test("a room without one, and a README without its parts, are found", () => {
  const source = mkdtempSync(join(tmpdir(), "meterline-rooms-"));
  try {
    for (const room of ["empty", "short", "whole"]) mkdirSync(join(source, room));
    writeFileSync(join(source, "short", "README.md"), "# short\n\nOwns: little.\n");
    writeFileSync(join(source, "whole", "README.md"), "# whole\n\nOwns: a.\nDoes not own: b.\nInvariants: c.\n");
    expect(roomsWithoutReadme(source)).toEqual([
      expect.stringContaining("src/empty"),
      expect.stringContaining("src/short/README.md"),
    ]);
  } finally {
    rmSync(source, { recursive: true });
  }
});
