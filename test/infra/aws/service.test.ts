import type { Stack } from "aws-cdk-lib";
import { Match } from "aws-cdk-lib/assertions";
import { Certificate, type ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import { type IVpc, Vpc } from "aws-cdk-lib/aws-ec2";
import { Cluster, type ICluster } from "aws-cdk-lib/aws-ecs";
import { AccessPoint, FileSystem, type IAccessPoint, type IFileSystem } from "aws-cdk-lib/aws-efs";
import { Bucket, type IBucket } from "aws-cdk-lib/aws-s3";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import { describe, expect, it } from "vitest";
import { ChioFargateService, ChioImage, mcpServeHttp } from "../../../infra/aws/index.ts";
import { containerNamed, goodProps, goodService, type Json, only, templateOf, testApp, testStack } from "./support.ts";

const SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"];

describe("the task", () => {
  const stack = testStack();
  goodService(stack);
  const template = templateOf(stack);
  const sidecar = containerNamed(template, "chio-sidecar");
  const app = containerNamed(template, "app");

  it("starts the app when the sidecar is healthy, by a health command in exec form", () => {
    expect(app.DependsOn).toEqual([{ ContainerName: "chio-sidecar", Condition: "HEALTHY" }]);
    expect(sidecar.HealthCheck).toEqual({
      Command: ["CMD", "/usr/local/bin/chio", "health", "--exclude", "sinks"],
      Interval: 10,
      Timeout: 5,
      Retries: 3,
      StartPeriod: 15,
    });
    expect(sidecar.StartTimeout).toBe(60);
  });

  it("gives the signing key to the sidecar alone, and read on it to the execution role alone", () => {
    expect(sidecar.Secrets).toEqual([{ Name: "CHIO_SIGNING_KEY", ValueFrom: { Ref: "SigningKeyEEFC2790" } }]);
    expect(app.Secrets).toBeUndefined();
    const readers = Object.entries(template.findResources("AWS::IAM::Policy")).filter(([, one]) =>
      JSON.stringify(one).includes("secretsmanager:"),
    );
    expect(readers.map(([id]) => id)).toEqual([expect.stringMatching(/ExecutionRoleDefaultPolicy/)]);
    const reads = (readers[0] as [string, Json])[1].Properties.PolicyDocument.Statement.filter((one: Json) =>
      JSON.stringify(one).includes("secretsmanager:"),
    );
    expect(reads).toEqual([
      {
        Effect: "Allow",
        Action: ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
        Resource: { Ref: "SigningKeyEEFC2790" },
      },
    ]);
  });

  it("has read-only roots, numeric users, no capabilities and a grace in every container", () => {
    for (const one of [sidecar, app]) {
      expect(one.ReadonlyRootFilesystem).toBe(true);
      expect(one.User).toMatch(/^[1-9]\d*:[1-9]\d*$/);
      expect(one.LinuxParameters.Capabilities).toEqual({ Drop: ["ALL"] });
      expect(one.StopTimeout).toBe(30);
      expect(one.Essential).toBe(true);
    }
    expect(app.LinuxParameters.InitProcessEnabled).toBe(true);
    expect(app.LinuxParameters.Tmpfs).toEqual([{ ContainerPath: "/tmp", Size: 64 }]);
  });

  it("announces the sidecar's port alone", () => {
    expect(sidecar.PortMappings).toEqual([{ ContainerPort: 9090, Protocol: "tcp" }]);
    expect(app.PortMappings).toBeUndefined();
  });

  it("lets the task role read one object and put items into one table", () => {
    template.hasResourceProperties("AWS::IAM::Policy", {
      Roles: [{ Ref: Match.stringLikeRegexp("TaskRole") }],
      PolicyDocument: {
        Statement: [
          { Effect: "Allow", Action: "s3:GetObject", Resource: Match.anyValue() },
          { Effect: "Allow", Action: "dynamodb:PutItem", Resource: { "Fn::GetAtt": [Match.stringLikeRegexp("^Receipts"), "Arn"] } },
        ],
      },
    });
  });

  it("logs the sidecar without dropping lines, in a group of its own that outlives the stack", () => {
    expect(sidecar.LogConfiguration.Options.mode).toBe("blocking");
    expect(app.LogConfiguration.Options.mode).toBe("non-blocking");
    expect(sidecar.LogConfiguration.Options["awslogs-group"]).not.toEqual(app.LogConfiguration.Options["awslogs-group"]);
    template.allResources("AWS::Logs::LogGroup", { DeletionPolicy: "Retain", Properties: { RetentionInDays: 90 } });
  });
});

describe("the service", () => {
  const stack = testStack();
  const service = goodService(stack);
  const template = templateOf(stack);

  it("rolls back, keeps all replicas while it deploys, and gives a start its grace", () => {
    const properties = only(template, "AWS::ECS::Service");
    expect(properties.DeploymentConfiguration.DeploymentCircuitBreaker).toEqual({ Enable: true, Rollback: true });
    expect(properties.DeploymentConfiguration.MinimumHealthyPercent).toBe(100);
    expect(properties.HealthCheckGracePeriodSeconds).toBeGreaterThanOrEqual(60);
    expect(properties.EnableExecuteCommand).toBe(false);
    expect(properties.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp).toBe("DISABLED");
    expect(properties.DesiredCount).toBeUndefined();
  });

  it("lets in the load balancer's security group on 9090, and nothing else", () => {
    const rules = Object.values(template.findResources("AWS::EC2::SecurityGroupIngress")) as Json[];
    expect(rules.map(({ Properties: one }) => [one.FromPort, one.ToPort, JSON.stringify(one.SourceSecurityGroupId)])).toEqual([
      [9090, 9090, expect.stringContaining("LoadBalancerSecurityGroup")],
    ]);
    const group = Object.entries(template.findResources("AWS::EC2::SecurityGroup")).find(([id]) => id.startsWith("ToolsSecurityGroup"));
    expect((group as [string, Json])[1].Properties.SecurityGroupIngress).toBeUndefined();
  });

  it("is balanced inside the network, on the sidecar's health", () => {
    template.hasResourceProperties("AWS::ElasticLoadBalancingV2::LoadBalancer", { Scheme: "internal" });
    template.hasResourceProperties("AWS::ElasticLoadBalancingV2::Listener", { Port: 80, Protocol: "HTTP" });
    template.hasResourceProperties("AWS::ElasticLoadBalancingV2::TargetGroup", {
      Port: 9090,
      HealthCheckPath: "/chio/health?exclude=sinks",
      TargetGroupAttributes: Match.arrayWith([{ Key: "deregistration_delay.timeout_seconds", Value: "60" }]),
    });
    template.resourceCountIs("AWS::ElasticLoadBalancingV2::Listener", 1);
  });

  it("scales between one and four replicas on CPU", () => {
    template.hasResourceProperties("AWS::ApplicationAutoScaling::ScalableTarget", { MinCapacity: 1, MaxCapacity: 4 });
    template.resourceCountIs("AWS::ApplicationAutoScaling::ScalingPolicy", 1);
  });

  it("tells its posture, in the construct and in the outputs", () => {
    expect(service.posture.entries.map((one) => one.level)).toEqual([
      "enforced",
      "partial",
      ...Array.from({ length: 8 }, () => "enforced"),
    ]);
    const [output] = Object.values(template.findOutputs("*")) as Json[];
    expect(output.Value).toMatch(/^INV-1=enforced INV-2=partial .* INV-10=enforced$/);
  });

  it("grants a new deployment and the reading of receipts", () => {
    const own = testStack();
    const made = goodService(own);
    const role = made.taskDefinition.obtainExecutionRole();
    made.grantRedeploy(role);
    made.grantReadReceiptLog(role);
    const text = JSON.stringify(templateOf(own).findResources("AWS::IAM::Policy"));
    expect(text).toContain('"ecs:UpdateService","ecs:DescribeServices"');
    expect(text).toContain("logs:FilterLogEvents");
  });
});

describe("choices", () => {
  it("speaks HTTPS, and only HTTPS, with a certificate", () => {
    const stack = testStack();
    const certificate = Certificate.fromCertificateArn(
      stack,
      "Certificate",
      "arn:aws:acm:eu-central-1:111122223333:certificate/0",
    ) as ICertificate;
    goodService(stack, { certificate, exposure: "external" });
    const template = templateOf(stack);
    template.resourceCountIs("AWS::ElasticLoadBalancingV2::Listener", 1);
    template.hasResourceProperties("AWS::ElasticLoadBalancingV2::Listener", { Port: 443, Protocol: "HTTPS", SslPolicy: Match.anyValue() });
    template.hasResourceProperties("AWS::ElasticLoadBalancingV2::LoadBalancer", { Scheme: "internet-facing" });
  });

  it("mounts the configuration from EFS read-only, with TLS, IAM and an access point, and may not write", () => {
    const stack = testStack();
    const props = goodProps(stack);
    const fileSystem = new FileSystem(stack, "Files", { vpc: props.vpc as IVpc });
    const accessPoint = new AccessPoint(stack, "Point", { fileSystem });
    new ChioFargateService(stack, "Tools", {
      ...props,
      config: { kind: "efs", fileSystem: fileSystem as IFileSystem, accessPoint: accessPoint as IAccessPoint },
    });
    const template = templateOf(stack);
    expect(containerNamed(template, "chio-sidecar").MountPoints).toContainEqual({
      ContainerPath: "/etc/chio",
      ReadOnly: true,
      SourceVolume: "chio-config",
    });
    expect(containerNamed(template, "app").MountPoints).toBeUndefined();
    const [volume] = only(template, "AWS::ECS::TaskDefinition").Volumes.filter((one: Json) => one.Name === "chio-config");
    expect(volume.EFSVolumeConfiguration).toMatchObject({ TransitEncryption: "ENABLED", AuthorizationConfig: { IAM: "ENABLED" } });
    const policies = JSON.stringify(template.findResources("AWS::IAM::Policy"));
    expect(policies).toContain("elasticfilesystem:ClientMount");
    expect(policies).not.toContain("ClientWrite");
    template.hasResourceProperties("AWS::EC2::SecurityGroupIngress", { FromPort: 2049 });
  });

  it("fetches the configuration from a bucket: read on these objects", () => {
    const stack = testStack();
    const bucket = new Bucket(stack, "Files") as IBucket;
    goodService(stack, { config: { kind: "fetched", bucket, prefix: "tools/" } });
    const template = templateOf(stack);
    const statement = JSON.stringify(template.findResources("AWS::IAM::Policy"));
    for (const name of ["/tools/spec/openapi.yaml", "/tools/kernel.yaml"]) expect(statement).toContain(name);
    expect(statement).not.toMatch(/s3:(List|GetBucket|Put)/);
  });

  it("puts receipts below a prefix of a bucket, and may do nothing else there", () => {
    const stack = testStack();
    const bucket = new Bucket(stack, "Archive") as IBucket;
    goodService(stack, { receipts: { sink: [{ bucket, prefix: "receipts/" }, "stdout"] } });
    const template = templateOf(stack);
    template.hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Action: "s3:PutObject" })]) },
    });
    expect(JSON.stringify(template.findResources("AWS::IAM::Policy"))).toContain("/receipts/*");
  });

  it("takes one field and one version of the signing key", () => {
    const stack = testStack();
    const secret = new Secret(stack, "Key") as ISecret;
    goodService(stack, { signingKey: { secret, field: "seed", versionId: "v7" } });
    const [{ ValueFrom }] = containerNamed(templateOf(stack), "chio-sidecar").Secrets;
    expect(JSON.stringify(ValueFrom)).toContain(":seed::v7");
  });

  it("runs an MCP server without an app", () => {
    const stack = testStack();
    const { app: _app, policySource: _source, ...props } = goodProps(stack);
    const service = new ChioFargateService(stack, "Tools", {
      ...props,
      mode: mcpServeHttp({ serverId: "tools", policy: "/etc/chio/policy.yaml", command: ["/srv/server"] }),
    });
    expect(service.appContainer).toBeUndefined();
    const [container, ...others] = only(templateOf(stack), "AWS::ECS::TaskDefinition").ContainerDefinitions;
    expect(others).toEqual([]);
    expect(container.Command).toEqual(expect.arrayContaining(["mcp", "serve-http", "--", "/srv/server"]));
  });

  it("has a fixed count without autoscaling", () => {
    const stack = testStack();
    const service = goodService(stack, { replicas: { minReplicas: 2, maxReplicas: 2 } });
    expect(service.scaling).toBeUndefined();
    expect(only(templateOf(stack), "AWS::ECS::Service").DesiredCount).toBe(2);
  });
});

describe("many at once", () => {
  it("are two services in one stack", () => {
    const stack = testStack();
    for (const id of ["One", "Two"]) new ChioFargateService(stack, id, goodProps(stack, id));
    const template = templateOf(stack);
    template.resourceCountIs("AWS::ECS::Service", 2);
    const families = Object.values(template.findResources("AWS::ECS::TaskDefinition")).map((one) => (one as Json).Properties.Family);
    expect(new Set(families).size).toBe(2);
  });

  it("are several stacks with the same construct ids, where one is at fault and the other is not blamed", () => {
    const app = testApp();
    const [good, bad] = ["Good", "Bad"].map((id) => testStack(id, app)) as [Stack, Stack];
    goodService(good);
    const service = goodService(bad);
    (bad.node.findChild("SigningKey") as Secret).grantRead(service.taskDefinition.taskRole);
    expect(() => app.synth()).toThrow(/Bad\/Tools:\nerror CHIO-TASK-ROLE/);
    expect(() => app.synth()).not.toThrow(/Good\/Tools/);
  });

  it("share a cluster of another stack, and read a key of another stack", () => {
    const app = testApp();
    const shared = testStack("Shared", app);
    const vpc = new Vpc(shared, "Vpc") as IVpc;
    const cluster = new Cluster(shared, "Cluster", { vpc }) as ICluster;
    const signingKey = new Secret(shared, "Key") as ISecret;
    const stacks = ["One", "Two"].map((id) => testStack(id, app));
    const services = stacks.map((stack) => {
      const { vpc: _vpc, ...props } = goodProps(stack);
      return new ChioFargateService(stack, "Tools", { ...props, cluster, signingKey });
    });
    for (const stack of stacks) {
      expect(JSON.stringify(only(templateOf(stack), "AWS::ECS::Service").Cluster)).toContain("Fn::ImportValue");
      templateOf(stack).resourceCountIs("AWS::ECS::Cluster", 0);
    }
    expect(services).toHaveLength(2);
  });

  it("see a grant on a key of another stack", () => {
    const app = testApp();
    const signingKey = new Secret(testStack("Shared", app), "Key");
    const stack = testStack("One", app);
    const service = goodService(stack, { signingKey: signingKey as ISecret });
    signingKey.grantRead(service.taskDefinition.taskRole);
    expect(() => app.synth()).toThrow(/CHIO-TASK-ROLE/);
  });

  it("stand in an imported VPC", () => {
    const stack = testStack();
    const attributes = { vpcId: "vpc-0123456789abcdef0", availabilityZones: ["a", "b"], privateSubnetIds: SUBNETS };
    const vpc = Vpc.fromVpcAttributes(stack, "Imported", { ...attributes, vpcCidrBlock: "10.1.0.0/16" });
    goodService(stack, { vpc });
    const template = templateOf(stack);
    expect(only(template, "AWS::ECS::Service").NetworkConfiguration.AwsvpcConfiguration.Subnets).toEqual(SUBNETS);
    expect(JSON.stringify(template.findResources("AWS::EC2::SecurityGroup"))).toContain("10.1.0.0/16");
    const other = testStack();
    const silent = Vpc.fromVpcAttributes(other, "Imported", attributes);
    expect(() => goodService(other, { vpc: silent })).toThrow(/give allowFrom, or import it with vpcCidrBlock/);
  });

  it("make a VPC and a cluster when none is given", () => {
    const stack = testStack();
    const { vpc: _vpc, ...props } = goodProps(stack);
    stack.node.tryRemoveChild("Vpc");
    const made = new ChioFargateService(stack, "Tools", props);
    const template = templateOf(stack);
    template.resourceCountIs("AWS::EC2::VPC", 1);
    template.resourceCountIs("AWS::EC2::FlowLog", 1);
    template.hasResourceProperties("AWS::ECS::Cluster", { ClusterSettings: [{ Name: "containerInsights", Value: "enabled" }] });
    expect(made.cluster.vpc.privateSubnets).toHaveLength(2);
  });
});

describe("images", () => {
  it("of a registry want a digest", () => {
    expect(() => ChioImage.fromRegistry("registry.example.com/chio:1.2.3")).toThrow(/name the image by digest, REPOSITORY@sha256:DIGEST/);
    expect(() => ChioImage.fromRegistry("https://registry.example.com/chio")).toThrow(/is a URL/);
  });

  it("that are bundled name a directory that is there", () => {
    expect(() => goodService(testStack(), { sidecar: { image: ChioImage.bundled({ configDirectory: "/no/such" }) } })).toThrow(
      /configDirectory "\/no\/such" is no directory/,
    );
  });
});
