import { ContainerApp } from "@pulumi/azure-native/app/containerApp.js";
import { getClientConfigOutput } from "@pulumi/azure-native/authorization/getClientConfig.js";
import { ManagementLockByScope } from "@pulumi/azure-native/authorization/managementLockByScope.js";
import * as pulumi from "@pulumi/pulumi";
import { checkLater, checkNow, report } from "../pulumi/check.ts";
import { Deferral } from "../pulumi/deferral.ts";
import { dashed, shortName } from "../pulumi/names.ts";
import { given } from "../pulumi/values.ts";
import { type PostureReport, TopologyInputError } from "../topology/index.ts";
import type { ChioContainerAppArgs } from "./args.ts";
import { argumentIssues, doubts, modelIssues } from "./checks.ts";
import { appDocument, appParts } from "./configuration.ts";
import { CONSUMPTION, environmentOf, newEnvironment } from "./environment.ts";
import { type GrantContext, grantAccess, grantPulls, grantSecrets, ungranted } from "./grants.ts";
import { type IdentityContext, platformIdentity, workloadIdentity } from "./identities.ts";
import { type Fallbacks, modelArgs, type PlainArgs, topologyProps } from "./props.ts";
import { ResourceFinder } from "./resource-ids.ts";

/**
 * A container app behind the chio sidecar: the app, its identities, one role assignment per secret and place, and its environment unless there
 * is one. Everything is checked before a resource is declared; what is known only during the update is checked before the app is changed.
 *
 * Throws `TopologyInputError` (arguments that cannot be read) or `TopologyError` (every finding at once).
 */
export class ChioContainerApp extends pulumi.ComponentResource {
  readonly app: ContainerApp;
  /** Host name of the ingress. */
  readonly fqdn: pulumi.Output<string>;
  /** `https://` and the host name. */
  readonly url: pulumi.Output<string>;
  /** Resource id of the identity that reads the vault and pulls images. */
  readonly identity: pulumi.Output<string>;
  /** Resource id of the identity that the containers can use. Empty where nothing needs one. */
  readonly workloadIdentity: pulumi.Output<string>;
  /** Resource id of the environment. */
  readonly environment: pulumi.Output<string>;
  /** Id that queries name the logs' workspace by. Empty for an environment that existed. */
  readonly logs: pulumi.Output<string>;
  /** Name of the latest ready revision: what a rollback names. */
  readonly revision: pulumi.Output<string>;
  /** What holds each invariant, and what is left. */
  readonly posture: pulumi.Output<PostureReport>;

  constructor(name: string, args: ChioContainerAppArgs, options?: pulumi.ComponentResourceOptions) {
    super("chio-kit:azure:ContainerApp", name, {}, options);
    const issues = argumentIssues(args);
    if (issues.length > 0) throw new TopologyInputError(issues);
    const deferral = new Deferral();
    const plain: PlainArgs = deferral.collect(modelArgs(args));
    const fallbacks: Fallbacks = {
      name: shortName(dashed(name), 32) || "app",
      workloadProfile: newEnvironment(args.environment) === null ? null : CONSUMPTION,
    };
    const { topology: graph, findings } = checkNow("aca", topologyProps(plain, fallbacks), deferral.pending);
    const more = modelIssues(plain, graph);
    if (more.length > 0) throw new TopologyInputError(more);
    const document = appDocument(graph);
    const checked = checkLater("aca", deferral, plain, (real) => topologyProps(real, fallbacks), modelIssues);
    this.posture = report(this, graph, findings, checked);
    for (const doubt of doubts(graph, args)) void pulumi.log.warn(doubt, this);
    for (const place of ungranted(graph))
      void pulumi.log.warn(`${place} needs credentials that no role of Azure gives; put them into secrets.env`, this);

    const child: pulumi.CustomResourceOptions = { parent: this };
    const appName = args.name ?? graph.name;
    const identities: IdentityContext = { stem: name, appName, args, options: child };
    const identity = platformIdentity(identities);
    const workload = workloadIdentity(identities, graph.settings.usesWorkloadIdentity, identity);
    const subscription = getClientConfigOutput({ parent: this }).subscriptionId;
    const context: GrantContext = {
      stem: name,
      graph,
      deferral,
      finder: new ResourceFinder(args.resourceIds ?? [], args.resourceGroupName, subscription),
      options: child,
    };
    const grants = [
      ...grantSecrets(context, identity),
      ...grantPulls(context, identity),
      ...grantAccess(context, workload, args.receipts?.receiptRole),
    ];
    const environment = environmentOf(name, appName, args, child);
    const { workloadProfile } = graph.settings;
    const protect = args.deletionProtection ?? true;
    // A revision whose identity cannot read a secret is refused: the grants come first.
    this.app = new ContainerApp(
      name,
      {
        containerAppName: appName,
        resourceGroupName: args.resourceGroupName,
        environmentId: environment.id,
        ...given({ location: args.location, tags: args.tags }),
        ...(workloadProfile === null ? {} : { workloadProfileName: workloadProfile }),
        ...appParts({ graph, document, deferral, args, identity, workload, checked }),
      },
      { ...child, dependsOn: grants, protect },
    );
    if (protect) {
      const lock = { scope: this.app.id, level: "CanNotDelete", lockName: "chio", notes: "deletionProtection of the chio sidecar's app" };
      new ManagementLockByScope(name, lock, { ...child, protect });
    }
    this.fqdn = this.app.configuration.apply((one) => one?.ingress?.fqdn ?? "");
    this.url = pulumi.interpolate`https://${this.fqdn}`;
    this.identity = identity.id;
    this.workloadIdentity = workload?.id ?? pulumi.output("");
    this.environment = environment.id;
    this.logs = environment.logs ?? pulumi.output("");
    this.revision = this.app.latestReadyRevisionName;
    this.registerOutputs({
      app: this.app,
      fqdn: this.fqdn,
      url: this.url,
      identity: this.identity,
      workloadIdentity: this.workloadIdentity,
      environment: this.environment,
      logs: this.logs,
      revision: this.revision,
      posture: this.posture,
    });
  }
}
