/** Invoice numbers: a series and a position in it from 1, without a gap. The position is decided by the journal, never by a counter. */
import { assert } from "../kernel/assert.ts";
import { AppError } from "../kernel/errors.ts";

const POSITION_DIGITS = 6;
const SERIES = /^[A-Z][A-Z0-9]{0,15}$/;

/** `INV-000042`; longer positions keep all their digits. */
export function invoiceNumber(series: string, position: number): string {
  assert(
    Number.isSafeInteger(position) && position >= 1,
    `the position ${String(position)} in series ${series} is not a number from 1`,
  );
  return `${checkedSeries(series)}-${String(position).padStart(POSITION_DIGITS, "0")}`;
}

function checkedSeries(series: string): string {
  if (SERIES.test(series)) return series;
  throw new AppError({
    code: "INVOICE_SERIES_INVALID",
    kind: "settings",
    message: `invoice series is "${series}": write up to 16 capitals and digits, a capital first, such as INV`,
  });
}
