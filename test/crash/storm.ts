/** `node test/crash/storm.ts --minutes 10 --seed 1`: all faults at random for so long, then the full check, and a table. Exit code 1 when anything is wrong. */
import { parseArgs } from "node:util";
import { tableText } from "../../cmd/output/table.ts";
import { expectCountedOnce, expectTamperingFound } from "../support/faults/expect-counted-once.ts";
import { openStorm } from "../support/faults/storm.ts";

const MS_PER_MINUTE = 60_000;

const { values } = parseArgs({ options: { minutes: { type: "string" }, seed: { type: "string" } } });
const minutes = Number(values.minutes ?? "1");
const seed = Number(values.seed ?? "1");
const storm = await openStorm(seed);
try {
  const report = await storm.rage(minutes * MS_PER_MINUTE);
  await expectCountedOnce({ services: storm.world.services, ledger: storm.ledger });
  await expectTamperingFound(storm.world.services);
  const rows = [
    ...Object.entries(report.faults).sort(([a], [b]) => (a < b ? -1 : 1)),
    ["messages acknowledged", report.messages] as const,
    ["sinks started", report.sinksStarted] as const,
    ["ms until all was stored", report.recoveryMs] as const,
  ];
  const columns = [
    { title: `seed ${seed}, ${minutes} min`, text: ([name]: readonly [string, number]) => name },
    { title: "count", text: ([, count]: readonly [string, number]) => String(count), align: "right" as const },
  ];
  process.stdout.write(
    `${tableText(columns, rows)}\nEvery event counted once; verify is sound, and finds tampering.\n`,
  );
} finally {
  await storm.stop();
}
