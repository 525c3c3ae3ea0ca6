import { describe, expect, it } from "vitest";
import { overrideOf } from "../../../infra/local/plan/images.ts";
import { apiProtect, defineTopology, resolveFor } from "../../../infra/topology/index.ts";

const graph = resolveFor(
  defineTopology({
    name: "notes",
    mode: apiProtect({ spec: "/etc/chio/openapi.yaml" }),
    app: { image: "app:1", command: ["/app"] },
    sidecar: { image: "chio:1" },
    secrets: { signingKey: "https://team.vault.azure.net/secrets/key/0123456789abcdef0123456789abcdef" },
  }),
  "aca",
);
const given = (images: Record<string, string>, from = graph) =>
  Object.fromEntries(from.containers.map((one) => [one.name, overrideOf(one, from, images)]));

describe("an image in place of the model's", () => {
  it("of the sidecar stands for the start gate too, which is made from the same, and for nothing else", () => {
    expect(given({ "chio-sidecar": "mine:1" })).toEqual({ "chio-gate": "mine:1", "chio-sidecar": "mine:1", app: undefined });
  });

  it("of the start gate's own comes first, and is no one else's", () => {
    expect(given({ "chio-sidecar": "mine:1", "chio-gate": "gate:1" })).toMatchObject({ "chio-gate": "gate:1", "chio-sidecar": "mine:1" });
    expect(given({ "chio-gate": "gate:1", app: "app:2" })).toEqual({ "chio-gate": "gate:1", "chio-sidecar": undefined, app: "app:2" });
  });

  it("of the sidecar is not that of a container which the model makes from another image", () => {
    const containers = graph.containers.map((one) =>
      one.role === "init" ? { ...one, image: { kind: "registry", reference: "chio:2" } as const } : one,
    );
    expect(given({ "chio-sidecar": "mine:1" }, { ...graph, containers })).toMatchObject({ "chio-gate": undefined });
  });
});
