/**
 * The parts of the OASIS standard SARIF 2.1.0 that this kit writes, as its schema has them: required properties, types, values, and no unknown property
 * (sections 3.13, 3.14, 3.18, 3.19, 3.20, 3.27 to 3.30, 3.33, 3.35, 3.49, 3.58). Gives the problems, each with its path.
 */
export function sarifProblems(log: unknown): string[] {
  return check(LOG, log, "");
}

type Shape =
  | { readonly is: "text"; readonly format?: RegExp; readonly oneOf?: readonly string[] }
  | { readonly is: "count" }
  | { readonly is: "index" }
  | { readonly is: "flag" }
  | { readonly is: "list"; readonly of: Shape; readonly least?: number }
  | {
      readonly is: "object";
      readonly required: readonly string[];
      readonly properties: Readonly<Record<string, Shape>>;
      readonly also?: (value: object) => string | null;
    };

const text: Shape = { is: "text" };
const uri: Shape = { is: "text", format: /^[a-z][a-z0-9+.-]*:\S+$/ };
const reference: Shape = { is: "text", format: /^[^\s\\]+$/ };
const object = (required: string, properties: Readonly<Record<string, Shape>>, also?: (value: object) => string | null): Shape => ({
  is: "object",
  required: required.split(" ").filter((one) => one !== ""),
  properties,
  ...(also === undefined ? {} : { also }),
});
const list = (of: Shape, least = 0): Shape => ({ is: "list", of, least });
const level: Shape = { is: "text", oneOf: ["none", "note", "warning", "error"] };

const message = object("", { text, markdown: text, id: text }, (value) =>
  "text" in value || "markdown" in value || "id" in value ? null : "needs text, markdown or id",
);
const described = object("text", { text, markdown: text });
const rule = object("id", {
  id: text,
  name: text,
  shortDescription: described,
  fullDescription: described,
  help: described,
  helpUri: uri,
  defaultConfiguration: object("", { level }),
});
const region = object("startLine", {
  startLine: { is: "count" },
  startColumn: { is: "count" },
  endLine: { is: "count" },
  endColumn: { is: "count" },
});
const physical = object("artifactLocation", { artifactLocation: object("uri", { uri: reference }), region });
const location = object("", {
  physicalLocation: physical,
  logicalLocations: list(object("", { name: text, fullyQualifiedName: text, kind: text })),
});
const suppression = object("kind", { kind: { is: "text", oneOf: ["inSource", "external"] }, justification: text });
const result = object("message", {
  ruleId: text,
  ruleIndex: { is: "index" },
  level,
  message,
  locations: list(location),
  suppressions: list(suppression),
});
const notification = object("message", { level, message, locations: list(location) });
const invocation = object("executionSuccessful", { executionSuccessful: { is: "flag" }, toolExecutionNotifications: list(notification) });
const run = object("tool", {
  tool: object("driver", { driver: object("name", { name: text, version: text, informationUri: uri, rules: list(rule) }) }),
  columnKind: { is: "text", oneOf: ["utf16CodeUnits", "unicodeCodePoints"] },
  invocations: list(invocation),
  results: list(result),
});
const LOG = object("version runs", { $schema: uri, version: { is: "text", oneOf: ["2.1.0"] }, runs: list(run) });

function check(shape: Shape, value: unknown, path: string): string[] {
  const wrong = (what: string) => [`${path}: ${what}`];
  switch (shape.is) {
    case "text":
      if (typeof value !== "string" || value === "") return wrong("is no text");
      if (shape.oneOf?.includes(value) === false) return wrong(`${JSON.stringify(value)} is none of ${shape.oneOf.join(", ")}`);
      return shape.format?.test(value) === false ? wrong(`${JSON.stringify(value)} has another form`) : [];
    case "count":
      return Number.isInteger(value) && Number(value) >= 1 ? [] : wrong("is no number from 1");
    case "index":
      return Number.isInteger(value) && Number(value) >= -1 ? [] : wrong("is no index");
    case "flag":
      return typeof value === "boolean" ? [] : wrong("is neither true nor false");
    case "list":
      return Array.isArray(value) ? value.flatMap((one, index) => check(shape.of, one, `${path}[${index}]`)) : wrong("is no list");
    case "object": {
      if (value === null || typeof value !== "object" || Array.isArray(value)) return wrong("is no object");
      const inner = path === "" ? "" : `${path}.`;
      const problem = shape.also?.(value) ?? null;
      return [
        ...shape.required.filter((key) => !(key in value)).map((key) => `${inner}${key}: is missing`),
        ...Object.entries(value).flatMap(([key, one]) => {
          const known = shape.properties[key];
          return known === undefined ? [`${inner}${key}: unknown property`] : check(known, one, `${inner}${key}`);
        }),
        ...(problem === null ? [] : wrong(problem)),
      ];
    }
  }
}
