/** The pages that follow from the recorded runs, by their names in `docs`: written by `npm run bench`, and compared by a test. */
import { capacityPage } from "./capacity-page.ts";
import type { RecordedRuns } from "./recorded-run.ts";
import { benchmarksPage } from "./report.ts";
import { scalePage, scalePictures } from "./scale-report.ts";

export function recordedPages({ benchmarks, scale }: RecordedRuns): Readonly<Record<string, string>> {
  const pictures = Object.entries(scalePictures(scale)).map(([name, picture]) => [`scale/${name}`, picture] as const);
  return {
    "benchmarks.md": benchmarksPage(benchmarks),
    "scale.md": scalePage(scale),
    "capacity.md": capacityPage({ benchmarks, scale }),
    ...Object.fromEntries(pictures),
  };
}
