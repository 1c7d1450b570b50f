import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSpool, type Spool } from "../../../../src/producer/spool/open-spool.ts";
import { tempDir, type TempDir } from "../../../support/temp-dir.ts";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir("spool");
});
afterEach(() => dir.remove());

function event(number: number, source = "s", size = 10) {
  return { source, id: `e${number}`, text: `{"n":${number},"x":"${"x".repeat(size)}"}` };
}

function open(directory = dir.path): Spool {
  return openSpool({ directory });
}

function left(spool: Spool): string[][] {
  return spool.leftover.map((message) => message.map(({ id }) => id));
}

function segments(directory = dir.path): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".spool"))
    .sort();
}

describe("openSpool", () => {
  // Guarantee: what was taken is there after the process is gone, in the messages that it was sent in.
  test("gives back events without a fate, in their messages", () => {
    const spool = open();
    const numbers = [1, 2, 3, 4, 5].map((number) => spool.append(event(number)));
    spool.seal(numbers.slice(0, 3));
    spool.write();
    spool.close();
    const again = open();
    expect(left(again)).toEqual([["e1", "e2", "e3"], ["e4"], ["e5"]]);
    expect(again.leftover[0]?.[1]).toEqual({ ...event(2), number: numbers[1] });
    again.close();
  });

  // Guarantee: what has its fate is not sent again.
  test("forgets what was settled, also over several runs", () => {
    const spool = open();
    const numbers = [1, 2, 3].map((number) => spool.append(event(number)));
    spool.seal(numbers.slice(0, 2));
    spool.settle(numbers.slice(0, 2));
    spool.close();
    const second = open();
    expect(left(second)).toEqual([["e3"]]);
    const fourth = second.append(event(4));
    second.seal(numbers.slice(2));
    second.settle(numbers.slice(2));
    second.close();
    const third = open();
    expect(left(third)).toEqual([["e4"]]);
    third.seal([fourth]);
    third.settle([fourth]);
    third.close();
    expect(segments()).toEqual([]);
  });

  // Guarantee: the disk is given back once the oldest events are settled.
  test("deletes old segments when everything before is settled, and not earlier", () => {
    const spool = open();
    const big = 6 * 1024 * 1024;
    const numbers = [1, 2, 3, 4, 5, 6, 7].map((number) => spool.append(event(number, "s", big)));
    expect(segments()).toHaveLength(3);
    for (const number of numbers.slice(1)) {
      spool.seal([number]);
      spool.settle([number]);
    }
    expect(segments()).toHaveLength(3);
    spool.seal(numbers.slice(0, 1));
    spool.settle(numbers.slice(0, 1));
    expect(segments()).toHaveLength(1);
    spool.close();
  });

  test("is full beyond its bytes", () => {
    const spool = openSpool({ directory: dir.path, bytesMax: 1_000 });
    expect(spool.isFull()).toBe(false);
    spool.append(event(1, "s", 1_000));
    expect(spool.isFull()).toBe(true);
    spool.close();
  });

  test("belongs to one producer", () => {
    const spool = open();
    expect(() => open()).toThrow(expect.objectContaining({ code: "DIRECTORY_IN_USE" }) as Error);
    spool.close();
  });

  // Guarantee: a process that dies while it writes loses nothing but the event that it had not taken yet.
  test("cuts off an end at any byte and keeps every record before it", () => {
    const spool = open();
    const ends: number[] = [];
    const path = join(dir.path, segments()[0] ?? "");
    for (const number of [1, 2, 3]) {
      spool.append(event(number, "s\u00e4", number * 7));
      ends.push(statSync(path).size);
    }
    spool.close();
    const whole = readFileSync(path);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length }), (length) => {
        for (const name of segments()) truncateSync(join(dir.path, name), 0);
        writeFileSync(path, whole.subarray(0, length));
        const torn = open();
        expect(left(torn)).toEqual(ends.flatMap((end, index) => (end <= length ? [[`e${index + 1}`]] : [])));
        torn.close();
        const again = open();
        expect(again.torn).toBeUndefined();
        again.close();
      }),
      { numRuns: 40 },
    );
  });

  test("cuts off the zeros that a power cut leaves, and says so", () => {
    const spool = open();
    spool.append(event(1));
    spool.close();
    appendFileSync(join(dir.path, segments()[0] ?? ""), Buffer.alloc(4_096));
    const again = open();
    expect(again.torn).toContain("4096 bytes");
    expect(left(again)).toEqual([["e1"]]);
    again.close();
  });

  // Guarantee: a changed byte is never taken for a torn end: events behind it would vanish.
  test("refuses a whole record with another checksum, and names the file", () => {
    const spool = open();
    spool.append(event(1));
    spool.append(event(2));
    spool.close();
    const path = join(dir.path, segments()[0] ?? "");
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(60) ^ 1, 60);
    writeFileSync(path, bytes);
    expect(() => open()).toThrow(expect.objectContaining({ code: "SPOOL_CORRUPT" }) as Error);
  });

  test("resolves once the disk has it, when that was asked for", async () => {
    const spool = openSpool({ directory: dir.path, sync: "disk" });
    const written = [1, 2, 3].map((number) => {
      spool.append(event(number));
      return spool.written();
    });
    await expect(Promise.all(written)).resolves.toHaveLength(3);
    spool.close();
  });
});
