import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { acceptFindings, DocumentError, verifyDocument } from "../../../infra/posture/index.ts";
import { changed, codes, FAULTLESS, fixture, type Loose, only, unknownCodes } from "./documents.ts";

function refusal(text: string, options = {}): Pick<DocumentError, "code" | "message" | "fix"> {
  try {
    verifyDocument(text, "x.yaml", options);
  } catch (error) {
    if (error instanceof DocumentError) return { code: error.code, message: error.message, fix: error.fix };
    throw error;
  }
  throw new Error("nothing was refused");
}

const arm = (resources: Loose, rest: Loose = {}) =>
  JSON.stringify({ $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", ...rest, resources });
const goodApp = () => JSON.parse(FAULTLESS.aca).resources[0];

describe("a document that cannot be checked", () => {
  it.each([
    ["", "document_syntax", "x.yaml: the document is empty"],
    ["a: [1", "document_syntax", "x.yaml:1:6: "],
    ['{"a": 1, "a": 2}', "document_syntax", "x.yaml:1:10: Map keys must be unique"],
    ["a: &a [*a]", "document_syntax", "x.yaml: an alias stands for what holds it"],
    ["{}", "document_unknown", "no format that can be checked"],
    ["kind: Deployment\napiVersion: apps/v1", "document_unknown", "a apps/v1 Deployment is none"],
    ["services: { app: {} }", "document_unknown", "compose file"],
    ["mode: { kind: api-protect }\napp: {}", "document_unknown", "chio-kit posture"],
    ["Resources: { A: { Type: AWS::S3::Bucket } }", "document_no_sidecar", "holds no service with containers"],
    [
      '{"containerDefinitions": [{"name": "web", "image": "nginx"}]}',
      "document_no_sidecar",
      "no container looks like the sidecar in x (web)",
    ],
  ])("%j is %s", (text, code, message) => {
    const error = refusal(text);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.fix).not.toBe("");
  });

  it("is one that refers to itself over and over", () => {
    const bomb = [
      "a: &a [x, x]",
      ...Array.from(
        { length: 20 },
        (_, index) => `k${index}: &k${index} [*${index === 0 ? "a" : `k${index - 1}`}, *${index === 0 ? "a" : `k${index - 1}`}]`,
      ),
    ].join("\n");
    expect(refusal(bomb).code).toBe("document_syntax");
  });

  it("is one for another platform", () => {
    expect(refusal(FAULTLESS.ecs, { platforms: ["aca"] })).toMatchObject({
      code: "document_platform",
      message: "x.yaml: this document is for ecs, not for aca",
    });
  });
});

describe("the sidecar", () => {
  it("is known by what it does, whatever it is called", () => {
    const text = changed(fixture("ecs.task-definition.json"), (document) => {
      const [app, sidecar] = document.taskDefinition.containerDefinitions;
      sidecar.name = "guard";
      sidecar.image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/platform/guard:7";
      app.dependsOn[0].containerName = "guard";
    });
    expect(only(text).sidecar).toBe("guard");
  });

  it("is not an app that is told where it is", () => {
    expect(
      refusal(
        '{"containerDefinitions": [{"name": "app", "image": "x", "environment": [{"name": "CHIO_SIDECAR_URL", "value": "y"}, {"name": "CHIO_SIDECAR_HEALTH_URL", "value": "y"}]}]}',
      ).code,
    ).toBe("document_no_sidecar");
  });

  it("is the one that is named", () => {
    expect(refusal(FAULTLESS.ecs, { sidecar: "nobody" }).message).toBe(
      'x.yaml: there is no container "nobody" in agent-tool-server (chio-sidecar, app)',
    );
    expect(only(FAULTLESS.ecs, { sidecar: "app" }).sidecar).toBe("app");
  });

  it("has to be named where two look like it", () => {
    const twins = JSON.stringify({
      containerDefinitions: ["a", "b"].map((name) => ({ name, image: "registry.example.com/chio-sidecar:1" })),
    });
    expect(refusal(twins)).toMatchObject({ code: "document_sidecar_unclear", message: "x.yaml: x: a and b both look like the sidecar" });
  });

  it("is one: two that are started as sidecars are a finding", () => {
    const text = changed(FAULTLESS.ecs, (document) =>
      document.containerDefinitions.push({ ...document.containerDefinitions[0], name: "second" }),
    );
    const report = only(text);
    expect(report.sidecar).toBe("chio-sidecar");
    expect(report.findings.find(({ code }) => code === "CHIO-SIDECAR-COUNT")).toMatchObject({
      message: "there are 2 sidecars: chio-sidecar, second",
      path: "containerDefinitions[2]",
    });
  });
});

describe("variables from files in S3", () => {
  it("are not known", () => {
    const text = changed(
      FAULTLESS.ecs,
      (document) => (document.containerDefinitions[1].environmentFiles = [{ type: "s3", value: "arn:aws:s3:::team/app.env" }]),
    );
    expect(only(text).findings).toEqual([]);
    expect([...unknownCodes(only(text))]).toEqual(expect.arrayContaining(["CHIO-SIGNING-KEY-SCOPE", "CHIO-SECRET-SCOPE"]));
  });

  it("that asks readiness and names no sink may stand an outage or not", () => {
    const silent = (command: readonly string[]) =>
      only(
        changed(FAULTLESS.ecs, ({ containerDefinitions }: Loose) => {
          const [sidecar] = containerDefinitions;
          sidecar.environment = sidecar.environment.filter(({ name }: { name: string }) => name !== "CHIO_RECEIPT_SINK");
          sidecar.healthCheck.command = ["CMD", ...command];
        }),
      );
    const report = silent(["/usr/local/bin/chio", "health"]);
    expect(codes(report)).toEqual([]);
    expect(report.unknown.find((one) => one.message.includes("while the receipt sink is away"))).toMatchObject({
      codes: ["CHIO-PROBE-SINKS"],
      invariants: ["INV-6"],
      message: expect.stringMatching(/; whether there is a remote receipt sink is not in this document$/),
      path: "containerDefinitions[0].healthCheck",
    });
    const excluding = silent(["/usr/local/bin/chio", "health", "--exclude=sinks"]);
    expect(excluding.unknown.map(({ message }) => message).join()).not.toContain("while the receipt sink is away");
  });
});

describe("several services in one document", () => {
  it("get their report each, and one without a sidecar is named", () => {
    const text = changed(fixture("stack.cloudformation.yaml"), ({ Resources }) => {
      Resources.Second = structuredClone(Resources.Task);
      Resources.Second.Properties.Family = "second";
      Resources.Second.Properties.PidMode = "task";
      Resources.Plain = {
        Type: "AWS::ECS::TaskDefinition",
        Properties: { Family: "plain", ContainerDefinitions: [{ Name: "web", Image: "nginx" }] },
      };
    });
    const report = verifyDocument(text, "stack.yaml");
    expect(report.services.map(({ name, findings }) => [name, findings.map(({ code, service }) => `${service} ${code}`)])).toEqual([
      ["tools", []],
      ["second", ["second CHIO-SHARED-PROCESSES"]],
    ]);
    expect(report.unguarded).toMatchObject([{ name: "plain", containers: ["web"], path: "Resources.Plain.Properties" }]);
  });

  it("may be several YAML documents, each with its own lines", () => {
    const second = changed(FAULTLESS["cloud-run"], (document) => {
      document.metadata.name = "second";
      document.spec.template.spec.containers[0].image = "ghcr.io/x/chio-sidecar:latest";
    });
    const report = verifyDocument(`${FAULTLESS["cloud-run"]}---\n${second}`, "services.yaml");
    expect(report.services.map(({ name }) => name)).toEqual(["agent-tool-server", "second"]);
    expect(report.findings[0]?.place?.line).toBeGreaterThan(FAULTLESS["cloud-run"].split("\n").length);
  });
});

describe("CloudFormation's intrinsic functions", () => {
  const withDebug = (value: string | null) =>
    changed(fixture("stack.cloudformation.yaml"), ({ Parameters, Resources }) => {
      if (value === null) delete Parameters.Debug.Default;
      else Parameters.Debug.Default = value;
      Resources.Service.Properties.EnableExecuteCommand = { "Fn::If": ["IsDebug", true, { Ref: "AWS::NoValue" }] };
    });

  it("are followed through parameters and conditions with a default", () => {
    expect(codes(only(withDebug("true")))).toEqual(["CHIO-EXEC"]);
    expect(codes(only(withDebug("false")))).toEqual([]);
  });

  it("are not known where the deployment decides", () => {
    const report = only(withDebug(null));
    expect(report.findings).toEqual([]);
    expect(unknownCodes(report)).toContain("CHIO-EXEC");
  });

  it("find mappings, lists, joins and splits", () => {
    const text = changed(fixture("stack.cloudformation.yaml"), (template) => {
      template.Mappings = { Images: { prod: { tag: "1.2.3" } } };
      template.Resources.Task.Properties.ContainerDefinitions[0].Image = {
        "Fn::Join": [
          "",
          [
            "registry.example.com/",
            { "Fn::Select": [1, { "Fn::Split": [",", "a,app"] }] },
            ":",
            { "Fn::FindInMap": ["Images", "prod", "tag"] },
          ],
        ],
      };
    });
    expect(only(text).findings.map(({ code, message }) => `${code} ${message}`)).toEqual([
      "CHIO-IMAGE-UNPINNED registry.example.com/app:1.2.3 is a tag, which can be moved",
    ]);
  });

  it("leave an image that the CDK built pinned by its content", () => {
    const image = `<AWS::AccountId>.dkr.ecr.<AWS::Region>.<AWS::URLSuffix>/cdk-hnb659fds-container-assets-<AWS::AccountId>-<AWS::Region>:${"a".repeat(64)}`;
    const text = changed(fixture("stack.cloudformation.yaml"), ({ Resources }) => {
      Resources.Task.Properties.ContainerDefinitions[0].Image = { "Fn::Sub": image.replaceAll("<", "${").replaceAll(">", "}") };
    });
    expect(codes(only(text))).toEqual([]);
    expect(unknownCodes(only(text))).not.toContain("CHIO-IMAGE-UNPINNED");
  });

  it("that import a security group leave its rules unknown", () => {
    const text = changed(fixture("stack.cloudformation.yaml"), ({ Resources }) => {
      Resources.Service.Properties.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = [{ "Fn::ImportValue": "tasks" }];
    });
    expect(unknownCodes(only(text))).toContain("CHIO-INGRESS-SOURCE");
  });

  it("that go round in a circle end", () => {
    const text = changed(fixture("stack.cloudformation.yaml"), (template) => {
      template.Conditions = { IsDebug: { Condition: "Other" }, Other: { Condition: "IsDebug" } };
      template.Resources.Service.Properties.EnableExecuteCommand = { "Fn::If": ["IsDebug", true, false] };
    });
    expect(unknownCodes(only(text))).toContain("CHIO-EXEC");
  });
});

describe("ARM expressions", () => {
  it("are followed through parameters, variables and nested deployments", () => {
    const app = goodApp();
    app.properties.template.containers[0].image = "[format('{0}:{1}', variables('repository'), parameters('tag'))]";
    const nested = {
      type: "Microsoft.Resources/deployments",
      properties: {
        parameters: { tag: { value: "[parameters('version')]" } },
        template: {
          parameters: { tag: { type: "string" } },
          variables: { repository: "[concat('ghcr.io/x/', 'chio-sidecar')]" },
          resources: { app },
        },
      },
    };
    const report = only(arm([nested], { parameters: { version: { type: "string", defaultValue: "1.2.3" } } }));
    expect(report.findings.map(({ code, message, path }) => `${code} ${message} ${path}`)).toEqual([
      "CHIO-IMAGE-UNPINNED ghcr.io/x/chio-sidecar:1.2.3 is a tag, which can be moved resources[0].properties.template.resources.app.properties.template.containers[0].image",
    ]);
  });

  it("are not known where Azure decides, and are no finding then", () => {
    const app = goodApp();
    app.properties.configuration.ingress.targetPort = "[parameters('port')]";
    app.properties.configuration.ingress.allowInsecure = "[parameters('insecure')]";
    app.properties.template.terminationGracePeriodSeconds = "[reference('x').grace]";
    const report = only(arm([app], { parameters: { port: { type: "int" }, insecure: { type: "bool" } } }));
    expect(report.findings).toEqual([]);
    expect([...unknownCodes(report)]).toEqual(expect.arrayContaining(["CHIO-INGRESS-TARGET", "CHIO-PLAIN-HTTP", "CHIO-GRACE"]));
  });

  it("that refer to themselves end", () => {
    const app = goodApp();
    app.properties.template.containers[0].image = "[variables('a')]";
    expect(unknownCodes(only(arm([app], { variables: { a: "[variables('b')]", b: "[variables('a')]" } })))).toContain(
      "CHIO-IMAGE-UNPINNED",
    );
  });

  it("are no part of an app that `az containerapp show` prints, as JSON or YAML", () => {
    const app = { ...goodApp(), name: "tools", type: "Microsoft.App/containerApps" };
    app.properties.configuration.secrets = app.properties.configuration.secrets.map((one: Loose) => ({
      ...one,
      identity: "/subscriptions/x",
    }));
    app.properties.configuration.identitySettings = [{ identity: "/SUBSCRIPTIONS/x", lifecycle: "None" }];
    expect(only(JSON.stringify(app)).findings).toEqual([]);
    expect(verifyDocument(stringify(app), "app.yaml").format).toBe("container-app");
  });
});

describe("acceptances", () => {
  const documents = () => [
    verifyDocument(fixture("cloud-run.service.yaml"), "a.yaml"),
    verifyDocument(fixture("ecs.task-definition.json"), "b.json"),
  ];

  it("take a finding on, and show in the posture", () => {
    const {
      documents: [first],
      findings,
    } = acceptFindings(documents(), [{ code: "CHIO-PROBE-PATH", reason: "until March, J. Doe" }]);
    expect(findings).toEqual([]);
    expect(codes(first!.services[0]!)).not.toContain("CHIO-PROBE-PATH");
    const service = first!.services[0]!;
    expect(service.accepted).toMatchObject([{ code: "CHIO-PROBE-PATH", reason: "until March, J. Doe" }]);
    expect(service.posture.entries.find(({ invariant }) => invariant === "INV-6")?.residualRisk).toContain(
      "CHIO-PROBE-PATH accepted: until March, J. Doe",
    );
  });

  it("count over all documents, by path where it is given", () => {
    const path = "taskDefinition.containerDefinitions[0].image";
    const { documents: reviewed } = acceptFindings(documents(), [{ code: "CHIO-IMAGE-UNPINNED", reason: "x", path }]);
    expect(reviewed.map(({ services }) => services[0]?.accepted.map((one) => one.path))).toEqual([[], [path]]);
  });

  it("that nothing needs, or that give no reason, are findings", () => {
    const { findings } = acceptFindings(documents(), [
      { code: "CHIO-EXEC", reason: "x" },
      { code: "CHIO-PROB-PATH", reason: "x" },
      { code: "CHIO-DRAIN", reason: " " },
    ]);
    expect(findings.map(({ code, message }) => `${code} ${message}`)).toEqual([
      "CHIO-ACCEPTANCE-UNMATCHED no document has CHIO-EXEC",
      'CHIO-ACCEPTANCE-UNMATCHED there is no finding "CHIO-PROB-PATH"; did you mean CHIO-PROBE-PATH?',
      "CHIO-ACCEPTANCE-REASON CHIO-DRAIN is accepted without a reason",
    ]);
  });
});
