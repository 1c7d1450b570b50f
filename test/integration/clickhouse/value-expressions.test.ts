/** Expressions as the sink computes them and as verification computes them again in SQL. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { QUANTITY_PLACES } from "../../../src/domain/meter.ts";
import { parseExpression } from "../../../src/domain/value-expression/parse-expression.ts";
import { parseExactJson } from "../../../src/kernel/exact-json.ts";
import { fixedPointText } from "../../../src/kernel/fixed-point.ts";
import type { JsonObject } from "../../../src/kernel/json-tree.ts";
import { TreeMembers } from "../../../src/metering/event-members.ts";
import { compileExpression } from "../../../src/metering/evaluate-expression.ts";
import { expressionData, expressionTexts } from "../../support/expression-texts.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

const SAMPLES = 3_000;
const SEED = 20_261_128;

let servers: TestServers;
let clickhouse: ClickHouse;

beforeAll(async () => {
  servers = await startTestServers();
  clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
  await migrate(clickhouse);
});

afterAll(async () => {
  await clickhouse?.close();
  await servers?.stop();
});

type Sample = { readonly expression: string; readonly raw: string; readonly expected: string };

/** What the sink gives: a quantity, or empty where a value is missing. What it refuses to compute is none. */
function sampleOf([expression, raw]: readonly [string, string]): Sample[] {
  const tree = parseExpression(expression);
  const document = parseExactJson(raw, 1);
  if ("problem" in tree || "error" in document) throw new Error(`${expression} of ${raw}`);
  const result = compileExpression(tree)(new TreeMembers(document.elements[0]?.value as JsonObject));
  if (typeof result === "bigint") return [{ expression, raw, expected: fixedPointText(result, QUANTITY_PLACES) }];
  return result.problem === "missing" ? [{ expression, raw, expected: "" }] : [];
}

// Guarantee: an event's computed quantity is found again from its bytes by SQL alone, to the last place.
test("SQL computes what the sink computes", async () => {
  const texts = fc.sample(fc.tuple(expressionTexts, expressionData), { numRuns: SAMPLES, seed: SEED });
  const samples = texts.filter(([text]) => text.length < 1_000).flatMap(sampleOf);
  expect(samples.filter(({ expected }) => expected !== "").length).toBeGreaterThan(SAMPLES / 4);
  expect(samples.filter(({ expected }) => expected === "").length).toBeGreaterThan(SAMPLES / 20);
  await clickhouse.command({
    sql: "CREATE TABLE meterline.test_samples (number UInt32, expression String, raw String) ENGINE = MergeTree ORDER BY number",
    doing: "making a table of samples",
  });
  await clickhouse.insert({
    sql: "INSERT INTO meterline.test_samples FORMAT JSONEachRow",
    body: samples.map(({ expression, raw }, number) => `${JSON.stringify({ number, expression, raw })}\n`).join(""),
    doing: "writing samples",
  });
  const rows = await clickhouse.rows<{ number: number; value: string }>({
    sql: `SELECT number, usage_expression_value(program, arrayMap(word -> if(startsWith(word, '/'), usage_json_at(usage_document(raw), word), ''), program)) AS value
      FROM (SELECT number, raw, usage_expression_program(expression) AS program FROM meterline.test_samples) ORDER BY number`,
    doing: "computing them in SQL",
  });
  const found = rows.map(({ number, value }) => ({ ...samples[number], expected: value }));
  expect(found).toEqual(samples);
});
