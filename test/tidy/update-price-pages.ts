/** Writes the outputs and pictures of docs/prices anew. Run it after a change of a price there, of the breakdown's words or of the chart. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pictureOf, pricePages, PRICES_FOLDER, readPrices, renewedPage } from "./price-pages.ts";

for (const name of pricePages()) {
  writeFileSync(join(PRICES_FOLDER, `${name}.md`), renewedPage(readPrices(`${name}.md`)));
  writeFileSync(join(PRICES_FOLDER, `${name}.svg`), pictureOf(name));
}
