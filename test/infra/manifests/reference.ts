/** Fields and values of the project's reference manifests, as the documentation states them. */

const sidecarArgs = [
  "api",
  "protect",
  "--upstream",
  "http://127.0.0.1:8080",
  "--spec",
  "/etc/chio/spec/openapi.yaml",
  "--listen",
  "0.0.0.0:9090",
];
const http = (path: string, port: number) => ({ httpGet: { path, port } });

export const CLOUD_RUN = {
  apiVersion: "serving.knative.dev/v1",
  kind: "Service",
  metadata: { name: "agent-tool-server", annotations: { "run.googleapis.com/launch-stage": "GA" } },
  spec: {
    template: {
      metadata: {
        annotations: {
          "autoscaling.knative.dev/minScale": "1",
          "autoscaling.knative.dev/maxScale": "100",
          "run.googleapis.com/container-dependencies": '{"app":["chio-sidecar"]}',
          "run.googleapis.com/execution-environment": "gen2",
        },
      },
      spec: {
        serviceAccountName: "chio-sidecar@PROJECT_ID.iam.gserviceaccount.com",
        containerConcurrency: 80,
        timeoutSeconds: 300,
        containers: [
          {
            name: "app",
            image: "APP_IMAGE_PLACEHOLDER",
            env: [
              { name: "CHIO_SIDECAR_URL", value: "http://localhost:9090" },
              { name: "CHIO_SIDECAR_HEALTH_URL", value: "http://localhost:9090/chio/health" },
            ],
            resources: { limits: { cpu: "1", memory: "512Mi" } },
            startupProbe: { ...http("/healthz", 8080), initialDelaySeconds: 2, periodSeconds: 2, failureThreshold: 30 },
            livenessProbe: { ...http("/healthz", 8080), periodSeconds: 10, failureThreshold: 3 },
          },
          {
            name: "chio-sidecar",
            image: "ghcr.io/backbay-labs/chio-sidecar:latest",
            ports: [{ containerPort: 9090 }],
            args: sidecarArgs,
            env: [
              { name: "CHIO_LISTEN_ADDR", value: "0.0.0.0:9090" },
              { name: "CHIO_HEALTH_PATH", value: "/chio/health" },
              { name: "CHIO_KERNEL_CONFIG_PATH", value: "/etc/chio/kernel/kernel.yaml" },
              { name: "CHIO_POLICY_SOURCE", value: "gs://PROJECT_ID-chio-config/policy.yaml" },
              { name: "CHIO_RECEIPT_SINK", value: "bigquery://PROJECT_ID.chio.receipts" },
              { name: "CHIO_LOG_LEVEL", value: "info" },
              {
                name: "CHIO_CAPABILITY_AUTHORITY_URL",
                valueFrom: { secretKeyRef: { name: "chio-capability-authority-url", key: "latest" } },
              },
              { name: "CHIO_SIGNING_KEY", valueFrom: { secretKeyRef: { name: "chio-signing-key", key: "latest" } } },
            ],
            volumeMounts: [
              { name: "chio-kernel-config", mountPath: "/etc/chio/kernel" },
              { name: "chio-openapi-spec", mountPath: "/etc/chio/spec" },
            ],
            resources: { limits: { cpu: "500m", memory: "128Mi" } },
            startupProbe: { ...http("/chio/health", 9090), initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 30 },
            livenessProbe: { ...http("/chio/health", 9090), periodSeconds: 10, failureThreshold: 3 },
          },
        ],
        volumes: [
          { name: "chio-kernel-config", secret: { secretName: "chio-kernel-config", items: [{ key: "latest", path: "kernel.yaml" }] } },
          { name: "chio-openapi-spec", secret: { secretName: "chio-openapi-spec", items: [{ key: "latest", path: "openapi.yaml" }] } },
        ],
      },
    },
  },
};

const restartPolicy = { enabled: true, ignoredExitCodes: [], restartAttemptPeriod: 60 };
const awslogs = (prefix: string) => ({
  logDriver: "awslogs",
  options: {
    "awslogs-group": "/ecs/agent-tool-server",
    "awslogs-region": "us-east-1",
    "awslogs-stream-prefix": prefix,
    "awslogs-create-group": "true",
  },
});

export const ECS = {
  family: "agent-tool-server",
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "512",
  memory: "1024",
  executionRoleArn: "arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
  taskRoleArn: "arn:aws:iam::111122223333:role/chio-sidecar-task-role",
  runtimePlatform: { cpuArchitecture: "X86_64", operatingSystemFamily: "LINUX" },
  containerDefinitions: [
    {
      name: "app",
      image: "APP_IMAGE_PLACEHOLDER",
      essential: true,
      cpu: 384,
      memory: 896,
      portMappings: [{ containerPort: 8080, hostPort: 8080, protocol: "tcp" }],
      environment: [{ name: "CHIO_SIDECAR_URL", value: "http://localhost:9090" }],
      dependsOn: [{ containerName: "chio-sidecar", condition: "HEALTHY" }],
      restartPolicy,
      logConfiguration: awslogs("app"),
    },
    {
      name: "chio-sidecar",
      image: "ghcr.io/backbay-labs/chio-sidecar:latest",
      essential: true,
      cpu: 128,
      memory: 128,
      portMappings: [{ containerPort: 9090, hostPort: 9090, protocol: "tcp" }],
      command: sidecarArgs,
      environment: [
        { name: "CHIO_LISTEN_ADDR", value: "0.0.0.0:9090" },
        { name: "CHIO_HEALTH_PATH", value: "/chio/health" },
        { name: "CHIO_KERNEL_CONFIG_PATH", value: "/etc/chio/kernel.yaml" },
        { name: "CHIO_POLICY_SOURCE", value: "s3://ACCOUNT_ID-chio-config/policy.yaml" },
        { name: "CHIO_RECEIPT_SINK", value: "dynamodb://chio-receipts" },
        { name: "CHIO_LOG_LEVEL", value: "info" },
      ],
      secrets: [
        { name: "CHIO_SIGNING_KEY", valueFrom: "arn:aws:secretsmanager:us-east-1:111122223333:secret:chio/signing-key" },
        {
          name: "CHIO_CAPABILITY_AUTHORITY_URL",
          valueFrom: "arn:aws:secretsmanager:us-east-1:111122223333:secret:chio/capability-authority-url",
        },
      ],
      mountPoints: [{ sourceVolume: "chio-config", containerPath: "/etc/chio", readOnly: true }],
      healthCheck: {
        command: ["CMD", "/usr/bin/curl", "-fsS", "http://localhost:9090/chio/health"],
        interval: 10,
        timeout: 5,
        retries: 3,
        startPeriod: 15,
      },
      restartPolicy,
      logConfiguration: awslogs("chio-sidecar"),
      readonlyRootFilesystem: true,
      user: "65532:65532",
    },
  ],
  volumes: [
    {
      name: "chio-config",
      efsVolumeConfiguration: {
        fileSystemId: "fs-0123456789abcdef0",
        rootDirectory: "/chio-config",
        transitEncryption: "ENABLED",
        authorizationConfig: { iam: "ENABLED" },
      },
    },
  ],
};

const identity = "[parameters('userAssignedIdentityId')]";

export const ACA = {
  type: "Microsoft.App/containerApps",
  apiVersion: "2024-03-01",
  name: "[parameters('containerAppName')]",
  location: "[parameters('location')]",
  identity: { type: "UserAssigned", userAssignedIdentities: { "[format('{0}', parameters('userAssignedIdentityId'))]": {} } },
  properties: {
    managedEnvironmentId: "[parameters('managedEnvironmentId')]",
    configuration: {
      activeRevisionsMode: "Single",
      ingress: { external: true, targetPort: 9090, transport: "auto", allowInsecure: false },
      secrets: [
        { name: "chio-signing-key", keyVaultUrl: "[parameters('chioSigningKeySecretUri')]", identity },
        { name: "chio-capability-authority-url", keyVaultUrl: "[parameters('chioCapabilityAuthoritySecretUri')]", identity },
      ],
    },
    template: {
      containers: [
        {
          name: "app",
          image: "[parameters('appImage')]",
          resources: { cpu: 0.75, memory: "1.5Gi" },
          env: [{ name: "CHIO_SIDECAR_URL", value: "http://localhost:9090" }],
          probes: [
            { type: "Startup", ...http("/healthz", 8080), initialDelaySeconds: 2, periodSeconds: 2, failureThreshold: 30 },
            { type: "Liveness", ...http("/healthz", 8080), periodSeconds: 10, failureThreshold: 3 },
          ],
        },
        {
          name: "chio-sidecar",
          image: "[parameters('chioSidecarImage')]",
          args: ["api", "protect", "--upstream", "http://127.0.0.1:8080", "--listen", "0.0.0.0:9090"],
          resources: { cpu: 0.25, memory: "0.5Gi" },
          env: [
            { name: "CHIO_LOG_LEVEL", value: "info" },
            { name: "CHIO_SIGNING_KEY", secretRef: "chio-signing-key" },
            { name: "CHIO_CAPABILITY_AUTHORITY_URL", secretRef: "chio-capability-authority-url" },
          ],
          probes: [
            { type: "Startup", ...http("/chio/health", 9090), initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 30 },
            { type: "Liveness", ...http("/chio/health", 9090), periodSeconds: 10, failureThreshold: 3 },
            { type: "Readiness", ...http("/chio/health", 9090), periodSeconds: 5, failureThreshold: 3 },
          ],
        },
      ],
      scale: { minReplicas: 1, maxReplicas: 20, rules: [{ name: "http-scale", http: { metadata: { concurrentRequests: "50" } } }] },
    },
  },
};

/** Sections of the unit; `Environment` by variable. */
export const SYSTEMD = {
  Unit: { Description: "Chio sidecar HTTP service", After: "network-online.target", Wants: "network-online.target" },
  Service: {
    Type: "simple",
    User: "chio",
    Group: "chio",
    ExecStart: "/usr/local/bin/chio mcp serve-http --policy /etc/chio/policy.yaml --server-id my-tool --listen 0.0.0.0:9090",
    Environment: { CHIO_KERNEL_CONFIG_PATH: "/etc/chio/kernel.yaml", CHIO_LOG_LEVEL: "info" },
    EnvironmentFile: "/run/secrets/chio.env",
    Restart: "on-failure",
    RestartSec: "2s",
    TimeoutStopSec: "30s",
    NoNewPrivileges: "true",
    ProtectSystem: "strict",
    ProtectHome: "true",
    PrivateTmp: "true",
    ReadWritePaths: "/var/lib/chio",
  },
  Install: { WantedBy: "multi-user.target" },
};
