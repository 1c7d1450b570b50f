/**
 * R7: rated lines/s of a rating run with its lineage written ÷ lines/s of one ClickHouse query that computes the same amounts in Decimal256 from the same windows. Ten prices per
 * customer, graduated over three tiers; the sums of the amounts have to agree to the last digit.
 */
import { ratePeriod } from "../../../src/app/rating/rate-period.ts";
import { decimal, decimalText } from "../../../src/kernel/decimal.ts";
import { openServices, type Services } from "../../../cmd/services.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { BENCH_TIERS, writeBenchCatalog } from "../bench-catalog.ts";
import { timed, type BenchWorld } from "../bench-world.ts";
import { requireEqual, type Benchmark } from "../benchmark.ts";
import { generateUsage, GENERATED_MONTH } from "../generated-usage.ts";
import { interleave } from "../interleave.ts";
import { ratioOf } from "../ratio.ts";

const METERS = 10;
const WINDOWS_PER_LINE = 8;
const SIDES = ["rating run", "one query"] as const;
export const rating: Benchmark = {
  id: "R7",
  title: "Rating with lineage beside one query",
  /** Lines: a tenth as many customers. */
  events: 20_000,
  // Short ones: what the machine does besides shows in single rounds.
  rounds: 15,
  minutes: 1,
  run: async ({ events: lines, rounds, worlds, say }) => {
    const customers = Math.max(Math.round(lines / METERS), 1);
    const dir = await tempDir("bench-catalog");
    writeBenchCatalog(dir.path, { customers, meters: METERS });
    const world = await worlds.fresh({ catalog: dir.path });
    await dir.remove();
    say(`a catalog of ${customers} contracts is applied`);
    for (let meter = 0; meter < METERS; meter += 1)
      await generateUsage(world.clickhouse, {
        meter: `m${meter}`,
        aggregation: "sum",
        customers,
        eventsPerCustomer: WINDOWS_PER_LINE * (meter + 1),
        eventsPerWindow: meter + 1,
      });
    const services = await openServices(world.context);
    const rates = await interleave({ rounds, sides: SIDES, unit: "lines/s", say }, async (side) => {
      const wanted = decimalText(
        decimal((await amountsByQuery(world)).reduce((sum, row) => add(sum, row.amount), "0")),
      );
      let found = "";
      const { seconds } = await timed(async () => {
        found =
          side === "one query"
            ? (await amountsByQuery(world)).reduce((sum, row) => add(sum, row.amount), "0")
            : await rate(services);
      });
      if (side === "rating run") found = await amountOfRun(world, { runId: found, lines: customers * METERS });
      requireEqual(`amount, ${side}`, decimalText(decimal(found)), wanted);
      return (customers * METERS) / seconds;
    });
    await world.stop();
    return {
      measurements: SIDES.map((side) => ({ name: side, unit: "lines/s", values: rates[side] })),
      ratios: [
        ratioOf({
          name: "rating run ÷ one query",
          of: rates["rating run"],
          to: rates["one query"],
          target: { atLeast: 0.25 },
          aim: { atLeast: 0.5 },
        }),
      ],
      facts: { lines: customers * METERS, customers, "windows per line": WINDOWS_PER_LINE },
    };
  },
};

async function rate(services: Services): Promise<string> {
  return (await ratePeriod(services.rating, { period: GENERATED_MONTH.name, customers: [] })).runId;
}

type Amount = { readonly customer: string; readonly amount: string };

/** Each line as a row, as the rating run makes it, only without anything that explains it. */
async function amountsByQuery({ clickhouse }: BenchWorld): Promise<readonly Amount[]> {
  const price = (text: string): string => `toDecimal256('${text}', 24)`;
  const tiers = BENCH_TIERS.map(({ upTo, unitAmount }, index) => {
    const from = index === 0 ? "0" : (BENCH_TIERS[index - 1]?.upTo ?? "0");
    const above = `greatest(quantity - toDecimal256('${from}', 18), toDecimal256(0, 18))`;
    const inTier = upTo === null ? above : `least(${above}, toDecimal256('${upTo}', 18) - toDecimal256('${from}', 18))`;
    return `${inTier} * ${price(unitAmount)}`;
  });
  return await clickhouse.rows<Amount>({
    sql: `SELECT customer, meter, toString(quantity) AS quantity, toString(${tiers.join(" + ")}) AS amount
      FROM (SELECT customer, meter, sum(quantity_sum) AS quantity FROM meterline.usage_windows_as_of(cut = 4294967295)
        WHERE window_start >= toDateTime('2026-10-01 00:00:00', 'UTC') AND window_start < toDateTime('2026-11-01 00:00:00', 'UTC')
        GROUP BY customer, meter)
      ORDER BY customer, meter`,
    settings: { prefer_column_name_to_alias: 1 },
    doing: "rating by one query",
  });
}

async function amountOfRun(
  { clickhouse }: BenchWorld,
  { runId, lines }: { runId: string; lines: number },
): Promise<string> {
  const [row] = await clickhouse.rows<{ lines: string; amount: string }>({
    sql: "SELECT count() AS lines, toString(sum(amount)) AS amount FROM finance.rated_lines WHERE run_id = {runId: String}",
    params: { runId },
    doing: "adding up the run",
  });
  requireEqual("lines of the run", Number(row?.lines), lines);
  return row?.amount ?? "";
}

function add(sum: string, amount: string): string {
  return decimalText(decimal(sum).plus(decimal(amount)));
}
