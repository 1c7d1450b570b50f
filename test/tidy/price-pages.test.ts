import { describe, expect, test } from "vitest";
import { quoteCases } from "../../src/app/quote-cases.ts";
import { PRICE_MODELS, parsePrice } from "../../src/domain/price.ts";
import { readCasesFile, readQuoted } from "../../src/files/read-quote-files.ts";
import { examplesOf, pictureOf, pricePages, printedBy, PRICES_FOLDER, readPrices, renewedPage } from "./price-pages.ts";

const WRITE = "node test/tidy/update-price-pages.ts writes it";

describe.each(pricePages())("docs/prices/%s", (name) => {
  const page = readPrices(`${name}.md`);

  test("shows the price that its commands use", () => {
    expect(page).toContain(`\`\`\`yaml\n${readPrices(`${name}.yaml`)}\`\`\`\n`);
    expect(() => parsePrice(readQuoted(`${PRICES_FOLDER}/${name}.yaml`, "--price"))).not.toThrow();
  });

  // Guarantee: each amount that was calculated by hand in a sentence is what the engine charges, and the output is what the command prints.
  test(`says what its examples cost (${WRITE})`, () => {
    const examples = examplesOf(page);
    expect(examples.length).toBeGreaterThan(0);
    expect(examples).toHaveLength(page.match(/^bin\/meterline quote /gm)?.length ?? 0);
    for (const { amount, options, printed } of examples) {
      expect(printed).toBe(printedBy(options));
      expect(printed).toMatch(new RegExp(`^quote {2}${amount.replaceAll(".", "\\.")} EUR `));
    }
  });

  test(`has a picture of its price (${WRITE})`, () => {
    expect(page).toContain(`(${name}.svg)`);
    expect(readPrices(`${name}.svg`)).toBe(pictureOf(name));
  });
});

test("every model has a page, and the index names all of them", () => {
  const models = pricePages().map((name) => parsePrice(readQuoted(`${PRICES_FOLDER}/${name}.yaml`, "--price")).model);
  expect([...new Set(models)].sort()).toEqual([...PRICE_MODELS].sort());
  for (const name of pricePages()) expect(readPrices("README.md")).toContain(`(${name}.md)`);
});

test("the index shows the cases of its file, and their answers", () => {
  const [cases, answers] = [...readPrices("README.md").matchAll(/```json\n([^]*?)```/g)].map(
    ([, block]) => JSON.parse(block ?? "") as unknown,
  );
  expect(readCasesFile(`${PRICES_FOLDER}/cases.json`)).toEqual(cases);
  expect(quoteCases(cases)).toMatchObject(answers as object[]);
});

test("an output that is not the command's is found and renewed", () => {
  const page = readPrices("flat.md");
  const wrong = page.replace("49.00 EUR  (exactly 49)", "48.00 EUR  (exactly 48)");
  expect(wrong).not.toBe(page);
  expect(renewedPage(wrong)).toBe(page);
});
