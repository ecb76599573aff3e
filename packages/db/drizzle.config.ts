import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  casing: "snake_case",
  schema: "./src/postgres/schema/*.ts",
  out: "./src/postgres/migrations",
});
