import { describe, expect, it } from "vitest";
import {
  AZURE_POLICY_CODES,
  azureInitiative,
  azurePolicyDefinitions,
  type PreventionOptions,
  preventionFiles,
} from "../../../infra/prevention/index.ts";
import type { Loose } from "../posture/documents.ts";
import { isDenied } from "./azure-evaluator.ts";
import { faults, goodApp } from "./bad-documents.ts";

function denied(resource: Loose, options: PreventionOptions = {}): string[] {
  return azurePolicyDefinitions(options)
    .filter((one) => isDenied(one, resource))
    .map(({ name }) => name.toUpperCase());
}

const template = (app: Loose) => app.properties.template;
const named = (list: Loose[], name: string) => list.find((one) => one.name === name);
const sidecarOf = (app: Loose) => named(template(app).containers, "chio-sidecar");
const appOf = (app: Loose) => named(template(app).containers, "app");

/** Faults that the other tests' documents do not have alone, or have in a form that a policy sees with another eye. */
const MORE: Readonly<Record<string, (app: Loose) => void>> = {
  "CHIO-SIGNING-KEY-SCOPE": (app) => appOf(app).env.push({ name: "CHIO_SIGNING_KEY", secretRef: "chio-signing-key" }),
  "CHIO-SECRET-SCOPE": (app) => sidecarOf(app).env.push({ name: "CHIO_SIDECAR_CONTROL_TOKEN", value: "x" }),
  "CHIO-GRACE": (app) => (template(app).terminationGracePeriodSeconds = 10),
  "CHIO-DRAIN": (app) => (sidecarOf(app).env = sidecarOf(app).env.filter((one: Loose) => one.name !== "CHIO_SHUTDOWN_DRAIN_MS")),
  "CHIO-SIDECAR-COMMAND": (app) => (sidecarOf(app).command = ["/usr/local/bin/chio"]),
  "CHIO-IMAGE-UNPINNED": (app) => (appOf(app).image = "registry.example.com/app:1"),
};

describe("the Azure Policy definitions", () => {
  it("pass what the kit renders", () => {
    expect(denied(goodApp(), { requireSidecar: true })).toEqual([]);
  });

  it.each(AZURE_POLICY_CODES)("%s is denied, and nothing else", (code) => {
    const apps = faults("aca")
      .filter((one) => one.code === code && one.what !== "aca: the value in the template")
      .map(({ document }) => document.resources[0]);
    const more = MORE[code];
    if (more !== undefined) {
      const app = goodApp();
      more(app);
      apps.push(app);
    }
    expect(apps.length).toBeGreaterThan(0);
    for (const app of apps) expect(denied(app)).toEqual([code]);
  });

  it("deny a value in place of a reference to the vault", () => {
    const [inline] = faults("aca").filter((one) => one.what === "aca: the value in the template");
    expect(denied(inline?.document.resources[0])).toEqual(["CHIO-SECRET-STORE"]);
  });

  it("leave other apps alone, unless a sidecar is required", () => {
    const app = goodApp();
    template(app).containers = [appOf(app)];
    expect(denied(app)).toEqual([]);
    expect(denied(app, { requireSidecar: true })).toEqual(["CHIO-SIDECAR-COUNT"]);
    expect(denied({ ...goodApp(), type: "Microsoft.Web/sites" }, { requireSidecar: true })).toEqual([]);
  });

  it("are all in the initiative, with its effect", () => {
    const { properties } = azureInitiative() as Loose;
    expect(properties.policyDefinitions.map((one: Loose) => one.policyDefinitionReferenceId)).toEqual(
      azurePolicyDefinitions().map(({ name }) => name),
    );
    for (const { properties } of azurePolicyDefinitions()) expect(properties.policyRule.then.effect).toBe("[parameters('effect')]");
  });

  it("are one file each", () => {
    const files = preventionFiles("aca");
    expect(files.map(({ path }) => path)).toEqual([
      ...AZURE_POLICY_CODES.map((code) => `definitions/${code.toLowerCase()}.json`),
      "initiative.json",
    ]);
    for (const { text } of files) expect(() => JSON.parse(text)).not.toThrow();
  });
});
