import { Service, type ServiceArgs } from "@pulumi/gcp/cloudrunv2/service.js";
import { Account } from "@pulumi/gcp/serviceaccount/account.js";
import * as pulumi from "@pulumi/pulumi";
import { argumentNames, checkLater, checkNow, report } from "../pulumi/check.ts";
import { Deferral } from "../pulumi/deferral.ts";
import { dashed, shortName } from "../pulumi/names.ts";
import { given } from "../pulumi/values.ts";
import { type InputIssue, type PostureReport, type TopologyFor, TopologyInputError } from "../topology/index.ts";
import type { ChioCloudRunServiceArgs } from "./args.ts";
import { type GrantContext, grantAccess, grantInvokers, grantSecrets, isMember, isPublic, ungranted } from "./grants.ts";
import { type PlainArgs, topologyProps } from "./props.ts";
import { revisionTemplate } from "./template.ts";
import { revisionName, trafficIssues, trafficTargets } from "./traffic.ts";

type Graph = TopologyFor<"cloud-run">;

const INGRESS = {
  all: "INGRESS_TRAFFIC_ALL",
  internal: "INGRESS_TRAFFIC_INTERNAL_ONLY",
  "internal-and-cloud-load-balancing": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
} as const satisfies Record<Graph["settings"]["ingress"], string>;

/**
 * A Cloud Run service behind the chio sidecar: the service, its own account, one grant per secret and place, and the callers. Everything is
 * checked before a resource is declared; what is known only during the update is checked before the service is changed.
 *
 * Throws `TopologyInputError` (arguments that cannot be read) or `TopologyError` (every finding at once).
 */
export class ChioCloudRunService extends pulumi.ComponentResource {
  readonly service: Service;
  /** E-mail address of the account that the revision runs as. */
  readonly serviceAccount: pulumi.Output<string>;
  /** `https://…run.app` */
  readonly uri: pulumi.Output<string>;
  /** Name of the latest ready revision: what a rollback names. */
  readonly revision: pulumi.Output<string>;
  /** What holds each invariant, and what is left. */
  readonly posture: pulumi.Output<PostureReport>;

  constructor(name: string, args: ChioCloudRunServiceArgs, options?: pulumi.ComponentResourceOptions) {
    super("chio-kit:gcp:CloudRunService", name, {}, options);
    const deferral = new Deferral();
    const issues = argumentIssues(args);
    if (issues.length > 0) throw new TopologyInputError(issues);
    const plain: PlainArgs = deferral.collect(args);
    const fallback = shortName(dashed(name), 49) || "service";
    const { topology: graph, findings } = checkNow("cloud-run", topologyProps(plain, fallback, deferral), deferral.pending);
    const template = revisionTemplate(graph);
    const checked = checkLater(
      "cloud-run",
      deferral,
      plain,
      (real) => topologyProps(real, fallback, null),
      (real) => trafficIssues(real.traffic as ChioCloudRunServiceArgs["traffic"]),
    );
    this.posture = report(this, graph, findings, checked);
    this.#warn(graph, args);

    const child: pulumi.CustomResourceOptions = { parent: this };
    this.serviceAccount = this.#account(name, args, child);
    const context: GrantContext = {
      stem: name,
      graph,
      deferral,
      member: pulumi.interpolate`serviceAccount:${this.serviceAccount}`,
      project: args.project,
      options: child,
    };
    const grants = [...grantSecrets(context), ...grantAccess(context, args.receipts?.receiptRole ?? "roles/bigquery.dataEditor")];
    const serviceName = args.name ?? graph.name;
    const { scaling } = args;
    const environment = `EXECUTION_ENVIRONMENT_${graph.settings.executionEnvironment.toUpperCase()}`;
    const revision = revisionName(serviceName, args.revisionSuffix);
    const { binaryAuthorization } = graph.settings;
    const serviceArgs: ServiceArgs = {
      name: serviceName,
      location: args.region,
      ...given({ project: args.project, customAudiences: args.customAudiences && [...args.customAudiences], labels: args.labels }),
      ingress: INGRESS[graph.settings.ingress],
      launchStage: graph.settings.launchStage,
      deletionProtection: args.deletionProtection ?? true,
      // Callers are let in by IAM and by nothing else.
      invokerIamDisabled: false,
      ...(binaryAuthorization === null ? {} : { binaryAuthorization: admission(deferral, binaryAuthorization) }),
      traffics: trafficTargets(args.traffic),
      template: {
        ...(deferral.restore(template) as ServiceTemplate),
        // Values that were not known are checked before this one is: without it the service is not changed.
        executionEnvironment: checked === null ? environment : checked.apply(() => environment),
        serviceAccount: this.serviceAccount,
        scaling: {
          minInstanceCount: scaling?.minInstances ?? graph.scaling.minReplicas,
          maxInstanceCount: scaling?.maxInstances ?? graph.scaling.maxReplicas,
        },
        maxInstanceRequestConcurrency: scaling?.concurrency ?? graph.scaling.concurrency,
        timeout: pulumi.interpolate`${args.timeoutSeconds ?? graph.ingress.requestTimeoutSeconds}s`,
        ...given({ revision, encryptionKey: args.encryptionKey, sessionAffinity: args.sessionAffinity }),
      },
    };
    // A revision whose account cannot read a secret is refused: the grants come first.
    this.service = new Service(name, serviceArgs, { ...child, dependsOn: grants });
    grantInvokers(context, this.service);
    this.uri = this.service.uri;
    this.revision = this.service.latestReadyRevision;
    this.registerOutputs({
      uri: this.uri,
      service: this.service,
      serviceAccount: this.serviceAccount,
      revision: this.revision,
      posture: this.posture,
    });
  }

  #account(name: string, args: ChioCloudRunServiceArgs, options: pulumi.CustomResourceOptions): pulumi.Output<string> {
    if (args.serviceAccount !== undefined) return pulumi.output(args.serviceAccount);
    const serviceName = typeof args.name === "string" ? args.name : name;
    const account = new Account(
      name,
      {
        accountId: args.serviceAccountId ?? accountId(serviceName),
        displayName: `${serviceName} with its chio sidecar`,
        ...given({ project: args.project }),
      },
      options,
    );
    return account.email;
  }

  #warn(graph: Graph, args: ChioCloudRunServiceArgs): void {
    const say = (text: string) => void pulumi.log.warn(text, this);
    const open = (args.invokers ?? []).filter((one) => typeof one === "string" && isPublic(one));
    if (open.length > 0) say(`${graph.name} is public (${open.join(", ")}): only capabilities stand between it and anybody`);
    for (const place of ungranted(graph)) say(`${place} needs credentials that no grant of Google Cloud gives; put them into secrets.env`);
  }
}

type ServiceTemplate = Exclude<ServiceArgs["template"], PromiseLike<unknown> | pulumi.OutputInstance<unknown>>;

const KNOWN = {
  region: 1,
  project: 1,
  name: 1,
  mode: 1,
  app: 1,
  sidecar: 1,
  auxiliary: 1,
  secrets: 1,
  policySource: 1,
  receipts: 1,
  config: 1,
  exposure: 1,
  ingress: 1,
  invokers: 1,
  scaling: 1,
  timeoutSeconds: 1,
  shutdownDrainMs: 1,
  cpuIdle: 1,
  startupCpuBoost: 1,
  executionEnvironment: 1,
  readinessProbe: 1,
  vpc: 1,
  binaryAuthorization: 1,
  traffic: 1,
  revisionSuffix: 1,
  serviceAccount: 1,
  serviceAccountId: 1,
  deletionProtection: 1,
  encryptionKey: 1,
  sessionAffinity: 1,
  customAudiences: 1,
  labels: 1,
  accept: 1,
} as const satisfies Record<keyof ChioCloudRunServiceArgs, 1>;

/** What the model does not see: names that TypeScript would have refused, and the parts that are Cloud Run's alone. */
function argumentIssues(args: ChioCloudRunServiceArgs): InputIssue[] {
  const issues = argumentNames("ChioCloudRunService", args, KNOWN, ["region", "mode", "sidecar", "secrets"]);
  if (args === null || typeof args !== "object") return issues;
  for (const [index, invoker] of (args.invokers ?? []).entries()) {
    if (typeof invoker === "string" && !isMember(invoker))
      issues.push({
        path: `invokers[${index}]`,
        message: `${JSON.stringify(invoker)} is no IAM member; write serviceAccount:…, group:…, user:… or allUsers`,
      });
  }
  if (args.serviceAccountId !== undefined && !/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(args.serviceAccountId))
    issues.push({ path: "serviceAccountId", message: "must have 6 to 30 lower-case letters, digits and dashes, and begin with a letter" });
  if (args.serviceAccountId !== undefined && args.serviceAccount !== undefined)
    issues.push({ path: "serviceAccountId", message: "names an account to make, and serviceAccount one that exists; give one of them" });
  return [...issues, ...trafficIssues(args.traffic)];
}

function admission(deferral: Deferral, policy: string): NonNullable<ServiceArgs["binaryAuthorization"]> {
  return policy === "default" ? { useDefault: true } : { policy: deferral.restoreText(policy) };
}

/** At most 30 characters. */
export function accountId(service: string): string {
  return shortName(`${dashed(service).replace(/^[^a-z]+/, "") || "service"}-chio`, 30, service);
}
