/**
 * What `chio-kit init` writes: the examples themselves, with the service's own name in place of theirs. A platform team gets what the tests run.
 */
export interface Template {
  /** Below infra/examples. */
  readonly directory: string;
  readonly summary: string;
  readonly files: readonly string[];
  /** Words of the example and what stands for them, for a service of this name. */
  readonly words: (name: ServiceName) => Readonly<Record<string, string>>;
  /** Packages that the program imports, and those that only work on it. Their versions are those that the kit is tested with. */
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
}

export interface ServiceName {
  /** As given: a DNS label that begins with a letter. */
  readonly label: string;
  /** The same as a class is named. */
  readonly pascal: string;
}

/** Below infra/examples, for every platform. */
export const SHARED_FILES = ["tsconfig.json"] as const;

const FILES = ["README.md", "gitignore", "package.json", ".github/workflows/deploy.yml"];
const CONFIG = ["config/kernel.yaml", "config/openapi.yaml", "config/policy.yaml"];

/** Secrets are one to a vault or project by their name: several services share those. */
const pulumiWords = ({ label }: ServiceName) => ({
  "agent-tool-server": label,
  "chio-signing-key": `${label}-signing-key`,
  "chio-sidecar-control-token": `${label}-control-token`,
  "chio-kernel-config": `${label}-kernel-config`,
  "chio-openapi-spec": `${label}-openapi-spec`,
  "chio-policy": `${label}-policy`,
});

export const TEMPLATES = {
  aws: {
    directory: "aws",
    summary: "Amazon ECS on Fargate, with the CDK",
    files: [...FILES, ...CONFIG, "app.ts", "cdk.json", "stack.ts"],
    words: ({ label, pascal }) => ({
      TicketsStack: `${pascal}Stack`,
      '"Tickets"': `"${pascal}"`,
      "Tickets.template": `${pascal}.template`,
      '"name": "tickets"': `"name": "${label}"`,
      "name: tickets": `name: ${label}`,
      "# tickets": `# ${label}`,
      "tickets/signing-key": `${label}/signing-key`,
    }),
    dependencies: ["aws-cdk-lib", "constructs"],
    devDependencies: ["@types/node", "aws-cdk", "typescript"],
  },
  gcp: {
    directory: "gcp",
    summary: "Google Cloud Run, with Pulumi",
    files: [...FILES, ...CONFIG, "index.ts", "Pulumi.yaml"],
    words: pulumiWords,
    dependencies: ["@pulumi/gcp", "@pulumi/pulumi"],
    devDependencies: ["@types/node", "typescript"],
  },
  azure: {
    directory: "azure",
    summary: "Azure Container Apps, with Pulumi",
    files: [...FILES, ...CONFIG, "index.ts", "Pulumi.yaml"],
    words: pulumiWords,
    dependencies: ["@pulumi/azure-native", "@pulumi/pulumi"],
    devDependencies: ["@types/node", "typescript"],
  },
} as const satisfies Readonly<Record<string, Template>>;

export type InitPlatform = keyof typeof TEMPLATES;
export const INIT_PLATFORMS = Object.keys(TEMPLATES) as readonly InitPlatform[];
