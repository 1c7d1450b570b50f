/** What a test means by the bytes that it publishes: an event with what it is worth, or something that has to be rejected and why. */
import type { RejectionReason } from "../../../src/domain/usage-event.ts";

export type MeantEvent = {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly customer: string;
  /** RFC 3339; without one the arrival counts. */
  readonly time?: string;
  /** The number exactly as it is written into the JSON text. */
  readonly tokens: string;
  readonly model: string;
  readonly user: string;
};
export type Meant = MeantEvent | { readonly rejected: RejectionReason; readonly text: string };

/** Type of an event that the test catalog's meters count. */
export const METERED_TYPE = "llm.completion";

export function isRejection(meant: Meant): meant is Extract<Meant, { rejected: string }> {
  return "rejected" in meant;
}

/** JSON by hand: JSON.stringify would write the tokens as a binary floating point number. */
export function textOf(meant: Meant): string {
  if (isRejection(meant)) return meant.text;
  const { source, id, type, customer: subject, time, tokens, model, user } = meant;
  const head = JSON.stringify({ specversion: "1.0", id, source, type, subject, ...(time !== undefined && { time }) });
  const data = `{"tokens":${tokens},"model":${JSON.stringify(model)},"user":${JSON.stringify(user)}}`;
  return `${head.slice(0, -1)},"data":${data}}`;
}

/** Whether two events of one identity say the same: the time is not part of it, and a number is what is written. */
export function sameBody(a: MeantEvent, b: MeantEvent): boolean {
  return (
    a.type === b.type && a.customer === b.customer && a.tokens === b.tokens && a.model === b.model && a.user === b.user
  );
}

const PLACES = 18;

/** A decimal as it stands in JSON, times 10^18: digits are moved, nothing is ever rounded. */
export function scaled(text: string): bigint {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null) throw new Error(`${text} is not a JSON number`);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts;
  const zeros = PLACES + Number(exponent) - fraction.length;
  const digits = `${whole}${fraction}`;
  if (zeros < 0 && !/^0*$/.test(digits.slice(zeros))) throw new Error(`${text} is finer than ${PLACES} places`);
  const value = BigInt(zeros >= 0 ? digits + "0".repeat(zeros) : digits.slice(0, zeros) || "0");
  return sign === "-" ? -value : value;
}

/** As ClickHouse writes a decimal: no zeros at the end. */
export function decimalText(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(PLACES + 1, "0");
  const fraction = digits.slice(-PLACES).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -PLACES)}${fraction === "" ? "" : `.${fraction}`}`;
}
