import { existsSync, readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { TicketsStack } from "../../../infra/examples/aws/stack.ts";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import * as azure from "../azure/cloud.ts";
import * as gcp from "../gcp/cloud.ts";
import type { Declared } from "../pulumi/stand-in.ts";
import { optionValues, type PageCommand, pageCommands } from "./commands.ts";

// biome-ignore lint/suspicious/noExplicitAny: what is sent has the provider's form, which the assertions spell out
type Loose = any;

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const read = (path: string) => readFileSync(inRoot(path), "utf8");

interface Page {
  readonly text: string;
  readonly commands: readonly PageCommand[];
  readonly project: Loose;
  readonly program: string;
  readonly routes: readonly string[];
}

function page(platform: "aws" | "azure" | "gcp"): Page {
  const example = `infra/examples/${platform}`;
  const text = read(`docs/${platform}.md`);
  return {
    text,
    commands: pageCommands(text),
    project: platform === "aws" ? null : parse(read(`${example}/Pulumi.yaml`)),
    program: read(`${example}/${platform === "aws" ? "app" : "index"}.ts`),
    routes: Object.keys(parse(read(`${example}/config/openapi.yaml`)).paths),
  };
}

/** What the example's program declares under its settings. */
async function declared(platform: "azure" | "gcp", settings: Record<string, string>): Promise<readonly Declared[]> {
  const cloud = await { azure, gcp }[platform].standIn();
  pulumi.runtime.setAllConfig(settings);
  vi.resetModules();
  await (platform === "azure" ? import("../../../infra/examples/azure/index.ts") : import("../../../infra/examples/gcp/index.ts"));
  await { azure, gcp }[platform].settled();
  return cloud.declared;
}

const inputsOf = (all: readonly Declared[], type: string): Loose[] => all.filter((one) => one.type === type).map((one) => one.inputs);
const values = (list: readonly string[], allowed: readonly string[]) => {
  expect(list.length).toBeGreaterThan(0);
  for (const one of list) expect(allowed).toContain(one);
};

describe.each(["aws", "azure", "gcp"] as const)("docs/%s.md", (platform) => {
  const { text, commands, routes } = page(platform);

  it("names files and routes that are there", () => {
    const paths = [
      ...optionValues(commands, /^docker buildx build /, "-f"),
      ...commands.flatMap(({ program, text: one }) => (program === "cd" ? [one.slice(3)] : [])),
      ...(text.match(/\binfra\/examples\/\w+/g) ?? []),
    ];
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths) expect(existsSync(inRoot(path)), path).toBe(true);
    const called = commands.flatMap(({ program, text: one }) =>
      program === "curl" ? (/(?:\$URL|ADDRESS)(\/[\w/]*)/.exec(one)?.[1] ?? []) : [],
    );
    values(called, ["/chio/health", ...routes]);
    expect(called).toContain("/chio/health");
  });
});

describe.each(["azure", "gcp"] as const)("docs/%s.md and its program", (platform) => {
  const { text, commands, project, program } = page(platform);
  const settings = Object.entries(project.config as Record<string, { value?: unknown; default?: unknown }>);
  const set = commands.flatMap(({ text: one }) => /^pulumi config (?:set|rm) (?:--path )?'?([\w:-]+)/.exec(one)?.[1] ?? []);

  it("sets settings that the project has, and all that it requires", () => {
    const provider = platform === "gcp" ? ["gcp:project"] : [];
    values(set, [...settings.map(([key]) => key), ...provider]);
    const optional = new Set([...program.matchAll(/config\.get\w*(?:<[^>]*>)?\("(\w+)"\)/g)].map(([, key]) => key));
    const required = settings.filter(([key, one]) => one.value === undefined && one.default === undefined && !optional.has(key));
    expect(required.length).toBeGreaterThan(2);
    for (const [key] of [...required, ...provider.map((one) => [one] as const)]) expect(set, key).toContain(key);
  });

  it("has the same settings in Pulumi.yaml and in the program", () => {
    const asked = [...program.matchAll(/config\.\w+(?:<[^>]*>)?\("(\w+)"\)/g)].map((match) => match[1]);
    expect(new Set(settings.map(([key]) => key).filter((key) => !key.includes(":")))).toEqual(new Set(asked));
  });

  it("reads outputs that the program exports", () => {
    const outputs = commands.flatMap(({ text: one }) => /^pulumi stack output (\w+)/.exec(one)?.[1] ?? []);
    values(
      outputs,
      [...program.matchAll(/export const (\w+) /g)].map(([, name = ""]) => name),
    );
  });

  it("has every argument in its table, and no other", () => {
    const documented = [...text.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1]);
    const args = read(`infra/${platform}/args.ts`);
    const own = args.slice(args.search(/export interface Chio\w+Args/));
    expect(documented.sort()).toEqual([...own.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1]).sort());
  });
});

describe("docs/gcp.md", () => {
  const { commands, project } = page("gcp");
  let service: Loose;
  let secrets: string[];
  beforeAll(async () => {
    const all = await declared("gcp", {
      "gcp:project": "team",
      "gcp:region": project.config["gcp:region"].value,
      "project:appImage": `us-docker.pkg.dev/team/apps/app@${DIGEST}`,
      "project:sidecarImage": `us-docker.pkg.dev/team/apps/chio-sidecar@${DIGEST}`,
      "project:signingKeyVersion": "1",
    });
    [service] = inputsOf(all, gcp.TYPES.service);
    secrets = inputsOf(all, gcp.TYPES.secretReader).map((one) => one.secretId);
  });

  it("calls the service by the name and region that it has", () => {
    values(optionValues(commands, /^gcloud run /, "--service"), [service.name]);
    values(optionValues(commands, /^gcloud run /, "--region"), [service.location]);
    values(optionValues(commands, /^gcloud run services/, "update-traffic"), [service.name]);
    values(
      commands.flatMap(({ text }) => /service_name="([^"]+)"/.exec(text)?.[1] ?? []),
      [service.name],
    );
    values(optionValues(commands, /^gcloud artifacts repositories/, "--location"), [service.location]);
  });

  it("makes the secrets that the service reads", () => {
    values(optionValues(commands, /^gcloud secrets /, "create"), secrets);
  });
});

describe("docs/azure.md", () => {
  const { text, commands, project } = page("azure");
  let app: Loose;
  beforeAll(async () => {
    const all = await declared("azure", {
      "project:resourceGroup": project.config.resourceGroup.default,
      "project:vault": "vault",
      "project:registry": "registry",
      "project:appImage": `registry.azurecr.io/app@${DIGEST}`,
      "project:appCommand": '["node","server.js"]',
      "project:sidecarImage": `registry.azurecr.io/chio-sidecar@${DIGEST}`,
      "project:signingKey": `https://vault.vault.azure.net/secrets/chio-signing-key/${"ab".repeat(16)}`,
      "project:callers": '["203.0.113.7/32"]',
    });
    [app] = inputsOf(all, azure.TYPES.app);
  });

  it("calls the app, its containers and its group by the names that they have", () => {
    const containers = app.template.containers.map((one: Loose) => one.name);
    values(optionValues(commands, /^az containerapp /, "--name"), [app.containerAppName]);
    values(optionValues(commands, /^az containerapp /, "--container"), containers);
    values(optionValues(commands, /^az (?:containerapp|acr create|keyvault create)/, "--resource-group"), [app.resourceGroupName]);
    values(optionValues(commands, /^az group /, "--name"), [app.resourceGroupName]);
    values(optionValues(commands, /^pulumi config set resourceGroup/, "resourceGroup"), [app.resourceGroupName]);
    const query = commands.find(({ text: one }) => one.startsWith("az monitor log-analytics query"))?.text ?? "";
    expect(query).toContain(`ContainerAppName_s == '${app.containerAppName}'`);
    values(/ContainerName_s == '([^']+)'/.exec(query)?.slice(1) ?? [], containers);
    const location = project.config["azure-native:location"].value;
    values(optionValues(commands, /^az group create/, "--location"), [location]);
    values(optionValues(commands, /^pulumi config set azure-native:location/, "azure-native:location"), [location]);
  });

  it("makes the secrets that the app reads", () => {
    const names = app.configuration.secrets.map((one: Loose) => one.keyVaultUrl.split("/")[4]);
    values(optionValues(commands, /^az keyvault secret /, "--name"), names);
  });

  it("uses commands that Azure's command line has", () => {
    const used = commands.flatMap(({ text: one }) => /^az ((?:[a-z][a-z-]* )+)-/.exec(one)?.[1]?.trim() ?? []);
    // From the reference of the Azure CLI and its extensions containerapp and log-analytics.
    values(used, [
      ...["account set", "provider register", "group create", "acr create", "acr login", "acr repository show"],
      ...[
        "keyvault create",
        "keyvault show",
        "keyvault secret set",
        "keyvault secret show",
        "role assignment create",
        "ad signed-in-user show",
      ],
      ...[
        "containerapp revision list",
        "containerapp revision set-mode",
        "containerapp revision activate",
        "containerapp ingress traffic set",
      ],
      ...["containerapp logs show", "monitor log-analytics query"],
    ]);
  });

  it("says how the app is started", () => {
    const [gate] = /chio wait --for \S+ --/.exec(text) ?? [];
    const command = app.template.containers.find((one: Loose) => one.name === "app").command;
    expect(command.join(" ")).toBe(`/opt/chio/${gate} node server.js`);
  });
});

describe("docs/aws.md", () => {
  const { commands, program } = page("aws");

  it("gives the context that the program asks for", () => {
    const given = commands.flatMap(({ text }) => [...text.matchAll(/ -c (\w+)=/g)].map(([, key = ""]) => key));
    values(
      given,
      [...program.matchAll(/(?:context|tryGetContext)\("(\w+)"\)/g)].map(([, key = ""]) => key),
    );
    for (const [, key = ""] of program.matchAll(/\bcontext\("(\w+)"\)/g)) expect(given).toContain(key);
  });

  it("makes the secret that the stack reads", () => {
    const names = [
      ...optionValues(commands, /^aws secretsmanager create-secret/, "--name"),
      ...optionValues(commands, /^aws secretsmanager put-secret-value/, "--secret-id"),
      ...commands.flatMap(({ text }) => /signingKeyName=(\S+)/.exec(text)?.[1] ?? []),
    ];
    expect(names.length).toBeGreaterThan(2);
    expect(new Set(names)).toEqual(new Set(["chio/signing-key"]));
  });

  it("puts outputs of the stack where a name is not known before", () => {
    const stack = new TicketsStack(new App(), "Tickets", {
      env: { region: "eu-central-1" },
      appImage: `registry.example.com/app@${DIGEST}`,
      signingKeyName: "chio/signing-key",
    });
    const outputs = Object.keys(Template.fromStack(stack).findOutputs("*")).map((name) =>
      name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase(),
    );
    const placeholders = commands.flatMap(({ text }) => text.replace(/'[^']*'/g, "").match(/\b[A-Z][A-Z_]{2,}\b/g) ?? []);
    values(placeholders, [...outputs, "IMAGE", "DIGEST", "ARN", "FAMILY", "REVISION", "DESC"]);
    for (const name of ["ADDRESS", "CLUSTER_NAME", "SERVICE_NAME", "SIDECAR_LOG_GROUP"]) {
      expect(placeholders).toContain(name);
      expect(outputs).toContain(name);
    }
  });
});
