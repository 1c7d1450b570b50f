/** All settings as rows for people: what `docs/settings.md` shows. */
import { SETTING_FIELDS, type SettingField } from "./setting-fields.ts";

export type SettingDescription = {
  readonly variable: string;
  /** What holds when the variable is not set; undefined when nothing does. */
  readonly fallback: string | undefined;
  readonly doc: string;
  readonly secret: boolean;
};

export function describeSettings(
  fields: Readonly<Record<string, SettingField>> = SETTING_FIELDS,
): readonly SettingDescription[] {
  return Object.values(fields).map(({ variable, doc, schema, secret }) => ({
    variable,
    fallback: schema.parse(undefined)?.toString(),
    doc,
    secret: secret === "whole",
  }));
}
