/** The name that was probably meant: for messages about a name that does not exist. */

/** A third of a name may be wrong; beyond that a guess misleads. */
const WRONG_SHARE = 3;
const NAMES_MAX = 10_000;

/** The candidate with the fewest letters to change, or undefined when none is close. The first one wins a tie. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let fewest = Math.max(1, Math.floor(name.length / WRONG_SHARE)) + 1;
  let looked = 0;
  for (const candidate of candidates) {
    looked += 1;
    if (looked > NAMES_MAX) break;
    if (Math.abs(candidate.length - name.length) >= fewest) continue;
    const changes = changesBetween(name.toLowerCase(), candidate.toLowerCase());
    if (changes >= fewest) continue;
    nearest = candidate;
    fewest = changes;
  }
  return nearest;
}

/** Letters to replace, add, leave out or swap with their neighbour (optimal string alignment), row by row. */
function changesBetween(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const kept = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? Infinity) + 1 : Infinity;
      next.push(Math.min(kept, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swapped));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
