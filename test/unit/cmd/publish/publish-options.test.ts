import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readPublishOptions } from "../../../../cmd/publish/publish-options.ts";
import { tempDir, type TempDir } from "../../../support/temp-dir.ts";

let dir: TempDir;
let usage = "";
let folder = "";
beforeEach(async () => {
  dir = await tempDir("publish-options");
  usage = join(dir.path, "usage.csv");
  folder = join(dir.path, "folder");
  writeFileSync(usage, "a,b\n");
  writeFileSync(join(dir.path, "map.yaml"), "source: x\n");
  mkdirSync(folder);
});
afterEach(() => dir.remove());

test("takes the file and the text of its map", () => {
  const mapPath = join(dir.path, "map.yaml");
  expect(readPublishOptions(usage, { map: mapPath, rate: "5" })).toEqual({
    ...{ path: usage, type: "csv", mapPath, mapText: "source: x\n" },
    ...{ perSecond: 5, again: false },
  });
});

// Guarantee: a wrong path is told before anything is connected to, with the place where it was named.
test("names what is wrong with a path", () => {
  expect(() => readPublishOptions(folder, {})).toThrow(`<file> is "${folder}": that is a directory`);
  expect(() => readPublishOptions(`${usage}.x`, {})).toThrow(`<file> is "${usage}.x": that file does not exist`);
  expect(() => readPublishOptions(usage, { map: folder })).toThrow(`--map is "${folder}": that is a directory`);
  expect(() => readPublishOptions(usage, { map: "absent" })).toThrow('--map is "absent": that file does not exist');
});
