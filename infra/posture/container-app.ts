import { flagValue } from "../topology/rules/rule.ts";
import { keyVaultParts } from "../topology/secret-ref.ts";
import type { AcaSettings } from "../topology/settings.ts";
import type { Container, Ingress, StartEdge, StartGate } from "../topology/types.ts";
import { assemble } from "./assemble.ts";
import type { At } from "./at.ts";
import { readAppContainer } from "./container-app-container.ts";
import { type AppSecrets, readAppSecrets, readAppVolume } from "./container-app-secrets.ts";
import { findSidecar } from "./find-sidecar.ts";
import { ANOTHER_CONTAINER, type ReadContainer, type ReadEdge, Reading } from "./reading.ts";
import { nameOf, type ServiceReader } from "./service-reader.ts";

/** What Azure takes where the app is silent. Source: Azure Container Apps REST API. */
const DEFAULTS = { graceSeconds: 30, minReplicas: 0, maxReplicas: 10, concurrency: 10, requestTimeoutSeconds: 240 };

/** A container app: the ARM resource, or the inputs of Pulumi's `azure-native:app:ContainerApp`, which lack `properties`. */
export const readContainerApp: ServiceReader = (at, options) => {
  const reading = new Reading();
  const body = at.get("properties").given ? at.get("properties") : at;
  const nameAt = at.either("name", "containerAppName");
  const name = nameOf(nameAt, nameAt.text(), options.fallbackName);
  const [configuration, template] = [body.get("configuration"), body.get("template")];
  const grace = template.get("terminationGracePeriodSeconds");
  const graceSeconds = reading.number("", grace, DEFAULTS.graceSeconds, ["CHIO-GRACE", "CHIO-DRAIN"]);
  const secrets = readAppSecrets(configuration.get("secrets"));
  const read = (list: At, runsFirst: boolean) =>
    reading.list(list, ANOTHER_CONTAINER).map((one) => readAppContainer(reading, one, { secrets, graceSeconds, grace, runsFirst }));
  const containers = [...read(template.get("initContainers"), true), ...read(template.get("containers"), false)];
  const found = findSidecar(reading, containers, options.sidecar, `${options.origin}: ${name}`);
  if (found === null)
    return {
      kind: "unguarded",
      name,
      platform: "aca",
      at,
      containers: containers.filter((one) => !one.runsFirst).map(({ container }) => container.name),
    };
  reportInlineSecrets(reading, found, secrets);
  reportDapr(reading, configuration.get("dapr"), found);
  const gate = startGate(reading, containers, found);
  const settings = readSettings(reading, at, body, secrets, found);
  askAboutPlatform(reading, at, containers);
  const graph = assemble(reading, {
    platform: "aca",
    name,
    nameAt,
    at,
    containers,
    containersAt: template.get("containers"),
    sidecar: found,
    edges: edges(containers, found, gate),
    edgesAt: template,
    startGate: gate,
    volumes: template
      .get("volumes")
      .items()
      .map((one) => readAppVolume(reading, one, secrets)),
    architecture: "amd64",
    scaling: readScaling(reading, template),
    settings,
    resourceOptions: { workloadProfile: settings.workloadProfile },
    total: null,
    resourcesUnknown: containers.some(({ container, runsFirst }) => !runsFirst && container.resources.cpuMilli === 0),
    ingress: (sidecar, app) => readIngress(reading, configuration.get("ingress"), sidecar, app),
  });
  return { kind: "service", name, at, graph, reading };
};

function readIngress(reading: Reading, at: At, sidecar: Container, app: Container | undefined): Ingress {
  reading.place("ingress", at);
  const target = at.get("targetPort");
  const own = sidecar.ports[0] ?? 9090;
  if (!at.given) reading.ask(["CHIO-INGRESS-TARGET"], at, "the app has no ingress: how requests come to it is not in this document");
  const port = at.given ? reading.number("ingress.port", target, 0, ["CHIO-INGRESS-TARGET"], own) : own;
  const toApp = app?.listens.some((one) => one.port === port) === true && port !== own;
  const mappings = at.get("additionalPortMappings");
  const mapped = reading.list(mappings, ["CHIO-EXTRA-PORT"]);
  for (const [index, one] of mapped.entries()) reading.place(`ingress.additionalPorts[${index}]`, one);
  return {
    container: toApp ? app.name : sidecar.name,
    port,
    exposure: reading.flag("ingress.exposure", at.get("external"), false, ["CHIO-PLAIN-HTTP"]) ? "external" : "internal",
    additionalPorts: mapped.map((one) => one.get("targetPort").number() ?? 0),
    allowInsecure: takesPlain(reading, at),
    requestTimeoutSeconds: DEFAULTS.requestTimeoutSeconds,
  };
}

/** A TCP ingress passes on what comes: nothing ends TLS before the sidecar. */
function takesPlain(reading: Reading, at: At): boolean {
  const [insecure, transport] = [at.get("allowInsecure"), at.get("transport")];
  const tcp = transport.text()?.toLowerCase() === "tcp" && at.get("external").flag() === true;
  if (tcp) reading.place("ingress.allowInsecure", transport);
  return reading.flag("ingress.allowInsecure", insecure, false, ["CHIO-PLAIN-HTTP"]) || tcp;
}

function readScaling(reading: Reading, template: At) {
  const scale = template.get("scale");
  reading.place("scaling", scale);
  const rule = scale
    .get("rules")
    .items()
    .find((one) => one.get("http").given);
  const concurrent = rule?.get("http", "metadata", "concurrentRequests") ?? scale;
  return {
    minReplicas: reading.number("scaling.minReplicas", scale.get("minReplicas"), DEFAULTS.minReplicas, ["CHIO-SCALING"]),
    maxReplicas: reading.number("scaling.maxReplicas", scale.get("maxReplicas"), DEFAULTS.maxReplicas, ["CHIO-SCALING"]),
    concurrency:
      rule === undefined ? DEFAULTS.concurrency : reading.number("scaling.concurrency", concurrent, DEFAULTS.concurrency, ["CHIO-SCALING"]),
  };
}

/** An identity that nobody limits can be had by every container. */
function readSettings(reading: Reading, at: At, body: At, secrets: AppSecrets, sidecar: ReadContainer): AcaSettings {
  const list = body.get("configuration", "identitySettings");
  const names = new Set(sidecar.container.secrets.map(({ name }) => name));
  const identities = [...secrets.values()].filter(({ name }) => names.has(name)).flatMap(({ identity }) => identity ?? []);
  const settings = list.items();
  const lifecycles = identities.map((identity) => {
    const entry = settings.find((one) => sameIdentity(one.get("identity").text(), identity));
    return { at: entry ?? (list.given ? list : body.get("configuration")), value: entry?.get("lifecycle").text() ?? "All" };
  });
  const open = lifecycles.find(({ value }) => value.toLowerCase() !== "none");
  reading.place("settings.identityLifecycle", open?.at ?? list);
  const profile = body.get("workloadProfileName");
  return {
    environmentId: body.either("environmentId", "managedEnvironmentId").text() ?? null,
    location: at.get("location").text() ?? null,
    identityId: identities[0] ?? null,
    identityLifecycle: lifecycle(open?.value),
    workloadIdentityId: null,
    usesWorkloadIdentity: false,
    revisionsMode: body.get("configuration", "activeRevisionsMode").text() === "Multiple" ? "Multiple" : "Single",
    transport: "auto",
    workloadProfile: profile.text() ?? null,
    registries: [],
    maxInactiveRevisions: 0,
  };
}

function lifecycle(text: string | undefined): AcaSettings["identityLifecycle"] {
  return text === undefined ? "None" : text === "Init" || text === "Main" ? text : "All";
}

/** Resource ids are compared without case; `System` is written in any. */
function sameIdentity(a: string | undefined, b: string): boolean {
  return a?.toLowerCase() === b.toLowerCase();
}

/** Dapr's own sidecar calls a port of the replica for every app of the environment that asks it to. */
function reportDapr(reading: Reading, dapr: At, sidecar: ReadContainer): void {
  const [enabled, port] = [dapr.get("enabled"), dapr.get("appPort")];
  const own = sidecar.seenPorts;
  if (!port.given || !reading.flag("", enabled, false, ["CHIO-EXTRA-PORT"], true)) return;
  if (port.number() === undefined) {
    if (port.unresolved) reading.ask(["CHIO-EXTRA-PORT"], port, "which port Dapr calls is known only when it is deployed");
    else reading.wrong(port, `${JSON.stringify(port.value)} is not the number of a port`);
    return;
  }
  if (own.includes(port.number() ?? 0) || enabled.unresolved) return;
  reading.breach(
    "CHIO-EXTRA-PORT",
    port,
    `Dapr calls port ${port.number()} past ${sidecar.container.name}`,
    "set dapr.appPort to the sidecar's port, or dapr.enabled to false",
  );
}

/** The value itself in the document, where a reference to a vault should be. */
function reportInlineSecrets(reading: Reading, sidecar: ReadContainer, secrets: AppSecrets): void {
  for (const { name, target } of sidecar.container.secrets) {
    const secret = secrets.get(name);
    if (secret === undefined) {
      reading.wrong(sidecar.at, `${target.env ?? name} refers to the secret ${name}, which the app does not have`);
    } else if (secret.inline === "literal") {
      const code = target.env === "CHIO_SIGNING_KEY" ? "CHIO-SIGNING-KEY-SCOPE" : "CHIO-SECRET-SCOPE";
      reading.breach(code, secret.at, `the value of ${name} is written in the document`);
    } else if (secret.inline === "deployed") {
      reading.breach("CHIO-SECRET-STORE", secret.at, `the value of ${name} is handed over at deployment; aca takes Azure Key Vault`);
    } else if (
      secret.inline === null &&
      !secret.at.get("keyVaultUrl").unresolved &&
      keyVaultParts(secret.at.get("keyVaultUrl").text() ?? "") === null
    ) {
      reading.wrong(
        secret.at.get("keyVaultUrl"),
        `the URL of ${name} is not one of a secret in Key Vault: https://VAULT.vault.azure.net/secrets/NAME/VERSION`,
      );
    } else if (secret.ref.kind === "azure-key-vault" && secret.at.get("keyVaultUrl").unresolved && target.env === "CHIO_SIGNING_KEY") {
      reading.ask(
        ["CHIO-SIGNING-KEY-FLOATING"],
        secret.at.get("keyVaultUrl"),
        "whether the signing key's URL names a version is known only when it is deployed",
      );
    }
  }
}

/** An init container that leaves `chio` in a volume, and an app that is started by it. Either alone is a gate that does not work. */
function startGate(reading: Reading, containers: readonly ReadContainer[], sidecar: ReadContainer): StartGate {
  const init = containers.find(({ runsFirst, container }) => runsFirst && container.args?.[0] === "install");
  const waiting = containers.find(({ container }) => {
    const [program, verb] = container.entrypoint ?? [];
    return container !== sidecar.container && verb === "wait" && /(^|\/)chio$/.test(program ?? "");
  });
  const program = waiting?.container.entrypoint?.[0] ?? flagValue(init?.container.args ?? [], "--to");
  if (program === undefined) return { kind: "traffic" };
  reading.place("startGate", (waiting ?? init)?.at ?? sidecar.at);
  if (waiting !== undefined)
    reading.ask(
      ["CHIO-START-GATE"],
      waiting.at.get("command"),
      `whether ${program} can run in the image of ${waiting.container.name}, which needs the same libc`,
    );
  return { kind: "wrapper", container: init?.container.name ?? "", program, programLibc: "glibc", appLibc: "glibc" };
}

/** Azure has no start order of its own: requests wait for all containers, whatever their order, and a gate makes the process wait. */
function edges(containers: readonly ReadContainer[], sidecar: ReadContainer, gate: StartGate): ReadEdge[] {
  const edge = (one: ReadContainer, rest: Omit<StartEdge, "container">): ReadEdge => ({
    at: one.at,
    container: one.container.name,
    ...rest,
  });
  return containers.flatMap((one) => {
    if (one === sidecar)
      return containers
        .filter((first) => first.runsFirst && (gate.kind !== "wrapper" || first.container.name !== gate.container))
        .map((first) => edge(one, { dependsOn: first.container.name, condition: "succeeded" }));
    return one.runsFirst ? [] : [edge(one, { dependsOn: sidecar.container.name, condition: "healthy" })];
  });
}

function askAboutPlatform(reading: Reading, at: At, containers: readonly ReadContainer[]): void {
  for (const one of containers) {
    reading.ask(["CHIO-ROOT-USER"], one.at, `which user ${one.container.name} runs as: Azure has no field for it, the image's USER holds`);
    reading.ask(
      ["CHIO-WRITABLE-ROOT"],
      one.at,
      `what ${one.container.name} can write: Azure has no read-only root; look at the image's file owners`,
    );
  }
  reading.ask(["CHIO-ARCHITECTURE"], at, "the images' architecture; Azure runs amd64");
}
