import { beforeAll, expect, it } from "vitest";
import { type LateOutcome, lateOutcomes } from "../pulumi/late-outcomes.ts";

interface Outcome extends LateOutcome {
  // biome-ignore lint/suspicious/noExplicitAny: has the provider's form
  readonly service: any;
  readonly invokers: number;
}
let outcomes: Record<string, Outcome>;

beforeAll(async () => {
  outcomes = await lateOutcomes<Outcome>(new URL("./late-program.ts", import.meta.url));
}, 60_000);

it.each(["pinned", "unpinned, accepted"])("declares the service when what was not known is right: %s", (name) => {
  expect(outcomes[name]).toMatchObject({ errors: [] });
  expect(outcomes[name]?.service.template.executionEnvironment).toBe("EXECUTION_ENVIRONMENT_GEN2");
});

it.each([
  ["unpinned", "CHIO-IMAGE-UNPINNED"],
  ["accepted in vain", "CHIO-ACCEPTANCE-UNMATCHED"],
  ["latest key", "CHIO-SIGNING-KEY-VERSION"],
  ["no secret reference", "secrets.signingKey"],
  ["concurrency", "CHIO-SCALING"],
  ["traffic", "traffic: adds up to 70 %"],
  ["wrong in a preview", "CHIO-IMAGE-UNPINNED"],
])("does not change the service when what was not known is wrong: %s", (name, text) => {
  expect(outcomes[name]?.errors.join("\n")).toContain(text);
  expect(outcomes[name]?.service).toBeNull();
});

it("says all that is wrong at once, late too", () => {
  const text = outcomes["several at once"]?.errors.join("\n");
  expect(text).toContain("CHIO-IMAGE-UNPINNED");
  expect(text).toContain("CHIO-SIGNING-KEY-VERSION");
});

it("never shows a secret in what it says", () => {
  const text = outcomes["secret and unpinned"]?.errors.join("\n") ?? "";
  expect(text).toContain("CHIO-IMAGE-UNPINNED");
  expect(text).toContain("[secret]");
  expect(text).not.toContain("hidden");
});

it("lowers the posture for what was accepted late, and shows no secret there", () => {
  const pinning = (name: string) => outcomes[name]?.posture?.entries.find((one) => one.invariant === "INV-10")?.brokenBy;
  expect(pinning("pinned")).toEqual([]);
  expect(pinning("unpinned, accepted")).toEqual(["CHIO-IMAGE-UNPINNED"]);
  expect(pinning("secret, accepted")).toEqual(["CHIO-IMAGE-UNPINNED"]);
  expect(outcomes["secret, accepted"]?.posture?.accepted).toEqual([expect.objectContaining({ reason: "trial" })]);
  expect(JSON.stringify(outcomes["secret, accepted"]?.posture)).not.toContain("hidden");
});

it("does not become public by an output", () => {
  expect(outcomes["public by an output"]?.errors.join("\n")).toContain('write "allUsers" into the list itself');
  expect(outcomes["public by an output"]?.invokers).toBe(0);
});

it("previews with unknown values, and shows what is known", () => {
  const outcome = outcomes["unknown in a preview"];
  expect(outcome?.errors).toEqual([]);
  expect(outcome?.service.name).toBe("svc");
  expect(JSON.stringify(outcome?.service)).not.toContain("${deferred");
});
