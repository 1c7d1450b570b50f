/** `docs/settings.md` as the settings themselves say it: the page is generated, so that it cannot fall behind. */
import { describeSettings } from "../../src/config/describe-settings.ts";
import type { SettingField } from "../../src/config/setting-fields.ts";

const HEAD = `# Settings

Settings come from the environment alone. All of them are checked at the start, every problem is reported at once, and a
variable that begins with \`METERLINE_\` and is not in this list is a problem too.

| variable | default | meaning |
|---|---|---|
`;

const FOOT = `
This page is written by \`node test/tidy/update-settings-page.ts\` from \`src/config/setting-fields.ts\`.
`;

export function settingsPage(fields: Readonly<Record<string, SettingField>>): string {
  const rows = describeSettings(fields).map(({ variable, fallback, doc, secret }) => {
    const cells = [`\`${variable}\``, shownFallback(fallback), `${doc}${secret ? " Never printed." : ""}`];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  });
  return `${HEAD}${rows.join("")}${FOOT}`;
}

function shownFallback(fallback: string | undefined): string {
  if (fallback === undefined) return "not set";
  return fallback === "" ? "empty" : `\`${fallback}\``;
}
