import { createHash } from "node:crypto";
import { Service, type ServiceArgs } from "@pulumi/gcp/cloudrunv2/service.js";
import { Account } from "@pulumi/gcp/serviceaccount/account.js";
import * as pulumi from "@pulumi/pulumi";
import { Deferral } from "../pulumi/deferral.ts";
import {
  assertValid,
  type CheckedTopology,
  defineTopology,
  drainBudget,
  type Finding,
  formatFindings,
  formatPosture,
  type InputIssue,
  type PostureReport,
  posture,
  type TopologyFor,
  TopologyInputError,
  type TopologyProps,
  validate,
} from "../topology/index.ts";
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
    const fallback = dnsLabel(name) || "service";
    const { topology: graph, findings } = checkNow(topologyProps(plain, fallback, deferral), deferral.pending);
    const template = revisionTemplate(graph);
    const checked = deferral.pending ? deferral.checkLater(plain, (real) => checkReal(topologyProps(real, fallback, null), real)) : null;
    this.#report(graph, findings, args);

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
    // What was accepted of a late value lowers the posture as well.
    this.posture = checked === null ? pulumi.output(posture(graph, "cloud-run")) : checked.apply((late) => late.posture as PostureReport);
    checked?.apply((late) => this.#warn(late.findings, findings));
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

  #report(graph: Graph, findings: CheckedTopology<"cloud-run">["findings"], args: ChioCloudRunServiceArgs): void {
    const say = (promise: Promise<void>) => void promise;
    say(pulumi.log.info(`${formatPosture(readable(posture(graph, "cloud-run")))}\n${drainBudget(graph, "cloud-run").text}`, this));
    this.#warn(findings, []);
    const open = (args.invokers ?? []).filter((one) => typeof one === "string" && isPublic(one));
    if (open.length > 0)
      say(pulumi.log.warn(`${graph.name} is public (${open.join(", ")}): only capabilities stand between it and anybody`, this));
    for (const place of ungranted(graph))
      say(pulumi.log.warn(`${place} needs credentials that no grant of Google Cloud gives; put them into secrets.env`, this));
  }

  /** What was said already is not said twice. */
  #warn(findings: readonly Finding[], said: readonly Finding[]): void {
    const before = new Set(said.map((one) => `${one.code} ${one.path}`));
    const news = findings.filter((one) => !before.has(`${one.code} ${one.path}`));
    if (news.length > 0) void pulumi.log.warn(formatFindings(news), this);
  }
}

type ServiceTemplate = Exclude<ServiceArgs["template"], PromiseLike<unknown> | pulumi.OutputInstance<unknown>>;

/** With values still to come, an acceptance may be for one of them: only the later check can miss it. */
function checkNow(props: TopologyProps, pending: boolean): CheckedTopology<"cloud-run"> {
  const topology = defineTopology(props);
  if (!pending || props.accept === undefined) return assertValid(topology, "cloud-run");
  const found = new Set(validate(topology, "cloud-run").map((one) => one.code));
  return assertValid(defineTopology({ ...props, accept: props.accept.filter((one) => found.has(one.code)) }), "cloud-run");
}

interface LateCheck {
  readonly posture: PostureReport;
  readonly findings: readonly Finding[];
}

function checkReal(props: TopologyProps, args: PlainArgs): LateCheck {
  const issues = trafficIssues(args.traffic as ChioCloudRunServiceArgs["traffic"]);
  if (issues.length > 0) throw new TopologyInputError(issues);
  const { topology, findings } = assertValid(defineTopology(props), "cloud-run");
  return { posture: posture(topology, "cloud-run"), findings };
}

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
  if (args === null || typeof args !== "object")
    return [{ path: "", message: "the arguments are missing: new ChioCloudRunService(name, { … })" }];
  const issues: InputIssue[] = Object.keys(args)
    .filter((key) => !Object.hasOwn(KNOWN, key))
    .map((key) => ({ path: key, message: `unknown property; known are ${Object.keys(KNOWN).join(", ")}` }));
  for (const key of ["region", "mode", "sidecar", "secrets"] as const)
    if (args[key] === undefined || args[key] === null) issues.push({ path: key, message: "is required" });
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

/** At most 30 characters: a longer name is cut and gets a hash, so that two long names stay two. */
export function accountId(service: string): string {
  const full = `${dnsLabel(service).replace(/^[^a-z]+/, "") || "service"}-chio`;
  if (full.length <= 30) return full;
  return `${full.slice(0, 21).replace(/-+$/, "")}-${createHash("sha256").update(service).digest("hex").slice(0, 8)}`;
}

function dnsLabel(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 49)
    .replace(/-+$/, "");
}

/** For people: a value that is not known yet is named by its argument. */
function readable<T>(report: T): T {
  return JSON.parse(JSON.stringify(report).replace(/\$\{deferred:([^}]*)\}/g, "<$1>")) as T;
}

/** Leaves out what was not given. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
