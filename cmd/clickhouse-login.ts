/** Who this process is at ClickHouse, and what the embedded one is told about its users. */
import type { Settings } from "../src/config/settings.ts";
import { generatedPassword, type StartClickHouseServerInput } from "../src/embedded/clickhouse-server.ts";

/** The password that was set, or the one that the embedded server of this home made up at its first start. */
export function clickhouseLogin(settings: Settings): { readonly user: string; readonly password: string } {
  const { clickhouseUser: user, clickhousePassword: given } = settings;
  const generated =
    given === "" && settings.clickhouseUrl === undefined ? generatedPassword(settings.home, user) : null;
  return { user, password: generated ?? given };
}

export function clickhouseServerSettings(
  settings: Settings,
): Omit<StartClickHouseServerInput, "home" | "host" | "log"> {
  const { clickhouseMemoryBytes: memoryBytes, clickhouseResultBytes: resultBytes } = settings;
  return {
    port: settings.clickhousePort,
    user: settings.clickhouseUser,
    password: given(settings.clickhousePassword),
    passwords: {
      admin: given(settings.clickhouseAdminPassword),
      sink: given(settings.clickhouseSinkPassword),
      finance: given(settings.clickhouseFinancePassword),
    },
    fsync: settings.clickhouseFsync === "insert",
    limits: {
      seconds: settings.clickhouseQuerySeconds,
      ...(memoryBytes !== undefined && { memoryBytes }),
      ...(resultBytes !== undefined && { resultBytes }),
    },
  };
}

function given(password: string): string | undefined {
  return password === "" ? undefined : password;
}
