import { expect, it } from "vitest";
import { complaints } from "../manifests/complaints.ts";
import { deploy, type Loose } from "./deploy.ts";
import { ARGS } from "./fixtures.ts";

it("sends what Azure's own client takes, and nothing else", { timeout: 60_000 }, async () => {
  const { app } = await deploy({
    exposure: "external",
    allowedIpRanges: ["203.0.113.0/24"],
    customDomains: [{ name: "tools.example.com", certificateId: "certificate" }],
    scaling: { cooldownPeriod: 60, pollingInterval: 15, rules: [{ name: "cpu", type: "cpu", metadata: { value: "70" }, identity: "id" }] },
    traffic: [
      { revision: "a", weight: 90 },
      { weight: 10, label: "next" },
    ],
    revisionSuffix: "v2",
    tags: { team: "tools" },
    auxiliary: [{ name: "collector", image: ARGS.app.image, listens: [4317], args: ["--quiet"] }],
  });
  // Pulumi's own names of what stands in the resource's address, and its list where the API has a map.
  const { containerAppName: _name, resourceGroupName: _group, identity, ...rest } = app;
  const userAssignedIdentities = Object.fromEntries(identity.userAssignedIdentities.map((one: string) => [one, {}]));
  const document: Loose = { ...rest, identity: { ...identity, userAssignedIdentities } };
  expect(await complaints("azure", "ContainerApp", "@azure/arm-appcontainers", document)).toEqual([]);
  document.template.containers[0].noSuchField = 1;
  expect((await complaints("azure-unknown", "ContainerApp", "@azure/arm-appcontainers", document)).join("\n")).toContain("noSuchField");
});
