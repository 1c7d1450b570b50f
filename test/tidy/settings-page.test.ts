import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { SETTING_FIELDS } from "../../src/config/setting-fields.ts";
import { settingsPage } from "./settings-page.ts";

const PAGE = join(import.meta.dirname, "../../docs/settings.md");

// Guarantee: what the page says about a setting is what the program does.
test("docs/settings.md is the list of settings (node test/tidy/update-settings-page.ts writes it)", () => {
  expect(readFileSync(PAGE, "utf8")).toBe(settingsPage(SETTING_FIELDS));
});

test("another default or a new setting makes another page", () => {
  const home = { ...SETTING_FIELDS.home, schema: z.string().default("elsewhere") };
  expect(settingsPage({ ...SETTING_FIELDS, home })).not.toBe(settingsPage(SETTING_FIELDS));
  const extra = { variable: "METERLINE_EXTRA", doc: "New.", schema: z.string().optional() };
  expect(settingsPage({ ...SETTING_FIELDS, extra })).toContain("| `METERLINE_EXTRA` | not set | New. |");
});

test("the page never shows a secret's value", () => {
  const password = { ...SETTING_FIELDS.clickhousePassword, doc: "A password.", schema: z.string().default("") };
  expect(settingsPage({ password })).toContain("| empty | A password. Never printed. |");
});
