import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DOCUMENT_FORMATS, DOCUMENT_RULES } from "../../../infra/posture/index.ts";
import { AZURE_POLICY_CODES, CONSTRAINT_CODES, GUARD_CODES } from "../../../infra/prevention/index.ts";
import { RULES } from "../../../infra/topology/index.ts";

const DETECTED: Readonly<Record<keyof typeof DOCUMENT_FORMATS, string>> = {
  "cloud-run-v1": "`apiVersion: serving.knative.dev/v1`, `kind: Service`",
  "cloud-run-v2": "`template.containers`, as `run.googleapis.com/v2` answers",
  "ecs-task-definition": "`containerDefinitions`, bare or in `taskDefinition`",
  cloudformation: "`Resources` with `AWS::` types, JSON or YAML",
  "container-app": "`Microsoft.App/containerApps`, as `az containerapp show` prints it",
  "arm-template": "`$schema` of a deployment template",
  "pulumi-state": "`deployment.resources`, from `pulumi stack export`",
};
const row = (...cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
const yes = (codes: readonly string[], code: string) => (codes.includes(code) ? "yes" : "");

const SECTIONS: Readonly<Record<string, () => string>> = {
  formats: () =>
    row("Document", "Known by") +
    row("---", "---") +
    Object.entries(DOCUMENT_FORMATS)
      .map(([format, name]) => row(name, DETECTED[format as keyof typeof DOCUMENT_FORMATS]))
      .join(""),
  rules: () =>
    DOCUMENT_RULES.map(
      ({ code, severity, title, why, fix }) =>
        `<a id="${code.toLowerCase()}"></a>**${code}** (${severity}): ${title}. ${why} Fix: ${fix}.\n`,
    ).join("\n"),
  codes: () =>
    row("Finding", "Guard", "Organization policy", "Azure Policy") +
    row("---", "---", "---", "---") +
    RULES.filter(({ code }) => [GUARD_CODES, CONSTRAINT_CODES, AZURE_POLICY_CODES].some((codes) => codes.includes(code)))
      .map(({ code }) =>
        row(
          `[${code}](topology.md#${code.toLowerCase()})`,
          yes(GUARD_CODES, code),
          yes(CONSTRAINT_CODES, code),
          yes(AZURE_POLICY_CODES, code),
        ),
      )
      .join(""),
};

function fill(page: string): string {
  return page.replace(
    /(<!-- begin (\w+) -->\n)[\s\S]*?(<!-- end \2 -->)/g,
    (_all, start: string, name: string, end: string) => `${start}${SECTIONS[name]?.()}${end}`,
  );
}

describe.each(["verify", "prevention"])("docs/%s.md", (name) => {
  const file = new URL(`../../../docs/${name}.md`, import.meta.url);

  it("shows what the code says", () => {
    const page = readFileSync(file, "utf8");
    const filled = fill(page);
    if (process.env.UPDATE_GENERATED === "1" && filled !== page) writeFileSync(file, filled);
    expect(readFileSync(file, "utf8"), "run the tests with UPDATE_GENERATED=1").toBe(filled);
    expect(filled).not.toContain("undefined");
  });

  it("names only findings that there are", () => {
    const known = new Set<string>([...RULES, ...DOCUMENT_RULES].map(({ code }) => code));
    const named = readFileSync(file, "utf8").match(/\bCHIO-[A-Z]+(-[A-Z]+)+\b/g) ?? [];
    expect(named.filter((code) => !known.has(code))).toEqual([]);
  });
});

it("docs/topology.md has the place that a finding of a document links to", () => {
  const page = readFileSync(new URL("../../../docs/topology.md", import.meta.url), "utf8");
  expect(page).toContain('<a id="chio-signing-key-version"></a>');
});
