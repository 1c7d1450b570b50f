/** Milliseconds of the machine's own clock, which all its processes share: it has no date, is never set, and is finer than a millisecond. */
const MS_PER_SECOND = 1_000;
const NS_PER_MS = 1_000_000;

export function machineMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * MS_PER_SECOND + nanoseconds / NS_PER_MS;
}
