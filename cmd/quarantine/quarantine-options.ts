/** What the options of `quarantine` ask for, checked. */
import type { QuarantineFilter, QuarantinePlace } from "../../src/app/quarantine/quarantine-types.ts";
import { REJECTIONS } from "../../src/domain/usage-event.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { parseInstant } from "../../src/kernel/instant.ts";

export type FilterOptions = { readonly reason?: string; readonly source?: string; readonly since?: string };

const PLACE = /^(\d{1,5})(?:\/(\d{1,20}))?:([1-9]\d{0,15}):(\d{1,10})$/;

export function readFilter({ reason, source, since }: FilterOptions, places: readonly string[]): QuarantineFilter {
  if (reason !== undefined && !(reason in REJECTIONS))
    throw usage(`there is no reason ${reason}; there are ${Object.keys(REJECTIONS).join(", ")}`);
  const instant = since === undefined ? undefined : parseInstant(since);
  if (since !== undefined && instant === undefined)
    throw usage(`--since is ${since}: write RFC 3339 with an offset, such as 2026-10-03T00:00:00Z`);
  return { reason, source, since: instant, places: places.map(readPlace) };
}

function readPlace(text: string): QuarantinePlace {
  const [, shard, incarnation, seq, position] = PLACE.exec(text) ?? [];
  if (shard === undefined)
    throw usage(
      `${text} is no place: write shard:seq:position as \`quarantine list\` shows it, or shard/incarnation:seq:position`,
    );
  const place = { shard: Number(shard), seq: Number(seq), position: Number(position) };
  return incarnation === undefined ? place : { ...place, incarnation: BigInt(incarnation) };
}

export function readLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw usage(`--limit is ${text}: give a number from 1`);
  return Number(text);
}

function usage(message: string): AppError {
  return new AppError({ code: "QUARANTINE_USAGE", kind: "usage", message });
}
