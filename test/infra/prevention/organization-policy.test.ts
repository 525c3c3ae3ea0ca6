import { celEnv, parse, plan } from "@bufbuild/cel";
import { describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import {
  CONSTRAINT_CODES,
  CONSTRAINT_LIMITS,
  constraintFiles,
  organizationConstraints,
  type PreventionOptions,
} from "../../../infra/prevention/index.ts";
import type { Loose } from "../posture/documents.ts";
import { faults, goodService } from "./bad-documents.ts";

const environment = celEnv();

/** Codes of the constraints that deny a service, by an evaluator that passes CEL's own conformance tests. */
function denied(resource: Loose, options: PreventionOptions = {}): string[] {
  return organizationConstraints(options).flatMap(({ condition, displayName }) => {
    const result = plan(environment, parse(condition))({ resource });
    if (typeof result !== "boolean") throw new Error(`${displayName}: ${String(result)}`);
    return result ? [displayName.slice(0, displayName.indexOf(":"))] : [];
  });
}

const sidecarOf = (service: Loose) => service.spec.template.spec.containers.find((one: Loose) => one.name === "chio-sidecar");
const appOf = (service: Loose) => service.spec.template.spec.containers.find((one: Loose) => one.name === "app");

/** Faults that the other tests' documents do not have alone. */
const MORE: Readonly<Record<string, (service: Loose) => void>> = {
  "CHIO-SECRET-SCOPE": (service) => appOf(service).env.push({ name: "CHIO_SIDECAR_CONTROL_TOKEN", value: "x" }),
  "CHIO-INGRESS-TARGET": (service) => (sidecarOf(service).ports[0].containerPort = 8080),
};

describe("the organization policy's constraints", () => {
  it("pass what the kit renders", () => {
    expect(denied(goodService(), { requireSidecar: true })).toEqual([]);
  });

  it("pass a start order of any white space", () => {
    const service = goodService();
    service.spec.template.metadata.annotations["run.googleapis.com/container-dependencies"] = '{ "app": [ "collector", "chio-sidecar" ] }';
    expect(denied(service)).toEqual([]);
  });

  it.each(CONSTRAINT_CODES)("%s is denied, and nothing else", (code) => {
    const cases = [
      ...faults("cloud-run").filter(
        (one) => one.code === code && !/flag|loopback|mounted|reference on the app|the app's port/.test(one.what),
      ),
      ...(MORE[code] === undefined ? [] : [{ code, what: "more", document: goodService() }]),
    ];
    expect(cases.length).toBeGreaterThan(0);
    for (const { what, document } of cases) {
      if (what === "more") MORE[code]?.(document);
      expect([what, denied(document)]).toEqual([what, [code]]);
    }
  });

  it("leave other services alone, unless a sidecar is required", () => {
    const service = goodService();
    service.spec.template.spec.containers = [appOf(service)];
    expect(denied(service)).toEqual([]);
    expect(denied(service, { requireSidecar: true })).toEqual(["CHIO-SIDECAR-COUNT"]);
  });

  it("stay within Google's limits, with the longest name", () => {
    for (const one of organizationConstraints({ sidecar: "s".repeat(63), requireSidecar: true })) {
      expect(one.condition.length).toBeLessThanOrEqual(CONSTRAINT_LIMITS.condition);
      expect(one.displayName.length).toBeLessThanOrEqual(CONSTRAINT_LIMITS.displayName);
      expect(one.description.length).toBeLessThanOrEqual(CONSTRAINT_LIMITS.description);
      expect(one.name).toMatch(/^organizations\/ORGANIZATION_ID\/customConstraints\/custom\.[a-zA-Z0-9]{1,62}$/);
    }
  });

  it("are written as the two files that gcloud takes", () => {
    const [one] = organizationConstraints({ organization: "123456789012" });
    const [constraint, policy] = constraintFiles(one!);
    expect(parseYaml(constraint!.text)).toEqual(one);
    expect(constraint!.path).toBe("constraints/custom.chioStartOrder.yaml");
    expect(parseYaml(policy!.text)).toEqual({
      name: "projects/PROJECT_ID/policies/custom.chioStartOrder",
      spec: { rules: [{ enforce: true }] },
    });
  });
});
