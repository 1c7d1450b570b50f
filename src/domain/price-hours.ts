/** The hours of the week in which a price charges, in local time. Spans of minutes since Monday 00:00, so that prices can be held against each other exactly. */

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** On each of the days from `from` on; up to `to`, which lies on the next day where it is not after `from`. `24:00` ends the day. */
export type HoursSpan = { readonly days: readonly Weekday[]; readonly from: string; readonly to: string };

/** In any of the spans, or outside of all of them. */
export type PriceHours = { readonly in: readonly HoursSpan[] } | { readonly not: readonly HoursSpan[] };

/** Half open, in minutes since Monday 00:00 local time. Of a week: in order, apart from each other. */
export type WeekSpan = readonly [from: number, to: number];

const MINUTES_PER_DAY = 1_440;
const MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY;
export const WHOLE_WEEK: readonly WeekSpan[] = [[0, MINUTES_PER_WEEK]];

export function weekOf(hours: PriceHours | undefined): readonly WeekSpan[] {
  if (hours === undefined) return WHOLE_WEEK;
  return "in" in hours
    ? joinedSpans(hours.in.flatMap(minutesOf))
    : uncovered(joinedSpans(hours.not.flatMap(minutesOf)));
}

/** What the spans leave of the week. */
export function uncovered(spans: readonly WeekSpan[]): readonly WeekSpan[] {
  const joined = joinedSpans(spans);
  const starts = [0, ...joined.map(([, to]) => to)];
  const ends = [...joined.map(([from]) => from), MINUTES_PER_WEEK];
  return starts.map((from, index): WeekSpan => [from, ends[index] ?? from]).filter(([from, to]) => from < to);
}

/** In order, with those that overlap or meet made one. */
function joinedSpans(spans: readonly WeekSpan[]): readonly WeekSpan[] {
  const joined: WeekSpan[] = [];
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    const last = joined.at(-1);
    if (last === undefined || from > last[1]) joined.push([from, to]);
    else joined[joined.length - 1] = [last[0], Math.max(last[1], to)];
  }
  return joined;
}

export function spansMeet(a: readonly WeekSpan[], b: readonly WeekSpan[]): boolean {
  return a.some(([from, to]) => b.some((other) => from < other[1] && other[0] < to));
}

/** `Mon–Fri 08:00–20:00`, as it stands on a line. */
export function hoursText(hours: PriceHours): string {
  const spans = "in" in hours ? hours.in : hours.not;
  const text = spans.map(({ days, from, to }) => `${daysText(days)} ${from}–${to}`).join(" and ");
  return "in" in hours ? text : `outside ${text}`;
}

/** `Mon–Fri 08:00–20:00`, whatever the words were that the minutes come from. */
export function weekText(week: readonly WeekSpan[]): string {
  const daily = week.flatMap(([from, to]) => (to - from <= MINUTES_PER_DAY ? [[from, to] as const] : daysOf(from, to)));
  const alike = Map.groupBy(daily, ([from, to]) => `${clockText(from)} ${clockText(to, from)}`);
  const spans = [...alike].map(([clocks, own]): HoursSpan => {
    const [from = "", to = ""] = clocks.split(" ");
    return { days: own.map(([start]) => WEEKDAYS[Math.floor(start / MINUTES_PER_DAY)] ?? "mon"), from, to };
  });
  return hoursText({ in: spans });
}

/** The span cut at midnights. */
function daysOf(from: number, to: number): readonly WeekSpan[] {
  const midnight = (Math.floor(from / MINUTES_PER_DAY) + 1) * MINUTES_PER_DAY;
  return midnight >= to ? [[from, to]] : [[from, midnight], ...daysOf(midnight, to)];
}

/** Midnight is 24:00 where the span that began at `since` ends with its day. */
function clockText(minute: number, since = minute): string {
  const ofDay = minute > since && minute % MINUTES_PER_DAY === 0 ? MINUTES_PER_DAY : minute % MINUTES_PER_DAY;
  return [Math.floor(ofDay / 60), ofDay % 60].map((part) => String(part).padStart(2, "0")).join(":");
}

export function minuteOfDay(clock: string): number {
  const [hours, minutes] = clock.split(":");
  return Number(hours) * 60 + Number(minutes);
}

function minutesOf({ days, from, to }: HoursSpan): readonly WeekSpan[] {
  return days.flatMap((day): readonly WeekSpan[] => {
    const midnight = WEEKDAYS.indexOf(day) * MINUTES_PER_DAY;
    const [start, end] = [minuteOfDay(from), minuteOfDay(to)];
    const until = midnight + end + (end <= start ? MINUTES_PER_DAY : 0);
    if (until <= MINUTES_PER_WEEK) return [[midnight + start, until]];
    return [
      [midnight + start, MINUTES_PER_WEEK],
      [0, until - MINUTES_PER_WEEK],
    ];
  });
}

function daysText(days: readonly Weekday[]): string {
  if (days.length === WEEKDAYS.length) return "daily";
  const places = days.map((day) => WEEKDAYS.indexOf(day));
  const named = days.map((day) => day.charAt(0).toUpperCase() + day.slice(1));
  const unbroken = places.length > 2 && places.every((place, index) => place === (places[0] ?? 0) + index);
  return unbroken ? `${named[0] ?? ""}–${named.at(-1) ?? ""}` : named.join(", ");
}
