import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseColumnMap } from "../../../src/files/column-map.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";
import {
  connectTo,
  endOf,
  newInstanceIn,
  startUp,
  until,
  type Instance,
  type Up,
} from "../../support/meterline-process.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const COUNTED_DEADLINE_MS = 60_000;
/** What these start runs all along, or for minutes: they have tests of their own. */
const NOT_RUN = /^(npm |npx |bin\/meterline up$)/;
/** Pages whose commands belong to one story, in its order. */
const PAGES = [
  "README.md",
  "docs/catalog.md",
  "docs/publishing.md",
  "docs/producer.md",
  "docs/operating.md",
  "docs/finance-sql.md",
  "docs/metrics.md",
  "docs/prices/README.md",
  "docs/simulating.md",
];

let dir: TempDir;
let instance: Instance;
let up: Up;

beforeAll(async () => {
  dir = await tempDir("docs");
  instance = await newInstanceIn(dir.path);
  up = await startUp(instance);
});

afterAll(async () => {
  up.signal("SIGTERM");
  await endOf(up);
  await dir.remove();
});

const CURL = `curl -s --user "finance:$(cat .meterline/clickhouse/passwords/finance)" 'http://127.0.0.1:8123/'`;

function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(resolve(ROOT, page), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map((match) => match[1] ?? "");
}

function commandsOf(page: string): string[] {
  return blocksOf(page, "sh")
    .flatMap((block) => block.split("\n"))
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "" && !NOT_RUN.test(line));
}

type Outcome = { readonly command: string; readonly code: number; readonly output: string };

/** Runs a line of a page as a user would, only at this instance's port. */
function run(command: string): Promise<Outcome> {
  const line = command
    .replaceAll("127.0.0.1:8123", new URL(up.clickhouseUrl).host)
    .replaceAll("127.0.0.1:8080", new URL(up.httpUrl).host)
    .replaceAll(".meterline/", `${instance.home}/`);
  return new Promise((done) => {
    execFile("sh", ["-c", line], { cwd: ROOT, env: { ...process.env, ...instance.env } }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      done({ command, code, output: stdout + stderr });
    });
  });
}

async function untilCounted(): Promise<void> {
  const { nats, clickhouse, close } = await connectTo(up);
  const { state } = await nats.jsm.streams.info("USAGE_0");
  await until("everything published is counted", COUNTED_DEADLINE_MS, async () => {
    const rows = await clickhouse.rows<{ last: string }>({
      sql: "SELECT toString(max(last)) AS last FROM meterline.sink_batches",
      doing: "reading the last batch",
    });
    return rows[0]?.last === String(state.last_seq) ? true : undefined;
  });
  await close();
}

describe("the pages", () => {
  // Guarantee: every command of the README and the pages does what it says, in the order in which it stands there.
  test.each(PAGES)("%s holds commands that work", async (page) => {
    const commands = commandsOf(page);
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      const outcome = await run(command);
      expect(outcome).toEqual({ command, code: 0, output: expect.any(String) as string });
      expect(outcome.output).not.toContain("DB::Exception");
      if (command.includes("publish")) await untilCounted();
    }
  });

  // Guarantee: what the README promises to show after its commands is there.
  test("leave usage and finalized invoices behind", async () => {
    const usage = await run(`${CURL} --data 'SELECT count() > 0 FROM finance.usage'`);
    expect(usage.output.trim()).toBe("1");
    const invoices = await run(`${CURL} --data "SELECT countIf(status = 'finalized') FROM finance.invoices"`);
    expect(invoices.output.trim()).toBe("3");
  });

  // Guarantee: the published amend and void are accepted and in force, as the page says.
  test("leave an amended and a void event behind", async () => {
    const shown = await run(
      `${CURL} --data "SELECT id, target_id FROM finance.retractions WHERE in_force AND notEmpty(retracted_meters) ORDER BY id"`,
    );
    expect(shown.output).toBe("fix-1\treq-9001\nfix-2\treq-9002\n");
  });

  test.each(blocksOf("docs/finance-sql.md", "sql"))("holds SQL that runs: %s", async (sql) => {
    const { clickhouse, close } = await connectTo(up);
    await expect(clickhouse.rows({ sql, doing: "running an example" })).resolves.toBeInstanceOf(Array);
    await close();
  });

  test("show the column map that lies in the examples", () => {
    const map = readFileSync(resolve(ROOT, "docs/examples/requests.map.yaml"), "utf8");
    const shown = blocksOf("docs/publishing.md", "yaml")[0] ?? "";
    expect(parseColumnMap(shown, "docs/publishing.md")).toEqual({
      ...parseColumnMap(map, "map"),
      missing: ["", "NULL"],
    });
  });

  // Guarantee: no page links to a file that is not there.
  test.each([
    "README.md",
    ...["docs", "docs/prices"].flatMap((folder) =>
      readdirSync(resolve(ROOT, folder))
        .filter((name) => name.endsWith(".md"))
        .map((name) => `${folder}/${name}`),
    ),
  ])("%s links to files that exist", (page) => {
    const text = readFileSync(resolve(ROOT, page), "utf8");
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) =>
      resolve(ROOT, page, "..", match[1] ?? ""),
    );
    for (const link of links) expect(() => readOrList(link), link).not.toThrow();
  });
});

function readOrList(path: string): void {
  try {
    readFileSync(path);
  } catch {
    readdirSync(path);
  }
}
