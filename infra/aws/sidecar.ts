import type { ContainerDefinition, ITaskDefinitionExtension, TaskDefinition } from "aws-cdk-lib/aws-ecs";
import { Construct } from "constructs";
import { assertValid, type Finding, type PostureReport, validate } from "../topology/index.ts";
import { awsLogs, cdk, ecs } from "./cdk.ts";
import { checkSidecarProps } from "./check-props.ts";
import { checkAtSynth, currentPosture, type LateCheck } from "./checks.ts";
import { addContainers } from "./containers.ts";
import { AwsPropsError } from "./errors.ts";
import { grantSidecarAccess } from "./grants.ts";
import { defined, type Model, model } from "./model.ts";
import type { ChioProps } from "./props.ts";
import { roleStatements } from "./role-statements.ts";
import { graphOfTask, rolesOf } from "./task-graph.ts";

export interface ChioSidecarProps extends ChioProps {
  /** The container that the sidecar protects, as the task definition names it. Not in mode `mcpServeHttp`. */
  readonly app?: {
    /** @default app */
    readonly containerName?: string;
    /** @default 8080 */
    readonly port?: number;
    /** Address that it binds. What is stated here is what is checked. @default 127.0.0.1 */
    readonly bind?: string;
  };
}

/**
 * Puts the sidecar into a task definition that exists: `taskDefinition.addExtension(new ChioSidecar(props))`, before or after `addContainer`.
 * The other containers wait for it. What they must be themselves (user, read-only root, pinned image, no port, no secret of the sidecar) is
 * checked at synthesis, and all findings come at once. Load balancer and security group stay yours: send traffic to the sidecar's port alone.
 */
export class ChioSidecar implements ITaskDefinitionExtension {
  readonly #props: ChioSidecarProps;
  #container: ContainerDefinition | undefined;
  #check: LateCheck | undefined;

  /** Throws `TopologyInputError` with everything that TypeScript would have refused. */
  constructor(props: ChioSidecarProps) {
    checkSidecarProps(props);
    this.#props = props;
  }

  /** The sidecar's container, the task definition's default. Throws before `addExtension`. */
  get container(): ContainerDefinition {
    if (this.#container === undefined) throw notExtended();
    return this.#container;
  }

  /** What holds each invariant, by whom, and what is left, as the task definition stands now. */
  get posture(): PostureReport {
    if (this.#check === undefined) throw notExtended();
    return currentPosture(this.#check);
  }

  /** Called by `addExtension`. Throws `TopologyError` when the sidecar itself could not be run so. */
  extend(taskDefinition: TaskDefinition): void {
    if (this.#container !== undefined) {
      throw new AwsPropsError("extended_twice", "ChioSidecar: one object extends one task definition", "make another one");
    }
    if (!taskDefinition.isFargateCompatible || taskDefinition.networkMode !== ecs.NetworkMode.AWS_VPC) {
      throw new AwsPropsError(
        "not_fargate",
        `${taskDefinition.node.path}: ChioSidecar needs a Fargate task definition, where all containers share loopback`,
        "use FargateTaskDefinition",
      );
    }
    const scope = new Construct(taskDefinition, "Chio");
    const built = plan(taskDefinition, this.#props);
    const accept = this.#props.accept ?? [];
    // The app is judged at synthesis, when it is there; an acceptance that is meant for it waits until then.
    const early = validate(built.graph, "ecs");
    const now = accept.filter((one) => early.some((found) => concerns(one, found)));
    const { topology: graph } = assertValid(built.graph, "ecs", now);

    const retention = graph.settings.logs.retentionDays;
    const key = defined({ encryptionKey: this.#props.logs?.encryptionKey });
    const sidecarLog = new awsLogs.LogGroup(scope, "SidecarLogs", { retention, removalPolicy: cdk.RemovalPolicy.RETAIN, ...key });
    const logs = { app: sidecarLog, sidecar: sidecarLog };
    const { sidecar, app } = rolesOf(graph);
    const container = addContainers(scope, taskDefinition, built, logs, (one) => one.role === "sidecar").get(sidecar.name);
    if (container === undefined) throw new Error("the sidecar was not added");
    this.#container = container;
    taskDefinition.defaultContainer = container;
    grantSidecarAccess(scope, taskDefinition.taskRole, built, this.#props.config);
    waitForSidecar(taskDefinition, container, app?.env ?? {});

    const secrets = [...built.secrets.values()];
    this.#check = {
      scope,
      graph: ({ policies }) => {
        const seen = graphOfTask(graph, taskDefinition, app?.name ?? "", secrets);
        return { ...seen, settings: { ...seen.settings, taskRoleStatements: roleStatements(taskDefinition.taskRole, policies, secrets) } };
      },
      acceptances: accept,
      rules: "all",
    };
    checkAtSynth(this.#check);
  }
}

function notExtended(): AwsPropsError {
  return new AwsPropsError("not_extended", "ChioSidecar: no task definition has it yet", "call taskDefinition.addExtension(sidecar) first");
}

function plan(taskDefinition: TaskDefinition, props: ChioSidecarProps): Model {
  const app = { image: "", ...props.app };
  return model({
    name: "task",
    props: { ...props, accept: [] },
    app: props.mode.kind === "api-protect" ? app : undefined,
    appImage: {
      ref: { kind: "provided", reference: "judged at synthesis", pinnedBy: "content-hash" },
      image: () => {
        throw new Error("the app's container is not made here");
      },
    },
    auxiliary: [],
    init: [],
    ecs: {
      family: taskDefinition.family,
      logs: defined({ retentionDays: props.logs?.retention, sidecarMode: props.logs?.sidecarMode }),
    },
    more: {},
  });
}

function concerns(one: { readonly code: string; readonly path?: string }, found: Finding): boolean {
  return one.code === found.code && (one.path === undefined || one.path === found.path);
}

/** Containers that are there, and those that come: an aspect sees them all before they are written out. */
function waitForSidecar(taskDefinition: TaskDefinition, sidecar: ContainerDefinition, env: Readonly<Record<string, string>>): void {
  const waiting = new WeakSet<ContainerDefinition>();
  cdk.Aspects.of(taskDefinition).add({
    visit(node) {
      if (!(node instanceof ecs.ContainerDefinition) || node === sidecar || node.taskDefinition !== taskDefinition || waiting.has(node))
        return;
      waiting.add(node);
      if (!node.essential) return;
      node.addContainerDependencies({ container: sidecar, condition: ecs.ContainerDependencyCondition.HEALTHY });
      for (const [name, value] of Object.entries(env)) node.addEnvironment(name, value);
    },
  });
}
