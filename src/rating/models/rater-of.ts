/** The price models, each by its file: a new model is a new file and a line here. */
import type { Price } from "../../domain/price.ts";
import { unreachable } from "../../kernel/assert.ts";
import type { PriceRater } from "../price-rater.ts";
import { dynamicRater } from "./dynamic.ts";
import { flatRater } from "./flat.ts";
import { graduatedRater } from "./graduated.ts";
import { matrixRater } from "./matrix.ts";
import { packageRater } from "./package.ts";
import { perUnitRater } from "./per-unit.ts";
import { percentageRater } from "./percentage.ts";
import { volumeRater } from "./volume.ts";

export function raterOf(price: Price, currency: string): PriceRater {
  switch (price.model) {
    case "flat":
      return flatRater(price, currency);
    case "per_unit":
      return perUnitRater(price, currency);
    case "package":
      return packageRater(price, currency);
    case "graduated":
    case "graduated_percentage":
      return graduatedRater(price, currency);
    case "volume":
      return volumeRater(price, currency);
    case "percentage":
      return percentageRater(price, currency);
    case "dynamic":
      return dynamicRater(price, currency);
    case "matrix":
      return matrixRater(price, currency);
    default:
      return unreachable(price);
  }
}
