import { APP_IMAGE, container, KEY_ARN, type Loose, SIDECAR_IMAGE } from "../fixtures.ts";
import { app, appSecret, type Break, type Breaks, keyRef, sidecar } from "./break.ts";

/** Rules about secrets, identities and hardening. */
export const SECRETS: Breaks = {
  "CHIO-SIGNING-KEY-MISSING": (["ecs", "cloud-run", "aca", "local"] as const).map((platform) => ({
    what: "no key",
    platform,
    props: { secrets: {} },
  })),
  "CHIO-SIGNING-KEY-SCOPE": [
    { what: "reference on the app", platform: "ecs", change: appSecret(keyRef, "KEY") },
    { what: "one field of it on the app", platform: "ecs", change: appSecret({ ...keyRef, field: "seed" }, "KEY") },
    {
      what: "by the variable's name",
      platform: "ecs",
      change: appSecret({ ...keyRef, arn: "arn:aws:secretsmanager:us-east-1:123456789012:secret:other" }, "CHIO_SIGNING_KEY"),
    },
    {
      what: "plain value on the app",
      platform: "cloud-run",
      props: { app: { image: APP_IMAGE, env: { CHIO_SIGNING_KEY: "00".repeat(32) } } },
    },
    {
      what: "plain value on the sidecar",
      platform: "aca",
      props: { sidecar: { image: SIDECAR_IMAGE, env: { CHIO_SIGNING_KEY: "00".repeat(32) } } },
    },
    { what: "by the value of a variable", platform: "ecs", props: { app: { image: APP_IMAGE, env: { WHERE: `aws:${KEY_ARN}` } } } },
    {
      what: "in a volume of the app",
      platform: "cloud-run",
      change: (graph) => {
        const ref = container(graph, "sidecar").secrets.find((one: Loose) => one.purpose === "signing-key").ref;
        graph.volumes.push({ kind: "secret", name: "stolen", files: [{ secretName: "stolen", ref, path: "key" }] });
        container(graph, "app").mounts.push({ volume: "stolen", path: "/stolen", readOnly: true });
      },
    },
  ],
  "CHIO-SECRET-SCOPE": [
    {
      what: "authority on the app",
      platform: "ecs",
      change: appSecret({ ...keyRef, arn: "arn:aws:secretsmanager:us-east-1:123456789012:secret:chio/capability-authority-url" }, "WHERE"),
    },
    {
      what: "control token as a plain value",
      platform: "aca",
      props: { sidecar: { image: SIDECAR_IMAGE, env: { CHIO_SIDECAR_CONTROL_TOKEN: "0123456789abcdef" } } },
    },
    {
      what: "authority as a plain value of the app",
      platform: "cloud-run",
      props: { app: { image: APP_IMAGE, env: { CHIO_CAPABILITY_AUTHORITY_URL: "https://authority.internal" } } },
    },
    {
      what: "the sidecar's state mounted by the app",
      platform: "ecs",
      change: app((one) => one.mounts.push({ volume: "chio-state", path: "/state", readOnly: true })),
    },
    {
      what: "kernel.yaml mounted by the app",
      platform: "cloud-run",
      change: app((one) => one.mounts.push({ volume: "chio-kernel-config", path: "/kernel", readOnly: true })),
    },
    {
      what: "kernel.yaml in a second volume of the app",
      platform: "cloud-run",
      change: (graph) => {
        const { files } = graph.volumes.find((one: Loose) => one.name === "chio-kernel-config");
        graph.volumes.push({ kind: "secret", name: "again", files: [{ ...files[0], secretName: "again" }] });
        container(graph, "app").mounts.push({ volume: "again", path: "/kernel", readOnly: true });
      },
    },
    {
      what: "the sidecar's file system in a second volume of the app",
      platform: "ecs",
      change: (graph) => {
        const efs = graph.volumes.find((one: Loose) => one.kind === "efs");
        graph.volumes.push({ ...efs, name: "again" });
        container(graph, "app").mounts.push({ volume: "again", path: "/kernel", readOnly: true });
      },
    },
  ],
  "CHIO-SIGNING-KEY-VERSION": [
    { what: "latest", platform: "cloud-run", props: { secrets: { signingKey: "secrets/chio-signing-key/versions/latest" } } },
  ],
  "CHIO-SIGNING-KEY-FLOATING": [
    { what: "no version", platform: "aca", props: { secrets: { signingKey: "https://team.vault.azure.net/secrets/chio-signing-key" } } },
  ],
  "CHIO-SECRET-STORE": [
    { what: "an ARN on Cloud Run", platform: "cloud-run", props: { secrets: { signingKey: KEY_ARN } } },
    { what: "a file on Azure", platform: "aca", props: { secrets: { signingKey: "env:SEED" } } },
    {
      what: "a vault on ECS",
      platform: "ecs",
      props: { secrets: { signingKey: "https://team.vault.azure.net/secrets/chio-signing-key" } },
    },
    { what: "a cloud secret locally", platform: "local", props: { secrets: { signingKey: KEY_ARN } } },
    {
      what: "a secret file on ECS",
      platform: "ecs",
      change: sidecar(
        (one) =>
          (one.secrets.find((secret: Loose) => secret.purpose === "signing-key").target = {
            kind: "file",
            path: "/run/secrets/key",
            env: null,
          }),
      ),
    },
  ],
  "CHIO-SECRET-NAMES": [
    {
      what: "names that differ in punctuation",
      platform: "aca",
      props: {
        app: {
          image: APP_IMAGE,
          secrets: { DB_KEY: "https://team.vault.azure.net/secrets/one", DB__KEY: "https://team.vault.azure.net/secrets/two" },
        },
      },
    },
  ],
  "CHIO-VARIABLE-TWICE": [
    {
      what: "plain and secret",
      platform: "ecs",
      props: { app: { image: APP_IMAGE, env: { TOKEN: "x" }, secrets: { TOKEN: "arn:aws:ssm:us-east-1:123456789012:parameter/token" } } },
    },
  ],
  "CHIO-SECRET-VOLUME": [
    { what: "no list", platform: "aca", change: (graph) => graph.volumes.push({ kind: "secret", name: "all", files: null }) },
    { what: "empty list", platform: "aca", change: (graph) => graph.volumes.push({ kind: "secret", name: "all", files: [] }) },
  ],
  "CHIO-TASK-ROLE": [
    {
      what: "the very secret",
      platform: "ecs",
      props: {
        ecs: { taskRoleStatements: [{ effect: "Allow", actions: ["secretsmanager:GetSecretValue"], resources: [`${KEY_ARN}-a1B2c3`] }] },
      },
    },
    {
      what: "wildcards",
      platform: "ecs",
      props: {
        ecs: {
          taskRoleStatements: [
            { effect: "Allow", actions: ["secretsmanager:*"], resources: ["arn:aws:secretsmanager:*:*:secret:chio/signing*"] },
          ],
        },
      },
    },
    {
      what: "everything but for one denied action",
      platform: "ecs",
      props: {
        ecs: {
          taskRoleStatements: [
            { effect: "Allow", actions: ["*"], resources: [KEY_ARN] },
            { effect: "Deny", actions: ["secretsmanager:GetSecretValue"], resources: ["*"] },
          ],
        },
      },
    },
  ],
  "CHIO-IDENTITY-EXPOSED": (["All", "Main", "Init"] as const).map((identityLifecycle) => ({
    what: identityLifecycle,
    platform: "aca",
    props: { aca: { identityLifecycle } },
  })),
  "CHIO-SHARED-PROCESSES": [{ what: "pidMode task", platform: "ecs", props: { ecs: { pidMode: "task" } } }],
  "CHIO-WRITABLE-ROOT": [
    { what: "sidecar", platform: "ecs", props: { sidecar: { image: SIDECAR_IMAGE, readOnlyRoot: false } } },
    { what: "app", platform: "ecs", props: { app: { image: APP_IMAGE, readOnlyRoot: false } } },
    { what: "sidecar", platform: "local", props: { sidecar: { image: SIDECAR_IMAGE, readOnlyRoot: false } } },
  ],
  "CHIO-ROOT-USER": [
    ...(["0", "0:0", "0:65532", "00", "root", "nonroot", "65532:0", "65532:root", "-1"] as const).map(
      (user): Break => ({ what: user, platform: "ecs", props: { sidecar: { image: SIDECAR_IMAGE, user } } }),
    ),
    { what: "the app as root", platform: "local", props: { app: { image: APP_IMAGE, user: "0:0" } } },
    { what: "told to", platform: "cloud-run", props: { sidecar: { image: SIDECAR_IMAGE, env: { CHIO_ALLOW_ROOT: "true" } } } },
    { what: "no user", platform: "ecs", change: sidecar((one) => (one.user = null)) },
  ],
  "CHIO-IMAGE-USER": [{ what: "left to the image", platform: "ecs", props: { app: { image: APP_IMAGE, user: "image" } } }],
  "CHIO-CAPABILITIES": [
    { what: "kept", platform: "ecs", change: sidecar((one) => (one.capabilities.drop = [])) },
    { what: "one dropped", platform: "local", change: app((one) => (one.capabilities.drop = ["NET_RAW"])) },
    { what: "added", platform: "ecs", change: app((one) => (one.capabilities.add = ["SYS_PTRACE"])) },
  ],
  "CHIO-EXEC": [{ what: "on", platform: "ecs", props: { ecs: { enableExecuteCommand: true } } }],
  "CHIO-STORE-PLACE": [
    {
      what: "on the read-only root",
      platform: "ecs",
      props: { receipts: { sink: "dynamodb://chio-receipts", store: "/data/receipts.sqlite" } },
    },
    {
      what: "read-only mount",
      platform: "aca",
      change: sidecar((one) => (one.mounts.find((mount: Loose) => mount.volume === "chio-state").readOnly = true)),
    },
    {
      what: "a volume that belongs to root",
      platform: "ecs",
      change: (graph) => {
        graph.receipts.store = "/data/receipts.sqlite";
        container(graph, "sidecar").mounts.find((mount: Loose) => mount.volume === "chio-state").path = "/data";
      },
    },
  ],
};
