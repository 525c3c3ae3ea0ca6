import { type Cloud, FAULTLESS, fixture, type Loose } from "./documents.ts";

export interface BrokenDocument {
  readonly code: string;
  readonly what: string;
  readonly text: string;
  readonly change: (document: Loose) => void;
  /** Where the finding must point. */
  readonly path: string;
  /** Found beside it, because the same fault is two. */
  readonly also?: readonly string[];
}

const on = (platform: Cloud, containers: (document: Loose) => Loose[]) => {
  return (
    code: string,
    what: string,
    path: string,
    change: (one: { app: Loose; sidecar: Loose; document: Loose }) => void,
    ...also: string[]
  ) => ({
    code,
    what: `${platform}: ${what}`,
    path,
    also,
    text: FAULTLESS[platform],
    change: (document: Loose) => {
      const list = containers(document);
      const named = (name: string) => list.find((one) => one.name === name);
      change({ app: named("app"), sidecar: named("chio-sidecar"), document });
    },
  });
};
export const run = on("cloud-run", (document) => document.spec.template.spec.containers);
export const ecs = on("ecs", (document) => document.containerDefinitions);
export const aca = on("aca", (document) => document.resources[0].properties.template.containers);
export const stack = (code: string, what: string, path: string, change: (resources: Loose) => void, ...also: string[]): BrokenDocument => ({
  code,
  what: `cloudformation: ${what}`,
  path,
  also,
  text: fixture("stack.cloudformation.yaml"),
  change: (document) => change(document.Resources),
});

export const SIDECAR = "spec.template.spec.containers[0]";
export const APP = "spec.template.spec.containers[1]";
export const properties = (document: Loose) => document.resources[0].properties;
export const environment = (list: Loose[], name: string) => list.find((one) => one.name === name || one.Name === name);
export const containers = (resources: Loose) => resources.Task.Properties.ContainerDefinitions;
const sub = (text: string) => ({ "Fn::Sub": text.replaceAll("<", "${").replaceAll(">", "}") });
export const key = (one: Loose) => environment(one.env, "CHIO_SIGNING_KEY");

/** Each fault alone, in a document that has no other: the twenty traps, and what only foreign documents can have. */
export const BROKEN: readonly BrokenDocument[] = [
  run("CHIO-SIDECAR-COMMAND", "no arguments", `${SIDECAR}.args`, ({ sidecar }) => delete sidecar.args),
  run("CHIO-SIDECAR-COMMAND", "another entrypoint", `${SIDECAR}.command`, ({ sidecar }) => (sidecar.command = ["/usr/local/bin/chio"])),
  run("CHIO-START-DEADLOCK", "no spec", `${SIDECAR}.args`, ({ sidecar }) => sidecar.args.splice(sidecar.args.indexOf("--spec"), 2)),
  run(
    "CHIO-START-ORDER",
    "no annotation",
    APP,
    ({ document }) => delete document.spec.template.metadata.annotations["run.googleapis.com/container-dependencies"],
  ),
  run("CHIO-SIGNING-KEY-SCOPE", "a plain value on the app", `${APP}.env[2]`, ({ app }) =>
    app.env.push({ name: "CHIO_SIGNING_KEY", value: "00".repeat(32) }),
  ),
  run("CHIO-SIGNING-KEY-SCOPE", "a plain value on the sidecar", `${SIDECAR}.env[10]`, ({ sidecar }) => {
    const one = key(sidecar);
    delete one.valueFrom;
    one.value = "00".repeat(32);
  }),
  run("CHIO-SIGNING-KEY-SCOPE", "the reference on the app", `${APP}.env[2]`, ({ app, sidecar }) =>
    app.env.push({ ...key(sidecar), name: "SEED" }),
  ),
  run(
    "CHIO-SECRET-SCOPE",
    "the kernel's files mounted by the app",
    `${APP}.volumeMounts`,
    ({ app }) => (app.volumeMounts = [{ name: "chio-kernel-config", mountPath: "/kernel" }]),
  ),
  run("CHIO-EXTRA-PORT", "a port of the app", `${APP}.ports`, ({ app }) => (app.ports = [{ containerPort: 8080 }])),
  run(
    "CHIO-INGRESS-TARGET",
    "the app's port in place of the sidecar's",
    `${SIDECAR}.ports`,
    ({ app, sidecar }) => {
      app.ports = sidecar.ports;
      app.ports[0].containerPort = 8080;
      delete sidecar.ports;
    },
    "CHIO-EXTRA-PORT",
    "CHIO-PROBE-PATH",
  ),
  run("CHIO-UPSTREAM", "another machine", `${SIDECAR}.args[3]`, ({ sidecar }) => (sidecar.args[3] = "http://10.0.0.7:8080")),
  run("CHIO-UPSTREAM", "the sidecar's own port", `${SIDECAR}.args[3]`, ({ sidecar }) => (sidecar.args[3] = "http://127.0.0.1:9090")),
  run("CHIO-IMAGE-UNPINNED", "latest", `${SIDECAR}.image`, ({ sidecar }) => (sidecar.image = "ghcr.io/backbay-labs/chio-sidecar:latest")),
  run(
    "CHIO-DRAIN",
    "25 s of 10",
    `${SIDECAR}.env[8]`,
    ({ sidecar }) => (environment(sidecar.env, "CHIO_SHUTDOWN_DRAIN_MS").value = "25000"),
  ),
  run("CHIO-DRAIN", "25 s by flag", `${SIDECAR}.env[8]`, ({ sidecar }) => sidecar.args.push("--shutdown-drain-ms", "25000")),
  run("CHIO-PROBE-WINDOW", "241 s", `${SIDECAR}.startupProbe`, ({ sidecar }) => (sidecar.startupProbe.failureThreshold = 241)),
  run("CHIO-PROBE-TIMEOUT", "timeout over period", `${APP}.livenessProbe`, ({ app }) => (app.livenessProbe.timeoutSeconds = 11)),
  run("CHIO-PROBE-PORT", "no port on the app's probe", `${APP}.livenessProbe`, ({ app }) => delete app.livenessProbe.httpGet.port),
  run("CHIO-PROBE-RANGE", "a command as probe", `${APP}.startupProbe`, ({ app }) => {
    delete app.startupProbe.httpGet;
    app.startupProbe.exec = { command: ["/probe"] };
  }),
  run("CHIO-PROBE-MISSING", "no startup probe", `${SIDECAR}.startupProbe`, ({ sidecar }) => delete sidecar.startupProbe),
  run("CHIO-RESOURCES", "1.5 cores", `${APP}.resources.limits`, ({ app }) => (app.resources.limits.cpu = "1500m")),
  run("CHIO-SIGNING-KEY-VERSION", "latest", `${SIDECAR}.env[10]`, ({ sidecar }) => (key(sidecar).valueFrom.secretKeyRef.key = "latest")),
  run("CHIO-CONTAINER-NAMES", "an underscore", `${APP}.name`, ({ app, document }) => {
    app.name = "my_app";
    document.spec.template.metadata.annotations["run.googleapis.com/container-dependencies"] = '{"my_app":["chio-sidecar"]}';
  }),
  run("CHIO-RECEIPTS-LOST", "the local store alone", `${SIDECAR}.env[4]`, ({ sidecar }) => {
    environment(sidecar.env, "CHIO_RECEIPT_SINK").value = "sqlite";
    environment(sidecar.env, "CHIO_RECEIPT_ACKNOWLEDGE").value = "ledger";
  }),
  run("CHIO-ROOT-USER", "told to run as root", `${SIDECAR}.env[11]`, ({ sidecar }) =>
    sidecar.env.push({ name: "CHIO_ALLOW_ROOT", value: "true" }),
  ),
  run("CHIO-PLATFORM-FIELD", "a security context", `${APP}.securityContext`, ({ app }) => (app.securityContext = { runAsUser: 1000 })),
  run(
    "CHIO-CONFIG-DELIVERY",
    "a file that the secret volume lacks",
    `${SIDECAR}.args[5]`,
    ({ sidecar }) => (sidecar.args[5] = "/etc/chio/spec/swagger.yaml"),
  ),
  run(
    "CHIO-DOCUMENT-VALUE",
    "a start order that is no JSON",
    'spec.template.metadata.annotations["run.googleapis.com/container-dependencies"]',
    ({ document }) => (document.spec.template.metadata.annotations["run.googleapis.com/container-dependencies"] = "app: sidecar"),
    "CHIO-START-ORDER",
  ),
  run(
    "CHIO-DOCUMENT-VALUE",
    "a sink that nobody knows",
    `${SIDECAR}.env[4]`,
    ({ sidecar }) => (environment(sidecar.env, "CHIO_RECEIPT_SINK").value = "kafka://receipts"),
  ),
  run("CHIO-CPU-IDLE", "throttled, with a flush in the background", "spec.template.spec.containers", ({ document, sidecar }) => {
    document.spec.template.metadata.annotations["run.googleapis.com/cpu-throttling"] = "true";
    environment(sidecar.env, "CHIO_RECEIPT_ACKNOWLEDGE").value = "ledger";
  }),
  ecs(
    "CHIO-EXTRA-PORT",
    "a mapping of the app",
    "containerDefinitions[1].portMappings[0]",
    ({ app }) => (app.portMappings = [{ containerPort: 8080 }]),
  ),
  ecs("CHIO-ROOT-USER", "uid 0", "containerDefinitions[0].user", ({ sidecar }) => (sidecar.user = "0")),
  ecs("CHIO-ROOT-USER", "a name", "containerDefinitions[1].user", ({ app }) => (app.user = "node")),
  ecs(
    "CHIO-WRITABLE-ROOT",
    "not said",
    "containerDefinitions[0].readonlyRootFilesystem",
    ({ sidecar }) => delete sidecar.readonlyRootFilesystem,
  ),
  ecs("CHIO-START-ORDER", "only started", "containerDefinitions[1]", ({ app }) => (app.dependsOn[0].condition = "START")),
  ecs(
    "CHIO-HEALTH-COMMAND",
    "a shell",
    "containerDefinitions[0].healthCheck",
    ({ sidecar }) => (sidecar.healthCheck.command = ["CMD-SHELL", "curl -f 'http://localhost:9090/chio/health?exclude=sinks' || exit 1"]),
  ),
  ecs(
    "CHIO-PROBE-SINKS",
    "readiness as health command",
    "containerDefinitions[0].healthCheck",
    ({ sidecar }) => (sidecar.healthCheck.command = ["CMD", "/usr/local/bin/chio", "health"]),
  ),
  ecs(
    "CHIO-EFS",
    "no transit encryption",
    "volumes[0].efsVolumeConfiguration",
    ({ document }) => (document.volumes[0].efsVolumeConfiguration.transitEncryption = "DISABLED"),
  ),
  ecs("CHIO-RESOURCES", "a pair Fargate has not", "cpu", ({ document }) => (document.memory = "1100")),
  ecs("CHIO-SHARED-PROCESSES", "pidMode", "pidMode", ({ document }) => (document.pidMode = "task")),
  ecs("CHIO-FAIL-OPEN", "not essential", "containerDefinitions[0].essential", ({ sidecar }) => (sidecar.essential = false)),
  ecs("CHIO-GRACE", "5 s", "containerDefinitions[0].stopTimeout", ({ sidecar }) => {
    sidecar.stopTimeout = 5;
    environment(sidecar.environment, "CHIO_SHUTDOWN_DRAIN_MS").value = "3000";
  }),
  ecs(
    "CHIO-SECRET-STORE",
    "a vault's URL",
    "containerDefinitions[0].secrets[1]",
    ({ sidecar }) => (environment(sidecar.secrets, "CHIO_SIGNING_KEY").valueFrom = "https://team.vault.azure.net/secrets/key"),
  ),
  aca(
    "CHIO-EXTRA-PORT",
    "a mapping",
    "resources[0].properties.configuration.ingress.additionalPortMappings[0]",
    ({ document }) => (properties(document).configuration.ingress.additionalPortMappings = [{ external: false, targetPort: 8080 }]),
  ),
  aca(
    "CHIO-INGRESS-TARGET",
    "the app's port",
    "resources[0].properties.configuration.ingress",
    ({ document }) => (properties(document).configuration.ingress.targetPort = 8080),
  ),
  aca(
    "CHIO-PLAIN-HTTP",
    "allowInsecure",
    "resources[0].properties.configuration.ingress.allowInsecure",
    ({ document }) => (properties(document).configuration.ingress.allowInsecure = true),
  ),
  aca("CHIO-SECRET-VOLUME", "no list", "resources[0].properties.template.volumes[2]", ({ document }) =>
    properties(document).template.volumes.push({ name: "all", storageType: "Secret" }),
  ),
  aca(
    "CHIO-IDENTITY-EXPOSED",
    "no identity settings",
    "resources[0].properties.configuration",
    ({ document }) => delete properties(document).configuration.identitySettings,
  ),
  aca("CHIO-SIGNING-KEY-SCOPE", "the value in the template", "resources[0].properties.configuration.secrets[1]", ({ document }) => {
    const secret = environment(properties(document).configuration.secrets, "chio-signing-key");
    delete secret.keyVaultUrl;
    secret.value = "00".repeat(32);
  }),
  aca("CHIO-SECRET-STORE", "the value as a parameter", "resources[0].properties.configuration.secrets[1]", ({ document }) => {
    const secret = environment(properties(document).configuration.secrets, "chio-signing-key");
    delete secret.keyVaultUrl;
    secret.value = "[parameters('signingKey')]";
  }),
  aca(
    "CHIO-DOCUMENT-VALUE",
    "a reference to no secret",
    "resources[0].properties.template.containers[0]",
    ({ sidecar }) => (key(sidecar).secretRef = "signing-key"),
  ),
  aca("CHIO-RESOURCES", "a sum Azure has not", "resources[0].properties.template.containers", ({ app }) => (app.resources.memory = "2Gi")),
  aca(
    "CHIO-PROBE-MISSING",
    "no readiness",
    "resources[0].properties.template.containers[0].probes",
    ({ sidecar }) => (sidecar.probes = sidecar.probes.filter((one: Loose) => one.type !== "Readiness")),
  ),
  stack(
    "CHIO-EXEC",
    "ECS Exec",
    "Resources.Service.Properties.EnableExecuteCommand",
    (all) => (all.Service.Properties.EnableExecuteCommand = true),
  ),
  stack(
    "CHIO-FAIL-OPEN",
    "no circuit breaker",
    "Resources.Service.Properties.DeploymentConfiguration.DeploymentCircuitBreaker",
    (all) => delete all.Service.Properties.DeploymentConfiguration,
  ),
  stack(
    "CHIO-HEALTH-GRACE",
    "no grace",
    "Resources.Service.Properties.HealthCheckGracePeriodSeconds",
    (all) => delete all.Service.Properties.HealthCheckGracePeriodSeconds,
  ),
  stack(
    "CHIO-DEREGISTRATION",
    "10 s",
    "Resources.Targets.Properties.TargetGroupAttributes[0].Value",
    (all) => (all.Targets.Properties.TargetGroupAttributes[0].Value = "10"),
  ),
  stack(
    "CHIO-PROBE-PATH",
    "the load balancer asks /",
    "Resources.Targets.Properties.HealthCheckPath",
    (all) => delete all.Targets.Properties.HealthCheckPath,
  ),
  stack(
    "CHIO-PROBE-SINKS",
    "the load balancer asks readiness",
    "Resources.Targets.Properties.HealthCheckPath",
    (all) => (all.Targets.Properties.HealthCheckPath = "/chio/health"),
  ),
  stack(
    "CHIO-INGRESS-TARGET",
    "the app as target",
    "Resources.Service.Properties.LoadBalancers[0]",
    (all) => Object.assign(all.Service.Properties.LoadBalancers[0], { ContainerName: "app", ContainerPort: 8080 }),
    "CHIO-INGRESS-SOURCE",
  ),
  stack("CHIO-INGRESS-SOURCE", "everybody", "Resources.TaskGroup.Properties.SecurityGroupIngress[1]", (all) =>
    all.TaskGroup.Properties.SecurityGroupIngress.push({ IpProtocol: "tcp", FromPort: 9090, ToPort: 9090, CidrIp: "0.0.0.0/0" }),
  ),
  stack(
    "CHIO-INGRESS-SOURCE",
    "every port, by a rule of its own",
    "Resources.Open.Properties",
    (all) =>
      (all.Open = {
        Type: "AWS::EC2::SecurityGroupIngress",
        Properties: {
          GroupId: { "Fn::GetAtt": ["TaskGroup", "GroupId"] },
          IpProtocol: "-1",
          SourceSecurityGroupId: { Ref: "BalancerGroup" },
        },
      }),
  ),
  stack("CHIO-PLAIN-HTTP", "no certificate", "Resources.Listener.Properties.Protocol", (all) =>
    Object.assign(all.Listener.Properties, { Port: 80, Protocol: "HTTP" }),
  ),
  stack("CHIO-SCALING", "more at least than at most", "Resources.Scaling.Properties", (all) => (all.Scaling.Properties.MinCapacity = 9)),
  stack("CHIO-TASK-ROLE", "the secret by reference", "Resources.TaskRole.Properties.Policies[0].PolicyDocument.Statement[1]", (all) =>
    all.TaskRole.Properties.Policies[0].PolicyDocument.Statement.push({
      Effect: "Allow",
      Action: "secretsmanager:GetSecretValue",
      Resource: { Ref: "SigningKey" },
    }),
  ),
  stack(
    "CHIO-TASK-ROLE",
    "the secret by pattern, in a policy of its own",
    "Resources.Extra.Properties.PolicyDocument.Statement",
    (all) =>
      (all.Extra = {
        Type: "AWS::IAM::Policy",
        Properties: {
          Roles: [{ Ref: "TaskRole" }],
          PolicyDocument: {
            Statement: {
              Effect: "Allow",
              Action: ["secretsmanager:*"],
              Resource: sub("arn:aws:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:chio/*"),
            },
          },
        },
      }),
  ),
  stack(
    "CHIO-TASK-ROLE",
    "a policy of AWS",
    "Resources.TaskRole.Properties.ManagedPolicyArns[0]",
    (all) => (all.TaskRole.Properties.ManagedPolicyArns = ["arn:aws:iam::aws:policy/SecretsManagerReadWrite"]),
  ),
  stack(
    "CHIO-SIGNING-KEY-SCOPE",
    "a dynamic reference in a plain variable",
    "Resources.Task.Properties.ContainerDefinitions[1].Environment[3]",
    (all) => {
      const sidecar = containers(all)[1];
      sidecar.Secrets = [];
      sidecar.Environment.push({ Name: "CHIO_SIGNING_KEY", Value: "{{resolve:secretsmanager:chio/signing-key}}" });
    },
  ),
  stack(
    "CHIO-IMAGE-UNPINNED",
    "a tag from a parameter",
    "Resources.Task.Properties.ContainerDefinitions[1].Image",
    (all) => (containers(all)[1].Image = sub("registry.example.com/chio-sidecar:<Debug>")),
  ),
  stack("CHIO-INGRESS-TARGET", "a second target past the sidecar", "Resources.Service.Properties.LoadBalancers[1]", (all) =>
    all.Service.Properties.LoadBalancers.push({
      ContainerName: "app",
      ContainerPort: 9090,
      TargetGroupArn: "arn:aws:elasticloadbalancing:x",
    }),
  ),
  ecs(
    "CHIO-SECRET-SCOPE",
    "all that the sidecar mounts",
    "containerDefinitions[1].volumesFrom",
    ({ app }) => (app.volumesFrom = [{ sourceContainer: "chio-sidecar", readOnly: true }]),
  ),
  aca(
    "CHIO-EXTRA-PORT",
    "Dapr past the sidecar",
    "resources[0].properties.configuration.dapr.appPort",
    ({ document }) => (properties(document).configuration.dapr = { enabled: true, appId: "tools", appPort: 8080 }),
  ),
];
