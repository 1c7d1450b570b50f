/** The currencies of ISO 4217 (list one, January 2026) with their minor digits. Metals and test codes have none and are left out. */
import { AppError } from "./errors.ts";

/** Decimal digits of the minor unit: 0, 2, 3 or 4. */
export type CurrencyExponent = 0 | 2 | 3 | 4;

// BGN and ANG were withdrawn in 2025 and 2026; they stay, so that periods before can still be rated.
const CODES_BY_EXPONENT: Readonly<Record<CurrencyExponent, string>> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  2: `AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP
      COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
      KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD
      PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD
      TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG`,
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
};

const EXPONENTS: ReadonlyMap<string, CurrencyExponent> = new Map(
  ([0, 2, 3, 4] as const).flatMap((exponent) =>
    CODES_BY_EXPONENT[exponent].split(/\s+/).map((code): [string, CurrencyExponent] => [code, exponent]),
  ),
);

/** Every known code, in alphabetical order. */
export const CURRENCIES: readonly string[] = [...EXPONENTS.keys()].sort();

export function isCurrency(code: string): boolean {
  return EXPONENTS.has(code);
}

/** Minor digits of the currency; throws `invalid` for an unknown code. */
export function currencyExponent(code: string): CurrencyExponent {
  const exponent = EXPONENTS.get(code);
  if (exponent !== undefined) return exponent;
  throw new AppError({
    code: "CURRENCY_UNKNOWN",
    kind: "invalid",
    message: `currency is "${code}": write an ISO 4217 code with a minor unit, in capitals, such as EUR`,
  });
}
