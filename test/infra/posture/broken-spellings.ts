import { APP, aca, type BrokenDocument, containers, ecs, environment, properties, run, SIDECAR, stack } from "./broken-documents.ts";
import type { Loose } from "./documents.ts";

const SEED = "00".repeat(32);
const TASK = "Resources.Task.Properties";
const template = (document: Loose) => properties(document).template;
const secretOf = (one: Loose) => environment(one.secrets, "CHIO_SIGNING_KEY");
const command = (what: string, words: readonly string[], code = "CHIO-PROBE-PATH", ...also: string[]) =>
  ecs(
    code,
    `a health command that ${what}`,
    "containerDefinitions[0].healthCheck",
    ({ sidecar }) => (sidecar.healthCheck.command = ["CMD", ...words]),
    ...also,
  );

/** The same faults, and the way in past the same rules, as others write them: defaults, ranges, second names for one thing, maps for lists. */
export const OTHER_SPELLINGS: readonly BrokenDocument[] = [
  run("CHIO-EXTRA-PORT", "a port of the app, its number left to the default", `${APP}.ports`, ({ app }) => (app.ports = [{ name: "h2c" }])),
  run("CHIO-DOCUMENT-VALUE", "variables as a map", `${APP}.env`, ({ app }) => (app.env = { CHIO_SIGNING_KEY: SEED })),
  run("CHIO-SECRET-SCOPE", "the kernel's secret in a second volume", `${APP}.volumeMounts`, ({ app, document }) => {
    const { volumes } = document.spec.template.spec;
    volumes.push({ ...structuredClone(environment(volumes, "chio-kernel-config")), name: "again" });
    app.volumeMounts = [{ name: "again", mountPath: "/kernel" }];
  }),
  run("CHIO-SECRET-SCOPE", "the kernel's secret in a variable", `${APP}.env[2]`, ({ app }) =>
    app.env.push({ name: "RULES", valueFrom: { secretKeyRef: { name: "chio-kernel-config", key: "1" } } }),
  ),
  run("CHIO-PROBE-PATH", "another host's answer", `${SIDECAR}.startupProbe.httpGet.host`, ({ sidecar }) => {
    sidecar.startupProbe.httpGet.host = "status.example.com";
  }),
  run(
    "CHIO-FAIL-OPEN",
    "a deployment without health checks",
    'spec.template.metadata.annotations["run.googleapis.com/health-check-disabled"]',
    ({ document }) => (document.spec.template.metadata.annotations["run.googleapis.com/health-check-disabled"] = "true"),
  ),
  aca("CHIO-DOCUMENT-VALUE", "a second readiness probe", "resources[0].properties.template.containers[0].probes[3]", ({ sidecar }) =>
    sidecar.probes.push({ type: "readiness", httpGet: { path: "/", port: 8080 } }),
  ),
  ecs("CHIO-CAPABILITIES", "privileged", "containerDefinitions[1].privileged", ({ app }) => (app.privileged = "true")),
  ecs("CHIO-DOCUMENT-VALUE", "the host's network", "networkMode", ({ document }) => (document.networkMode = "host")),
  ecs("CHIO-SHARED-PROCESSES", "the host's processes", "pidMode", ({ document }) => (document.pidMode = "host")),
  ecs(
    "CHIO-EXTRA-PORT",
    "a range of ports",
    "containerDefinitions[1].portMappings[0]",
    ({ app }) => (app.portMappings = [{ containerPortRange: "8080-8090" }]),
  ),
  ecs(
    "CHIO-DOCUMENT-VALUE",
    "a mapping without a port",
    "containerDefinitions[1].portMappings[0]",
    ({ app }) => (app.portMappings = [{ protocol: "tcp" }]),
  ),
  ecs("CHIO-DOCUMENT-VALUE", "a health command as text", "containerDefinitions[0].healthCheck.command", ({ sidecar }) => {
    sidecar.healthCheck.command = "CMD-SHELL exit 0";
  }),
  ecs("CHIO-DOCUMENT-VALUE", "a health check of nothing", "containerDefinitions[0].healthCheck", ({ sidecar }) => {
    sidecar.healthCheck = {};
  }),
  command("asks the app", ["/usr/bin/curl", "-fsS", "http://localhost:8080/healthz"]),
  command("asks liveness", ["/usr/bin/curl", "-fsS", "http://localhost:9090/chio/live"]),
  command("asks nothing", ["/usr/local/bin/chio", "--version"]),
  command("takes 503 for an answer", ["/usr/bin/curl", "-sS", "http://localhost:9090/chio/health?exclude=sinks"], "CHIO-HEALTH-COMMAND"),
  ecs(
    "CHIO-START-CONDITION",
    "a wait for the end of the sidecar",
    "containerDefinitions[1].dependsOn[0]",
    ({ app }) => {
      app.dependsOn[0].condition = "COMPLETE";
    },
    "CHIO-START-ORDER",
  ),
  ecs("CHIO-TASK-ROLE", "the execution role as task role", "taskRoleArn", ({ document }) => {
    document.taskRoleArn = document.executionRoleArn;
  }),
  ecs("CHIO-SECRET-SCOPE", "the file system in a second volume", "containerDefinitions[1].mountPoints", ({ app, document }) => {
    document.volumes.push({ ...structuredClone(document.volumes[0]), name: "again" });
    app.mountPoints = [{ sourceVolume: "again", containerPath: "/kernel" }];
  }),
  ecs("CHIO-SIGNING-KEY-SCOPE", "the key by its whole ARN", "containerDefinitions[1].secrets[0]", ({ app, sidecar }) => {
    app.secrets = [{ name: "SEED", valueFrom: `${secretOf(sidecar).valueFrom}-AbCdEf` }];
  }),
  ecs("CHIO-DOCUMENT-VALUE", "secrets as a map", "containerDefinitions[1].secrets", ({ app, sidecar }) => {
    app.secrets = { SEED: secretOf(sidecar).valueFrom };
  }),
  aca(
    "CHIO-SIGNING-KEY-SCOPE",
    "the key's URL in other letters",
    "resources[0].properties.template.containers[1].env[2]",
    ({ app, document }) => {
      const { secrets } = properties(document).configuration;
      const { keyVaultUrl, ...rest } = environment(secrets, "chio-signing-key");
      secrets.push({ ...rest, name: "seed", keyVaultUrl: `${keyVaultUrl.replace(/[/][0-9a-f]{32}$/, "").replace("team", "TEAM")}/` });
      app.env.push({ name: "SEED", secretRef: "seed" });
    },
  ),
  aca("CHIO-PLAIN-HTTP", "TCP from outside", "resources[0].properties.configuration.ingress.transport", ({ document }) =>
    Object.assign(properties(document).configuration.ingress, { external: true, transport: "Tcp" }),
  ),
  aca(
    "CHIO-SIGNING-KEY-SCOPE",
    "a variable that a function adds",
    "resources[0].properties.template.containers[1].env[2]",
    ({ app, document }) => {
      document.variables = { ...document.variables, common: app.env };
      app.env = "[concat(variables('common'), createArray(createObject('name', 'SEED', 'secretRef', 'chio-signing-key')))]";
    },
  ),
  aca(
    "CHIO-SECRET-SCOPE",
    "the share in a second volume",
    "resources[0].properties.template.containers[1].volumeMounts",
    ({ app, sidecar, document }) => {
      const share = { storageType: "AzureFile", storageName: "chio" };
      template(document).volumes.push({ ...share, name: "one" }, { ...share, name: "other" });
      sidecar.volumeMounts.push({ volumeName: "one", mountPath: "/data" });
      app.volumeMounts = [...(app.volumeMounts ?? []), { volumeName: "other", mountPath: "/data" }];
    },
  ),
  stack("CHIO-EXEC", "ECS Exec in a word of YAML 1.1", "Resources.Service.Properties.EnableExecuteCommand", (all) => {
    all.Service.Properties.EnableExecuteCommand = "yes";
  }),
  stack(
    "CHIO-INGRESS-SOURCE",
    "an open port, beside a group of elsewhere",
    "Resources.TaskGroup.Properties.SecurityGroupIngress[1]",
    (all) => {
      all.Service.Properties.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups.push({ "Fn::ImportValue": "more" });
      all.TaskGroup.Properties.SecurityGroupIngress.push({ IpProtocol: "tcp", FromPort: 9090, ToPort: 9090, CidrIp: "0.0.0.0/0" });
    },
  ),
  stack("CHIO-PROBE-PATH", "the app's port asked by the load balancer", "Resources.Targets.Properties.HealthCheckPort", (all) => {
    all.Targets.Properties.HealthCheckPort = "8080";
  }),
  stack("CHIO-PLAIN-HTTP", "a second target group with a plain listener", "Resources.Plain.Properties.Protocol", (all) => {
    secondTarget(all);
    all.Plain = structuredClone(all.Listener);
    Object.assign(all.Plain.Properties, {
      Port: 80,
      Protocol: "HTTP",
      DefaultActions: [{ Type: "forward", TargetGroupArn: { Ref: "More" } }],
    });
  }),
  stack("CHIO-PROBE-PATH", "a second target group that asks elsewhere", "Resources.More.Properties.HealthCheckPath", (all) => {
    secondTarget(all);
    all.More.Properties.HealthCheckPath = "/healthz";
  }),
  stack(
    "CHIO-INGRESS-TARGET",
    "the app as target, beside one that is not known",
    "Resources.Service.Properties.LoadBalancers[1]",
    (all) => {
      const [first] = all.Service.Properties.LoadBalancers;
      first.ContainerName = { "Fn::ImportValue": "front" };
      all.Service.Properties.LoadBalancers.push({ ...first, ContainerName: "app", ContainerPort: 9090 });
    },
  ),
  stack("CHIO-TASK-ROLE", "by the role's name", "Resources.Extra.Properties.PolicyDocument.Statement[0]", (all) => {
    all.TaskRole.Properties.RoleName = "tools";
    all.Extra = {
      Type: "AWS::IAM::Policy",
      Properties: { Roles: ["tools"], PolicyDocument: { Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] } },
    };
  }),
  stack("CHIO-TASK-ROLE", "policies that only the deployment knows", "Resources.TaskRole.Properties.Policies", (all) => {
    all.TaskRole.Properties.Policies = { "Fn::ImportValue": "policies" };
  }),
  stack("CHIO-TASK-ROLE", "a policy as JSON in a text", "Resources.TaskRole.Properties.Policies[0].PolicyDocument.Statement", (all) => {
    const Statement = { Effect: "Allow", Action: "secretsmanager:*", Resource: "*" };
    all.TaskRole.Properties.Policies[0].PolicyDocument = JSON.stringify({ Statement });
  }),
  stack(
    "CHIO-TASK-ROLE",
    "a parameter that goes by its name",
    "Resources.TaskRole.Properties.Policies[0].PolicyDocument.Statement[1]",
    (all) => {
      containers(all)[1].Secrets[0].ValueFrom = "/chio/key";
      all.TaskRole.Properties.Policies[0].PolicyDocument.Statement.push({
        Effect: "Allow",
        Action: "ssm:GetParameter*",
        Resource: "arn:aws:ssm:eu-west-1:123456789012:parameter/chio/*",
      });
    },
  ),
  stack("CHIO-SIGNING-KEY-SCOPE", "a dynamic reference of the app's, by name", `${TASK}.ContainerDefinitions[0].Environment[1]`, (all) => {
    containers(all)[0].Environment.push({ Name: "SEED", Value: "{{resolve:secretsmanager:chio/signing-key:SecretString:seed}}" });
  }),
  stack("CHIO-SIGNING-KEY-SCOPE", "the key's ARN, written out", `${TASK}.ContainerDefinitions[0].Secrets[0]`, (all) => {
    containers(all)[0].Secrets = [{ Name: "SEED", ValueFrom: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:chio/signing-key" }];
  }),
];

function secondTarget(all: Loose): void {
  all.More = structuredClone(all.Targets);
  all.Service.Properties.LoadBalancers.push({ ...all.Service.Properties.LoadBalancers[0], TargetGroupArn: { Ref: "More" } });
}
