import { expect, test } from "vitest";
import { startChildSink, type ChildSink } from "../../bench/child-sink.ts";
import { tempDir } from "../../support/temp-dir.ts";

/** With servers that nobody has: the sink waits for them for ever. */
async function withSink(run: (sink: ChildSink) => Promise<void>): Promise<void> {
  const home = await tempDir("child-sink");
  const steps: (() => Promise<void>)[] = [];
  const nowhere = { natsUrl: "nats://127.0.0.1:1", clickhouseUrl: "http://127.0.0.1:1" };
  try {
    await run(startChildSink({ servers: { home: home.path, ...nowhere }, onStop: (step) => steps.push(step) }));
  } finally {
    for (const step of steps) await step();
    await home.remove();
  }
}

// Guarantee: a benchmark whose sink is gone fails and says how it ended, and does not wait for it.
test("a sink that was killed fails whoever waits for it or asks it for something", () =>
  withSink(async (sink) => {
    const waiting = sink.until(() => sink.events() > 0);
    process.kill(sink.pid, "SIGKILL");
    await expect(waiting).rejects.toThrow("the process of sink-child.ts ended (SIGKILL)");
    await expect(sink.hold()).rejects.toThrow("the process of sink-child.ts ended (SIGKILL)");
    await sink.stop();
  }));

test("a running one answers what it was asked, in its order", () =>
  withSink(async (sink) => {
    const answers = [sink.keepInserts({ rows: 1, behind: 0 }), sink.hold(), sink.release(), sink.takeInserts()];
    expect(await Promise.all(answers)).toEqual([undefined, undefined, undefined, []]);
  }));
