import { describe, expect, test } from "vitest";
import {
  loadSettings,
  printableSettings,
  sinkShardsOf,
  streamLimits,
  type SettingProblem,
} from "../../../src/config/settings.ts";
import { AppError } from "../../../src/kernel/errors.ts";

function problemsOf(env: Readonly<Record<string, string>>): readonly SettingProblem[] {
  try {
    loadSettings(env);
  } catch (error) {
    if (error instanceof AppError) return (error.details as { readonly problems: readonly SettingProblem[] }).problems;
    throw error;
  }
  return [];
}

describe("loading", () => {
  test("without any variable every setting has its default", () => {
    const settings = loadSettings({ PATH: "/usr/bin" });
    expect(settings).toMatchObject({
      home: ".meterline",
      natsPort: 4222,
      clickhousePort: 8123,
      shards: 1,
      logLevel: "info",
    });
    expect(settings.natsUrl).toBeUndefined();
  });

  test("a variable that is set to nothing counts as not set", () => {
    expect(loadSettings({ METERLINE_NATS_PORT: "", METERLINE_NATS_URL: "" })).toMatchObject({ natsPort: 4222 });
  });

  test("values are read as what they are", () => {
    const settings = loadSettings({ METERLINE_NATS_PORT: "14222", METERLINE_NATS_URL: "nats://localhost:4222" });
    expect(settings).toMatchObject({ natsPort: 14_222, natsUrl: "nats://localhost:4222" });
  });

  // Guarantee: nothing changes a setting while the process runs.
  test("settings are frozen", () => {
    expect(Object.isFrozen(loadSettings({}))).toBe(true);
  });
});

describe("problems", () => {
  // Guarantee: one start tells everything that has to be corrected, each with its variable and its value.
  test("all of them are told at once", () => {
    const problems = problemsOf({
      METERLINE_NATS_PORT: "99999",
      METERLINE_SHARDS: "two",
      METERLINE_CLICKHOUSE_URL: "ftp://localhost",
      METERLINE_LOG_LEVEL: "loud",
    });
    expect(problems.map(({ variable, value }) => `${variable}=${value}`)).toEqual([
      "METERLINE_NATS_PORT=99999",
      "METERLINE_CLICKHOUSE_URL=ftp://localhost",
      "METERLINE_SHARDS=two",
      "METERLINE_LOG_LEVEL=loud",
    ]);
    for (const { fix } of problems) expect(fix).not.toBe("");
  });

  test("a variable like no setting is refused without a guess", () => {
    expect(problemsOf({ METERLINE_XYZ: "1" })[0]?.fix).toBe("is not a setting; --print-settings shows them all");
  });

  test("they are one error of the kind settings", () => {
    expect(() => loadSettings({ METERLINE_SHARDS: "0" })).toThrow(
      expect.objectContaining({ code: "SETTINGS_INVALID", kind: "settings" }),
    );
  });

  test("a misspelt variable is refused, and the one that was meant is named", () => {
    expect(problemsOf({ METERLINE_NATS_PROT: "4222" })).toEqual([
      {
        variable: "METERLINE_NATS_PROT",
        value: "(hidden)",
        fix: "is not a setting; the nearest one is METERLINE_NATS_PORT",
      },
    ]);
  });

  test.each([
    ["METERLINE_NATS_PORT", "0"],
    ["METERLINE_NATS_PORT", "-1"],
    ["METERLINE_NATS_PORT", "4222.0"],
    ["METERLINE_NATS_PORT", "0x10"],
    ["METERLINE_NATS_PORT", " 4222"],
    ["METERLINE_NATS_PORT", "65536"],
    ["METERLINE_BATCH_EVENTS_MAX", "1e3"],
    ["METERLINE_NATS_URL", "localhost:4222"],
    ["METERLINE_CLICKHOUSE_URL", "nats://localhost"],
    ["METERLINE_SINK_SHARDS", "0,"],
    ["METERLINE_SINK_SHARDS", "0-3"],
    ["METERLINE_SINK_INSTANCE", "sink#0"],
  ])("%s=%s is refused", (variable, value) => {
    expect(problemsOf({ [variable]: value })).toHaveLength(1);
  });

  test("streams that don't fit into their store, and a lease shorter than the wait, contradict", () => {
    const tooSmall = { METERLINE_NATS_STORE_BYTES: "1073741824", METERLINE_USAGE_STREAM_BYTES: "2147483648" };
    expect(problemsOf(tooSmall)).toEqual([expect.objectContaining({ variable: "METERLINE_NATS_STORE_BYTES" })]);
    const tooShort = { METERLINE_LEASE_MS: "1000", METERLINE_BATCH_WAIT_MS: "501" };
    expect(problemsOf(tooShort)).toEqual([expect.objectContaining({ variable: "METERLINE_LEASE_MS" })]);
    expect(problemsOf({ ...tooShort, METERLINE_BATCH_WAIT_MS: "500" })).toEqual([]);
  });

  test("a sink writes every shard or those that it is told, and none that is not there", () => {
    const ownOf = (value: string): readonly number[] => sinkShardsOf(loadSettings({ METERLINE_SINK_SHARDS: value }), 4);
    expect(ownOf("")).toEqual([0, 1, 2, 3]);
    expect(ownOf("3,1,3")).toEqual([1, 3]);
    expect(() => ownOf("0,4")).toThrow(/no shard 4; the shards are 0 to 3/);
  });

  test("two embedded servers on one port contradict", () => {
    const env = { METERLINE_NATS_PORT: "8123" };
    expect(problemsOf(env)).toEqual([expect.objectContaining({ variable: "METERLINE_CLICKHOUSE_PORT" })]);
    expect(problemsOf({ ...env, METERLINE_NATS_URL: "nats://localhost:4222" })).toEqual([]);
  });

  test("a contradiction is told beside an unknown variable", () => {
    expect(problemsOf({ METERLINE_NATS_PORT: "8123", METERLINE_NOPE: "1" })).toHaveLength(2);
  });

  // Guarantee: an error message can be pasted into a ticket, whatever was mistyped.
  test.each([
    ["METERLINE_CLICKHOUSE_URL", "ftp://someone:kdj38dkw@ch.example.com"],
    ["METERLINE_NATS_URL", "someone:kdj38dkw@nats.example.com:4222"],
    ["METERLINE_CLICKHOUSE_URL", "ftp://ch.example.com/?password=kdj38dkw"],
    ["METERLINE_CLICKHOUSE_URL", "http://someone:kdj38dkw?x@ch.example.com"],
    ["METERLINE_CLICKHOUSE_PASSWROD", "kdj38dkw"],
  ])("the password in a refused %s=%s is hidden", (variable, value) => {
    expect(() => loadSettings({ [variable]: value })).toThrow(AppError);
    const problems = problemsOf({ [variable]: value });
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain("kdj38dkw");
  });

  // A server of one's own has its own store, about which the settings know nothing.
  test("the store's size does not matter with a server of one's own", () => {
    const env = { METERLINE_NATS_STORE_BYTES: "1073741824", METERLINE_USAGE_STREAM_BYTES: "2147483648" };
    expect(problemsOf({ ...env, METERLINE_NATS_URL: "nats://localhost:4222" })).toEqual([]);
  });
});

describe("limits of the streams", () => {
  test("three quarters of the store are shared by the shards, an eighth is the journal's", () => {
    const settings = loadSettings({ METERLINE_NATS_STORE_BYTES: "8000000000", METERLINE_SHARDS: "3" });
    expect(streamLimits(settings)).toEqual({ usageBytes: 2_000_000_000, journalBytes: 1_000_000_000 });
  });

  test("what is set is taken", () => {
    const env = { METERLINE_USAGE_STREAM_BYTES: "2000000", METERLINE_JOURNAL_STREAM_BYTES: "3000000" };
    expect(streamLimits(loadSettings(env))).toEqual({ usageBytes: 2_000_000, journalBytes: 3_000_000 });
  });
});

describe("printing", () => {
  // Guarantee: `--print-settings` can be pasted into a ticket.
  test("secrets are hidden, in their own setting and inside an address", () => {
    const password = "kdj38dkw";
    const settings = loadSettings({
      METERLINE_CLICKHOUSE_PASSWORD: password,
      METERLINE_NATS_URL: `nats://someone:${password}@nats.example.com:4222`,
    });
    const printed = printableSettings(settings);
    expect(JSON.stringify(printed)).not.toContain(password);
    expect(printed["METERLINE_CLICKHOUSE_PASSWORD"]).toBe("(hidden)");
    expect(printed["METERLINE_NATS_URL"]).toContain("nats.example.com:4222");
  });

  test("what is not set says so, and a default is shown", () => {
    const settings = printableSettings(loadSettings({}));
    expect(settings["METERLINE_CLICKHOUSE_PASSWORD"]).toBe("(empty)");
    expect(settings["METERLINE_NATS_URL"]).toBe("(not set)");
    expect(settings["METERLINE_SHARDS"]).toBe("1");
  });
});
