/** Reads values out of a scrape. */

type Labels = Readonly<Record<string, string | number>>;

/** The value of the one sample with this name and at least these labels; undefined when there is none, an error when there are several. */
export function valueIn(text: string, name: string, labels: Labels = {}): number | undefined {
  const found = text.split("\n").filter((line) => isSampleOf(line, name, labels));
  if (found.length > 1) throw new Error(`${String(found.length)} samples of ${name}: ${found.join("; ")}`);
  return found[0] === undefined ? undefined : Number(found[0].slice(found[0].lastIndexOf(" ") + 1));
}

function isSampleOf(line: string, name: string, labels: Labels): boolean {
  if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) return false;
  return Object.entries(labels).every(([label, value]) => new RegExp(`[{,]${label}="${value}"[,}]`).test(line));
}
