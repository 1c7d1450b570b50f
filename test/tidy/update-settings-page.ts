/** Writes docs/settings.md anew. Run it after a change of src/config/setting-fields.ts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SETTING_FIELDS } from "../../src/config/setting-fields.ts";
import { settingsPage } from "./settings-page.ts";

writeFileSync(join(import.meta.dirname, "../../docs/settings.md"), settingsPage(SETTING_FIELDS));
