/** The look of a chart, on a light page and on a dark one: the picture brings its own page, so that it can be read on any other. */

/** Classes of the curves' colours, in their order. */
export const COLOURS = ["c1", "c2", "c3", "c4", "c5", "c6"] as const;

const LIGHT = { page: "#fcfcfb", ink: "#0b0b0b", quiet: "#52514e", grid: "#e4e3de", base: "#a3a29c" };
const DARK = { page: "#1a1a19", ink: "#ffffff", quiet: "#c3c2b7", grid: "#32322f", base: "#6f6e68" };
/** Told apart in this order by people who see colours differently as well. */
const LIGHT_CURVES = ["#2a78d6", "#1baf7a", "#eda100", "#008300", "#4a3aa7", "#e34948"];
const DARK_CURVES = ["#3987e5", "#199e70", "#c98500", "#008300", "#9085e9", "#e66767"];

function variables(theme: typeof LIGHT, curves: readonly string[]): string {
  const named = [...Object.entries(theme), ...curves.map((colour, index) => [COLOURS[index] ?? "", colour] as const)];
  return `svg{${named.map(([name, colour]) => `--${name}:${colour}`).join(";")}}`;
}

export const CHART_STYLE = [
  variables(LIGHT, LIGHT_CURVES),
  `@media (prefers-color-scheme:dark){${variables(DARK, DARK_CURVES)}}`,
  "text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;font-size:13px;fill:var(--quiet)}",
  ".title{font-size:17px;font-weight:600;fill:var(--ink)}.name{font-weight:600;fill:var(--ink)}",
  ".tick{font-variant-numeric:tabular-nums}.middle{text-anchor:middle}.end{text-anchor:end}",
  ".page{fill:var(--page)}.grid,.base,.bound{fill:none;stroke:var(--grid);stroke-width:1}.base{stroke:var(--base)}",
  ".bound{stroke:var(--base);stroke-dasharray:1 3}",
  ".line{fill:none;stroke:var(--curve);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}",
  ".jump{fill:none;stroke:var(--curve);stroke-width:1;stroke-dasharray:3 3}",
  ".point{fill:var(--curve);stroke:var(--page);stroke-width:1}.open{fill:var(--page);stroke:var(--curve);stroke-width:2}",
  ...COLOURS.map((name) => `.${name}{--curve:var(--${name})}`),
].join("\n");
