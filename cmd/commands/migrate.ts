/** `migrate`: brings the ClickHouse schema up to date. */
import type { Command } from "commander";
import { withContext } from "../context.ts";
import { migrateSchema } from "../migrate-schema.ts";

export function registerMigrate(program: Command): void {
  program
    .command("migrate")
    .description("brings the ClickHouse schema up to date; safe to run again")
    .option("--json", "print the applied migrations as JSON")
    .action(async (_options: unknown, command: Command) => {
      await withContext(command, async (context) => {
        const { output } = context;
        const applied = await migrateSchema(context, {
          onMigration: (name) => {
            output.say(`applying ${name}`);
          },
        });
        const names = applied.map((migration) => migration.name);
        output.result({
          text: names.length === 0 ? "The schema is up to date." : `Applied ${names.join(", ")}.`,
          value: { applied: names },
        });
      });
    });
}
