import { DIFFERENCES } from "../../../infra/manifests/index.ts";
import {
  apiProtect,
  capabilities,
  defineTopology,
  drainBudget,
  INVARIANTS,
  LIMITS,
  PLATFORMS,
  type Platform,
  posture,
  RULES,
  type Rule,
  TRAPS,
} from "../../../infra/topology/index.ts";

const NAMES: Readonly<Record<Platform, string>> = {
  ecs: "ECS Fargate",
  "cloud-run": "Cloud Run",
  aca: "Azure Container Apps",
  local: "Local",
};
const DIGEST = `sha256:${"0".repeat(64)}`;

/** The service whose posture the page shows: every default, a remote sink, an app whose command is not known. */
const EXAMPLE = defineTopology({
  name: "agent-tool-server",
  mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml" }),
  app: { image: `registry.example.com/app@${DIGEST}` },
  sidecar: { image: `registry.example.com/chio-sidecar@${DIGEST}` },
  secrets: {
    signingKey: {
      byPlatform: {
        ecs: "arn:aws:secretsmanager:us-east-1:111122223333:secret:chio/signing-key",
        "cloud-run": "secrets/chio-signing-key/versions/7",
        aca: "https://team.vault.azure.net/secrets/chio-signing-key",
        local: "file:/srv/signing-seed",
      },
    },
  },
  receipts: {
    sink: {
      byPlatform: {
        ecs: "dynamodb://chio-receipts",
        "cloud-run": "bigquery://team.chio.receipts",
        aca: "cosmosdb://chio-receipts",
        local: "stdout",
      },
    },
  },
});

/** The generated parts of docs/topology.md, by the name in their markers. */
export const SECTIONS: Readonly<Record<string, () => string>> = {
  invariants: () =>
    table(
      ["", "Invariant"],
      Object.entries(INVARIANTS).map(([id, text]) => [id, sentence(text)]),
    ),
  traps: () =>
    table(
      ["Trap", ""],
      Object.entries(TRAPS).map(([number, text]) => [number, sentence(text)]),
    ),
  findings: () => table(["Finding", "Severity", "What, and why it matters", "What to do", "Where", "Stands for"], RULES.map(findingRow)),
  posture: () =>
    PLATFORMS.map((platform) => {
      const { entries } = posture(EXAMPLE, platform);
      const rows = entries.map((entry) => [
        entry.invariant,
        entry.level,
        sentence(entry.how),
        entry.by.join(", "),
        entry.residualRisk === "" ? "" : sentence(entry.residualRisk),
      ]);
      return `### ${NAMES[platform]}\n\n${table(["", "Level", "How", "By", "What is left"], rows)}`;
    }).join("\n\n"),
  capabilities: () =>
    table(
      ["", "Aspect", "Platform", "What it has", "What stands in"],
      PLATFORMS.flatMap((platform) =>
        capabilities(platform)
          .filter((cell) => cell.level !== "native")
          .map((cell) => [
            cell.invariant,
            cell.aspect,
            NAMES[platform],
            sentence(cell.mechanism),
            cell.instead === null ? "" : sentence(cell.instead),
          ]),
      ),
    ),
  drain: () => ["```text", ...PLATFORMS.map((platform) => drainBudget(EXAMPLE, platform).text), "```"].join("\n"),
  limits: () =>
    table(
      ["", ...PLATFORMS.map((platform) => NAMES[platform])],
      [
        ["Containers", ...each((one) => String(one.maxContainers))],
        ["Grace, seconds", ...each((one) => `${between(one.graceSeconds)}, default ${one.graceSeconds.default}`)],
        [
          "Startup window, seconds",
          ...each((one) => (one.startupWindowSeconds === null ? "none stated" : String(one.startupWindowSeconds))),
        ],
        [
          "Health command: interval, timeout, retries",
          ...each(({ healthCheck }) =>
            healthCheck === null
              ? "none"
              : `${between(healthCheck.intervalSeconds)}; ${between(healthCheck.timeoutSeconds)}; ${between(healthCheck.retries)}`,
          ),
        ],
        [
          "Startup probe: period, failures",
          ...each(({ probes }) =>
            probes === null ? "none" : `${between(probes.startup.periodSeconds)}; ${between(probes.startup.failureThreshold)}`,
          ),
        ],
        ["Request, seconds", ...each((one) => between(one.requestTimeoutSeconds))],
        ["Least CPU and memory", ...each((one) => `${one.minimum.cpuMilli}m, ${one.minimum.memoryMiB} MiB`)],
        ["Start conditions", ...each((one) => one.startConditions.join(", "))],
        ["Architectures", ...each((one) => one.architectures.join(", "))],
      ],
    ),
  differences: () =>
    table(
      ["Manifest", "Field", "", "Why"],
      DIFFERENCES.map((one) => [one.manifest, `\`${one.path}\``, one.kind, one.reason]),
    ),
};

/** The page with every generated part made anew. Throws on a marker without a part, or a part without a marker. */
export function fill(page: string): string {
  const seen = new Set<string>();
  const filled = page.replace(/<!-- begin (\w+) -->[\s\S]*?<!-- end \1 -->/g, (_, name: string) => {
    const make = SECTIONS[name];
    if (make === undefined) throw new Error(`no generated part "${name}"`);
    seen.add(name);
    return `<!-- begin ${name} -->\n${make()}\n<!-- end ${name} -->`;
  });
  for (const name of Object.keys(SECTIONS)) if (!seen.has(name)) throw new Error(`docs/topology.md has no markers for "${name}"`);
  return filled;
}

function findingRow(rule: Rule): string[] {
  const places = rule.platforms.length === PLATFORMS.length ? "everywhere" : rule.platforms.map((platform) => NAMES[platform]).join(", ");
  const stands = [...rule.invariants, ...rule.traps.map((trap) => `trap ${trap}`)].join(", ");
  return [
    `<a id="${rule.code.toLowerCase()}"></a>${rule.code}`,
    rule.severity,
    `**${rule.title}.** ${rule.why}`,
    sentence(rule.fix),
    places,
    stands,
  ];
}

function each(cell: (limits: (typeof LIMITS)[Platform]) => string): string[] {
  return PLATFORMS.map((platform) => cell(LIMITS[platform]));
}

function between({ min, max }: { min: number; max: number | null }): string {
  return max === null ? `from ${min}` : min === max ? String(min) : `${min} to ${max}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
