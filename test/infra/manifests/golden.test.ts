import { describe, expect, it } from "vitest";
import {
  cloudRunService,
  containerAppTemplate,
  type DataObject,
  DIFFERENCES,
  type Difference,
  ecsTaskDefinition,
  systemdUnit,
} from "../../../infra/manifests/index.ts";
import { apiProtect, defineTopology, mcpServeHttp, type TopologyProps } from "../../../infra/topology/index.ts";
import { ACA, CLOUD_RUN, ECS, SYSTEMD } from "./reference.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const secret = (name: string) => `arn:aws:secretsmanager:us-east-1:111122223333:secret:chio/${name}`;

/** The deployment of the reference manifests. */
const REFERENCE: TopologyProps = {
  name: "agent-tool-server",
  mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml" }),
  app: { image: `registry.example.com/app@${DIGEST}`, health: "/healthz" },
  sidecar: { image: `ghcr.io/backbay-labs/chio-sidecar@${DIGEST}` },
  exposure: { byPlatform: { ecs: "internal", default: "external" } },
  secrets: {
    signingKey: {
      byPlatform: {
        ecs: secret("signing-key"),
        "cloud-run": "secrets/chio-signing-key/versions/7",
        aca: "https://team.vault.azure.net/secrets/chio-signing-key",
      },
    },
    capabilityAuthorityUrl: {
      byPlatform: {
        ecs: secret("capability-authority-url"),
        "cloud-run": "secrets/chio-capability-authority-url/versions/latest",
        aca: "https://team.vault.azure.net/secrets/chio-capability-authority-url",
      },
    },
  },
  policySource: {
    byPlatform: {
      ecs: "s3://ACCOUNT_ID-chio-config/policy.yaml",
      "cloud-run": "gs://PROJECT_ID-chio-config/policy.yaml",
      aca: "azblob://team/config/policy.yaml",
    },
  },
  receipts: {
    sink: {
      byPlatform: { ecs: "dynamodb://chio-receipts", "cloud-run": "bigquery://PROJECT_ID.chio.receipts", aca: "cosmosdb://chio-receipts" },
    },
  },
  config: {
    byPlatform: {
      ecs: { kind: "efs", fileSystemId: "fs-0123456789abcdef0", rootDirectory: "/chio-config" },
      "cloud-run": {
        kind: "secret-files",
        files: [
          { path: "/etc/chio/kernel/kernel.yaml", ref: "secrets/chio-kernel-config/versions/latest" },
          { path: "/etc/chio/spec/openapi.yaml", ref: "secrets/chio-openapi-spec/versions/latest" },
        ],
      },
      aca: { kind: "azure-file", storageName: "chio-config" },
    },
  },
  cloudRun: { serviceAccount: "chio-sidecar@PROJECT_ID.iam.gserviceaccount.com" },
  ecs: {
    executionRoleArn: "arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
    taskRoleArn: "arn:aws:iam::111122223333:role/chio-sidecar-task-role",
    region: "us-east-1",
  },
};

const SYSTEMD_PROPS: TopologyProps = {
  name: "my-tool",
  mode: mcpServeHttp({ serverId: "my-tool", policy: "/etc/chio/policy.yaml", command: ["/usr/local/bin/my-tool"] }),
  sidecar: { image: `ghcr.io/backbay-labs/chio-sidecar@${DIGEST}` },
  secrets: { signingKey: "file:/run/secrets/signing-seed" },
  config: { kind: "host", directory: "/srv/chio" },
};

describe.each([
  ["cloud-run", CLOUD_RUN, () => cloudRunService(defineTopology(REFERENCE))],
  ["ecs", ECS, () => ecsTaskDefinition(defineTopology(REFERENCE))],
  ["aca", ACA, () => (containerAppTemplate(defineTopology(REFERENCE)).resources as DataObject[])[0]],
  ["systemd", SYSTEMD, () => unitSections(systemdUnit(defineTopology(SYSTEMD_PROPS)))],
] as const)("the %s manifest", (manifest, reference, render) => {
  const declared = DIFFERENCES.filter((one) => one.manifest === manifest);
  const found = compare(flatten(reference), flatten(render()));

  it("has every field and value of the reference, but for the declared differences", () => {
    expect(found.filter((one) => !declared.some((difference) => matches(difference, one)))).toEqual([]);
  });

  it("declares no difference that is none", () => {
    expect(declared.filter((difference) => !found.some((one) => matches(difference, one)))).toEqual([]);
  });
});

it("gives a reason for each difference", () => {
  for (const { reason } of DIFFERENCES) expect(reason).toMatch(/^[A-Za-z0-9-].{10,}\.$/);
});

interface Change {
  readonly kind: Difference["kind"];
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

function compare(before: Map<string, unknown>, after: Map<string, unknown>): Change[] {
  const changes: Change[] = [];
  for (const [path, value] of before) {
    if (!after.has(path)) changes.push({ kind: "removed", path, before: value });
    else if (after.get(path) !== value) changes.push({ kind: "changed", path, before: value, after: after.get(path) });
  }
  for (const [path, value] of after) if (!before.has(path)) changes.push({ kind: "added", path, after: value });
  return changes;
}

/** Leaves by path. Items that have a name are known by it, so that their order does not count. */
function flatten(value: unknown, path: readonly string[] = [], leaves = new Map<string, unknown>()): Map<string, unknown> {
  const entries = Array.isArray(value)
    ? value.map((item, index): [string, unknown] => [label(item) ?? String(index), item])
    : value !== null && typeof value === "object"
      ? Object.entries(value)
      : null;
  if (entries === null) leaves.set(path.join("."), value);
  else if (entries.length === 0) leaves.set(path.join("."), "(empty)");
  else for (const [key, item] of entries) flatten(item, [...path, key], leaves);
  return leaves;
}

function label(item: unknown): string | undefined {
  if (item === null || typeof item !== "object") return undefined;
  const { name, type, containerName, sourceVolume, volumeName } = item as Record<string, unknown>;
  const found = name ?? type ?? containerName ?? sourceVolume ?? volumeName;
  return typeof found === "string" ? found : undefined;
}

function matches(difference: Difference, change: Change): boolean {
  if (difference.kind !== change.kind) return false;
  const pattern = difference.path
    .split(/(\*\*|\*)/)
    .map((part) => (part === "**" ? ".*" : part === "*" ? "[^.]*" : part.replace(/[.\\/()[\]]/g, "\\$&")))
    .join("");
  // "x.**" also means x itself, when it is a leaf.
  return (
    new RegExp(`^${pattern}$`).test(change.path) ||
    (difference.path.endsWith(".**") && new RegExp(`^${pattern.slice(0, -"\\..*".length)}$`).test(change.path))
  );
}

function unitSections(text: string): Record<string, Record<string, unknown>> {
  const sections: Record<string, Record<string, unknown>> = {};
  let section = "";
  for (const line of text.split("\n")) {
    const header = /^\[(\w+)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      section = header;
      sections[section] = {};
      continue;
    }
    const cut = line.indexOf("=");
    if (cut < 0 || line.startsWith("#")) continue;
    const [key, value] = [line.slice(0, cut), line.slice(cut + 1)];
    const into = sections[section] ?? {};
    if (key === "Environment")
      into[key] = { ...(into[key] as object), [value.slice(0, value.indexOf("="))]: value.slice(value.indexOf("=") + 1) };
    else into[key] = value;
  }
  return sections;
}
