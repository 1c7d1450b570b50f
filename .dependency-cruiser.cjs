// The floors of the house. A room may import itself, the rooms named here, and nothing else of ours; `cmd` wires and is free.
const FLOORS = {
  kernel: [],
  domain: ["kernel"],
  metering: ["domain", "kernel"],
  rating: ["domain", "kernel"],
  invoicing: ["domain", "kernel"],
  reconcile: ["domain", "kernel"],
  app: ["metering", "rating", "invoicing", "reconcile", "domain", "kernel"],
  files: ["domain", "kernel"],
  chart: ["domain", "kernel"],
  telemetry: ["kernel"],
  config: ["kernel"],
  stream: ["app", "domain", "kernel", "telemetry"],
  clickhouse: ["app", "domain", "kernel", "telemetry"],
  embedded: ["kernel", "telemetry"],
  // The spool is one process's own by the lock that the embedded servers' directories have.
  producer: ["stream", "embedded", "domain", "kernel"],
  http: ["kernel"],
};
const PURE = "^src/(kernel|domain|metering|rating|invoicing|reconcile|app|chart)/";
const room = (name) => `^src/${name}/`;
const packagePath = (name) => `node_modules/${name.replaceAll(".", "\\.")}${name.endsWith("/") ? "" : "/"}`;

// Package => the only folders that may import it.
const OWNERS = {
  "decimal.js": ["src/kernel"],
  "temporal-polyfill": ["src/kernel"],
  zod: ["src/domain", "src/config", "src/files"],
  "@nats-io/": ["src/stream"],
  "@clickhouse/client": ["src/clickhouse"],
  chdb: ["src/embedded"],
  "@fastify/busboy": ["src/embedded"],
  "lz4-napi": ["src/embedded"],
  pino: ["src/telemetry"],
  "@opentelemetry/": ["src/telemetry"],
  yaml: ["src/files"],
  "csv-parse": ["src/files"],
  commander: ["cmd"],
  "cli-progress": ["cmd"],
};
const CORE_OF_KERNEL = "^(node:)?(crypto|buffer)$";

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    { name: "no-orphans", severity: "error", from: { orphan: true, path: "^src/" }, to: {} },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    { name: "src-stays-inside", severity: "error", from: { path: "^src/" }, to: { path: "^(cmd|test)/" } },
    { name: "cmd-needs-no-tests", severity: "error", from: { path: "^cmd/" }, to: { path: "^test/" } },
    {
      name: "unknown-room",
      severity: "error",
      from: { path: "^src/", pathNot: Object.keys(FLOORS).map(room) },
      to: {},
    },
    ...Object.entries(FLOORS).map(([name, below]) => ({
      name: `${name}-sees-only-floors-below`,
      severity: "error",
      from: { path: room(name) },
      to: { path: "^src/", pathNot: [name, ...below].map(room) },
    })),
    {
      name: "pure-rooms-use-no-node-modules",
      severity: "error",
      from: { path: PURE, pathNot: room("kernel") },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "kernel-uses-only-crypto-and-buffer",
      severity: "error",
      from: { path: room("kernel") },
      to: { dependencyTypes: ["core"], pathNot: CORE_OF_KERNEL },
    },
    {
      name: "decimal-only-through-its-file",
      severity: "error",
      from: { path: "^(src|cmd)/", pathNot: "^src/kernel/decimal\\.ts$" },
      to: { path: packagePath("decimal.js") },
    },
    ...Object.entries(OWNERS).map(([name, owners]) => ({
      name: `only-owners-import-${name.replace(/\W+/g, "-").replace(/^-|-$/g, "")}`,
      comment: `${name} belongs to ${owners.join(", ")}`,
      severity: "error",
      from: { path: "^(src|cmd)/", pathNot: owners.map((owner) => `^${owner}/`) },
      to: { path: packagePath(name) },
    })),
    {
      name: "unowned-package",
      comment: "Give the package an owner in .dependency-cruiser.cjs",
      severity: "error",
      from: { path: "^(src|cmd)/" },
      to: { path: "node_modules/", pathNot: Object.keys(OWNERS).map(packagePath) },
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
