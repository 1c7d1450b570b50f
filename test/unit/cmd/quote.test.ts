import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { quoteCommand } from "../../../cmd/commands/quote.ts";
import { AppError } from "../../../src/kernel/errors.ts";

const PRICE = '{"model":"per_unit","unitAmount":"0.335"}';
/** 2 in the hour of its event, and in the two after it. */
const HELD = {
  ...{ bucket: "hour", holdFor: 2, period: { from: "2026-10-01T00:00:00Z", to: "2026-10-02T00:00:00Z" } },
  events: [{ time: "2026-10-01T08:30:00Z", value: "2" }],
};
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "meterline-quote-"));
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** What the command prints. */
async function quote(...options: readonly string[]): Promise<string> {
  const printed: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => printed.push(String(text)) > 0);
  await quoteCommand().parseAsync(options, { from: "user" });
  return printed.join("");
}

it("prints id, amount and rounded amount of each case, and nothing else", async () => {
  const cases = [
    {
      id: "a",
      currency: "EUR",
      price: JSON.parse(PRICE) as unknown,
      usage: { quantity: "3" },
      expect: { amount: "1.005" },
    },
    { id: "b", currency: "EUR", total: "1.00", weights: ["1", "1", "1"] },
    { id: "c", aggregation: "count", period: { from: "2026-10-01T00:00:00Z", to: "2026-10-02T00:00:00Z" }, events: [] },
    { ...HELD, id: "d", aggregation: "latest" },
  ];
  expect(JSON.parse(await quote("--cases", file("cases.json", JSON.stringify(cases)), "--json"))).toEqual([
    { id: "a", amount: "1.005", rounded: "1.01" },
    { id: "b", parts: ["0.34", "0.33", "0.33"] },
    { id: "c", quantity: "0" },
    { id: "d", quantity: "6" },
  ]);
});

it("prints a table with the steps of each amount", async () => {
  expect(await quote("--price", PRICE, "--quantity", "3", "--currency", "EUR")).toBe(
    [
      "quote  1.01 EUR  (exactly 1.005)",
      "  quantity   each  amount  step",
      "  ────────  ─────  ──────  ─────────────────────────────────────",
      "         3  0.335   1.005  3 units at 0.335 EUR each = 1.005 EUR",
      "                           1.005 EUR rounded half up: 1.01 EUR",
      "",
    ].join("\n"),
  );
});

it("reads a price from a YAML file, and prices a later part", async () => {
  const price = file("price.yaml", 'model: flat\namount: "5"\n');
  const printed = await quote(
    "--price",
    price,
    "--quantity",
    "0",
    "--prior",
    "0",
    "--currency",
    "EUR",
    "--json",
    "--breakdown",
  );
  expect(JSON.parse(printed)).toMatchObject([
    { amount: "0", breakdown: [{ kind: "flat" }, { kind: "prior", amount: "-5" }, { kind: "rounding" }] },
  ]);
});

it.each([
  [
    "a number as quantity",
    '[{"id":"x","currency":"EUR","price":{"model":"flat","amount":"1"},"usage":{"quantity":5}}]',
    /case "x": usage\.quantity: quantity is the number 5: put it in quotes/,
  ],
  [
    "a bad price",
    '[{"id":"x","currency":"EUR","price":{"model":"flat","amount":1},"usage":{"quantity":"5"}}]',
    /case "x": price\.amount: amount is the number 1/,
  ],
  [
    "two shapes of usage",
    '[{"id":"x","currency":"EUR","price":{"model":"flat","amount":"1"},"usage":{"quantity":"5","events":[]}}]',
    /case "x": usage: write one of/,
  ],
  [
    "an unknown currency",
    '[{"id":"x","currency":"EUX","price":{"model":"flat","amount":"1"},"usage":{"quantity":"5"}}]',
    /case "x": currency: currency is "EUX"/,
  ],
  [
    "a date that does not exist",
    '[{"id":"x","aggregation":"count","period":{"from":"2026-02-30T00:00:00Z","to":"2026-03-01T00:00:00Z"},"events":[]}]',
    /case "x": period\.from: is "2026-02-30T00:00:00Z"/,
  ],
  [
    "an unknown aggregation",
    '[{"id":"x","aggregation":"median"}]',
    /case "x": aggregation: aggregation is "median": choose one of count/,
  ],
  [
    "a level that the greatest value does not state",
    JSON.stringify([{ ...HELD, id: "x", aggregation: "max" }]),
    /case "x": holdFor: must be absent: only latest has a last stated level to hold; use aggregation: latest/,
  ],
  ["weights of nothing", '[{"id":"x","currency":"EUR","total":"1","weights":["0"]}]', /case "x": weights add up to 0/],
  ["a case without an id", '[{"currency":"EUR"}]', /case 1: id: write a text/],
  ["no list", '"cases"', /is "cases": write a list of cases/],
  ["no case", "[5]", /case 1: is 5: write an object with an id/],
  ["no JSON", "nonsense", /bad\.json cannot be read/],
])("names the case and the field: %s", async (_what, content, message) => {
  await expect(quote("--cases", file("bad.json", content))).rejects.toThrow(message);
  await expect(quote("--cases", file("bad.json", content))).rejects.toMatchObject({ kind: "invalid" });
});

it("asks for what is missing on the command line", async () => {
  await expect(quote("--price", PRICE)).rejects.toMatchObject({ kind: "usage" });
  await expect(quote("--cases", "x.json", "--quantity", "1")).rejects.toMatchObject({ kind: "usage" });
  await expect(quote("--cases", join(folder, "absent.json"))).rejects.toThrow(AppError);
});

it("names the option of a path that is wrong", async () => {
  const one = ["--price", PRICE, "--currency", "EUR"];
  const drawn = join(folder, "absent", "price.svg");
  const mistakes = [
    [["--cases", folder], `--cases is "${folder}": that is a directory`],
    [["--price", folder, "--currency", "EUR", "--quantity", "1"], `--price is "${folder}": that is a directory`],
    [[...one, "--cells", folder], `--cells is "${folder}": that is a directory`],
    [[...one, "--plot", folder], `--plot is "${folder}": that is a directory`],
    [[...one, "--plot", drawn], `--plot is "${drawn}": there is no directory ${join(folder, "absent")}`],
  ] as const;
  for (const [options, message] of mistakes) await expect(quote(...options)).rejects.toThrow(message);
});

it("takes single events and cells from the command line, with what was billed before in the same form", async () => {
  const percentage = '{"model":"percentage","rate":"1","fixedAmount":"0.10"}';
  // 1 % of 30 and three times 0.10; before it 1 % of 10 and 0.10, so that the part is 0.20 of 0.40 + 0.20.
  const events = await quote(
    "--price",
    percentage,
    "--currency",
    "EUR",
    "--events",
    "10, 20",
    "--prior",
    "5,5",
    "--json",
  );
  expect(JSON.parse(events)).toEqual([{ id: "quote", amount: "0.5", rounded: "0.50" }]);
  const matrix = '{"model":"matrix","dimensions":["region"],"cells":[{"match":{"region":"eu"},"unitAmount":"2"}]}';
  const cells = await quote(
    "--price",
    matrix,
    "--currency",
    "EUR",
    "--cells",
    '[{"match":{"region":"eu"},"quantity":"3"}]',
    "--json",
  );
  expect(JSON.parse(cells)).toEqual([{ id: "quote", amount: "6", rounded: "6.00" }]);
});

it("reads a YAML file that holds one case alone", async () => {
  const alone = file(
    "one.yaml",
    'currency: JPY\nprice: { model: per_unit, unitAmount: "3" }\nusage: { quantity: "5" }\n',
  );
  expect(JSON.parse(await quote("--cases", alone, "--json"))).toEqual([{ id: "quote", amount: "15", rounded: "15" }]);
});

// Guarantee: a file of cases is mended in one go, and nothing is answered as long as a case is wrong.
it("says everything that is wrong in all cases at once", async () => {
  const cases = [
    { id: "good", currency: "EUR", price: { model: "flat", amount: "1" }, usage: { quantity: "1" } },
    { id: "two", currency: "EUX", price: { model: "flat", amount: 1 }, usage: { quantity: "1" } },
    { id: "engine", currency: "EUR", total: "1", weights: ["0"] },
  ];
  const failure = await quote("--cases", file("wrong.json", JSON.stringify(cases))).catch((error: unknown) => error);
  expect(failure).toMatchObject({ kind: "invalid", code: "QUOTE_CASE_INVALID" });
  expect((failure as AppError).details["problems"]).toEqual([
    expect.stringMatching(/^case "two": currency: currency is "EUX": write an ISO 4217 code/),
    expect.stringMatching(/^case "two": price\.amount: amount is the number 1: put it in quotes/),
    expect.stringMatching(/^case "engine": weights add up to 0/),
  ]);
});
