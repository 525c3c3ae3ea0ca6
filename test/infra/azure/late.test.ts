import { beforeAll, expect, it } from "vitest";
import { type LateOutcome, lateOutcomes } from "../pulumi/late-outcomes.ts";

interface Outcome extends LateOutcome {
  // biome-ignore lint/suspicious/noExplicitAny: has the provider's form
  readonly app: any;
  readonly grants: number;
}
let outcomes: Record<string, Outcome>;

beforeAll(async () => {
  outcomes = await lateOutcomes<Outcome>(new URL("./late-program.ts", import.meta.url));
}, 60_000);

it.each(["pinned", "unpinned, accepted"])("declares the app when what was not known is right: %s", (name) => {
  expect(outcomes[name]).toMatchObject({ errors: [] });
  expect(outcomes[name]?.app.template.terminationGracePeriodSeconds).toBe(30);
});

it.each([
  ["unpinned", "CHIO-IMAGE-UNPINNED"],
  ["accepted in vain", "CHIO-ACCEPTANCE-UNMATCHED"],
  ["no secret reference", "secrets.signingKey"],
  ["a secret of another cloud", "CHIO-SECRET-STORE"],
  ["scaling", "CHIO-SCALING"],
  ["traffic", "traffic: adds up to 70 %"],
  ["range", 'allowedIpRanges[0]: "everywhere" is no CIDR block'],
  ["registry", 'registries[0]: "ghcr.io" is no Azure container registry'],
  ["resource id", "resourceIds[0]: is no resource id of"],
  ["unused resource id", "resourceIds[0]: nothing here uses other; there is team"],
  ["Cosmos DB in another subscription", "team-receipts is in another subscription"],
  ["one identity for both", "workloadIdentity.id: is the identity that reads the vault"],
  ["wrong in a preview", "CHIO-IMAGE-UNPINNED"],
])("does not change the app when what was not known is wrong: %s", (name, text) => {
  expect(outcomes[name]?.errors.join("\n")).toContain(text);
  expect(outcomes[name]?.app).toBeNull();
});

it("says all that is wrong at once, late too", () => {
  const text = outcomes["several at once"]?.errors.join("\n");
  expect(text).toContain("CHIO-IMAGE-UNPINNED");
  expect(text).toContain("CHIO-SCALING");
});

it("never shows a secret in what it says", () => {
  const text = outcomes["secret and unpinned"]?.errors.join("\n") ?? "";
  expect(text).toContain("CHIO-IMAGE-UNPINNED");
  expect(text).toContain("[secret]");
  expect(text).not.toContain("hidden");
  expect(outcomes["no secret reference"]?.errors.join("\n")).not.toContain("6b6579");
});

it("lowers the posture for what was accepted late, and shows no secret there", () => {
  const pinning = (name: string) => outcomes[name]?.posture?.entries.find((one) => one.invariant === "INV-10")?.brokenBy;
  expect(pinning("pinned")).toEqual([]);
  expect(pinning("unpinned, accepted")).toEqual(["CHIO-IMAGE-UNPINNED"]);
  expect(pinning("secret, accepted")).toEqual(["CHIO-IMAGE-UNPINNED"]);
  expect(outcomes["secret, accepted"]?.posture?.accepted).toEqual([expect.objectContaining({ reason: "trial" })]);
  expect(JSON.stringify(outcomes["secret, accepted"]?.posture)).not.toContain("hidden");
});

it("previews with unknown values, and shows what is known", () => {
  for (const name of ["unknown in a preview", "nothing unknown in a preview"]) {
    expect(outcomes[name]?.errors).toEqual([]);
    expect(outcomes[name]?.app.containerAppName).toBe("svc");
    expect(outcomes[name]?.grants).toBeGreaterThan(0);
    expect(JSON.stringify(outcomes[name]?.app)).not.toContain("${deferred");
  }
});
