/** `demo`: the whole way on generated usage, from events to a verified invoice, in a home of its own; then it ends. */
import type { Command } from "commander";
import { loadSettings, type Settings } from "../../src/config/settings.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { prepareDemoPlace } from "../demo/demo-settings.ts";
import { goTheWholeWay, type Stage, type Tell } from "../demo/whole-way.ts";
import { runEverything } from "../embedded/run-everything.ts";
import { createOutput, type Output } from "../output/output.ts";
import { shownPath } from "../output/shown-path.ts";
import { openServices } from "../services.ts";
import { stopAsked, stopSignal } from "../stop-signal.ts";
import { systemClock } from "../system-clock.ts";

const EVENTS = 55_000;

type DemoOptions = { readonly events: string };

export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("the whole way on generated usage: publish, wait, rate, invoice, explain one line, verify; then ends")
    .option("--events <n>", "good events to generate", String(EVENTS))
    .option("--json", "print the result as JSON")
    .action(async (options: DemoOptions, command: Command) => {
      const json = command.optsWithGlobals<{ json?: boolean }>().json === true;
      await demo({ settings: loadSettings(process.env), json, events: readEvents(options.events) });
    });
}

type DemoInput = { readonly settings: Settings; readonly json: boolean; readonly events: number };
async function demo({ settings, json, events }: DemoInput): Promise<void> {
  const startedMs = systemClock.nowMs();
  const stopping = stopSignal();
  const output = createOutput({ json });
  const tell = teller(output);
  const place = await prepareDemoPlace(settings, output.say);
  const home = shownPath(place.home);
  tell.step(`Starting NATS and ClickHouse on free ports; everything lies in ${home}, made anew`);
  const everything = await runEverything({
    settings: place.settings,
    json,
    name: "demo",
    log: output.say,
    biller: false,
  });
  for (const line of everything.told) output.say(`  ${line}`);
  try {
    const stage: Stage = { services: await openServices(everything.context), settings: place.settings, tell };
    const stopped = stopAsked(stopping).then((): never => {
      throw new AppError({ code: "DEMO_STOPPED", kind: "unavailable", message: "The demo was stopped before its end" });
    });
    const result = await Promise.race([goTheWholeWay(stage, events), everything.running.then(() => stopped), stopped]);
    if (json) output.result({ text: "", value: { home: place.home, ...result } });
  } finally {
    await everything.stop();
    place.lock.release();
  }
  const seconds = ((systemClock.nowMs() - startedMs) / 1000).toFixed(1);
  tell.step(`Done in ${seconds} s. To look around in what the demo left:`);
  tell.show(
    `METERLINE_HOME=${home} bin/meterline up\nthen in another terminal, with the same METERLINE_HOME: bin/meterline invoice list`,
  );
}

function teller({ json, say }: Output): Tell {
  const show = json ? say : (text: string): void => void process.stdout.write(`${text}\n`);
  return {
    step: (text) => {
      show(`\n── ${text}\n`);
    },
    show,
  };
}

function readEvents(text: string): number {
  const events = Number(text);
  if (Number.isSafeInteger(events) && events >= 100 && events <= 5_000_000) return events;
  throw new AppError({
    code: "OPTION_INVALID",
    kind: "usage",
    message: `--events is "${text}": write a whole number from 100 to 5000000`,
  });
}
