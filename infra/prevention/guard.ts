import { fixFor } from "../posture/fixes.ts";
import { KEY_VARIABLES, type Known, knownOptions, type PreventionOptions, ruleText, SECRET_VARIABLES } from "./options.ts";

/** Containers or resources that a clause is about. */
type Subject = "tasks" | "sidecar" | "others" | "beside" | "all" | "services";

interface Clause {
  readonly about: Subject;
  /** What must hold, in CloudFormation Guard; one line a condition. */
  readonly holds: readonly string[];
  /** Only where this holds too: a value that only the deployment knows is an object there, no text. */
  readonly when?: string;
}

const list = (names: readonly string[]) => `[${names.map((name) => `'${name}'`).join(", ")}]`;

/** What must hold of a template, by the code of the topology's rule. Order is the order of the file. */
const CLAUSES: Readonly<Record<string, readonly Clause[]>> = {
  "CHIO-START-ORDER": [
    { about: "beside", holds: ["DependsOn exists", "DependsOn[ ContainerName == '{sidecar}'  Condition == 'HEALTHY' ] !empty"] },
  ],
  "CHIO-START-DEADLOCK": [{ about: "sidecar", when: "Command exists Command[0] == 'api'", holds: ["some Command[*] == /^--spec(=.*)?$/"] }],
  "CHIO-EXTRA-PORT": [
    { about: "others", holds: ["PortMappings !exists or PortMappings empty"] },
    { about: "sidecar", when: "PortMappings exists", holds: ["PortMappings[*].ContainerPort == {port}"] },
  ],
  "CHIO-SIGNING-KEY-MISSING": [{ about: "sidecar", holds: ["Secrets exists", "Secrets[ Name == 'CHIO_SIGNING_KEY' ] !empty"] }],
  "CHIO-SIGNING-KEY-SCOPE": [
    { about: "all", when: "Environment exists", holds: ["Environment[ Name == 'CHIO_SIGNING_KEY' ] empty"] },
    { about: "others", when: "Environment exists", holds: [`Environment[ Name in ${list(KEY_VARIABLES)} ] empty`] },
    { about: "others", when: "Secrets exists", holds: [`Secrets[ Name in ${list(KEY_VARIABLES)} ] empty`] },
  ],
  "CHIO-SECRET-SCOPE": [
    { about: "all", when: "Environment exists", holds: [`Environment[ Name in ${list(SECRET_VARIABLES)} ] empty`] },
    { about: "others", when: "Secrets exists", holds: [`Secrets[ Name in ${list(SECRET_VARIABLES)} ] empty`] },
  ],
  "CHIO-SHARED-PROCESSES": [{ about: "tasks", holds: ["Properties.PidMode !exists"] }],
  "CHIO-WRITABLE-ROOT": [{ about: "all", holds: ["ReadonlyRootFilesystem == true"] }],
  "CHIO-ROOT-USER": [
    { about: "sidecar", holds: ["User exists"] },
    { about: "all", when: "User is_string", holds: ["User == /^[0-9]*[1-9][0-9]*(:[0-9]*[1-9][0-9]*)?$/"] },
  ],
  "CHIO-CAPABILITIES": [
    {
      about: "all",
      holds: [
        "LinuxParameters.Capabilities.Drop exists",
        "some LinuxParameters.Capabilities.Drop[*] == 'ALL'",
        "LinuxParameters.Capabilities.Add !exists or LinuxParameters.Capabilities.Add empty",
      ],
    },
  ],
  "CHIO-EXEC": [{ about: "services", holds: ["Properties.EnableExecuteCommand !exists or Properties.EnableExecuteCommand == false"] }],
  "CHIO-PROBE-MISSING": [{ about: "sidecar", holds: ["HealthCheck exists"] }],
  "CHIO-HEALTH-COMMAND": [{ about: "sidecar", when: "HealthCheck.Command exists", holds: ["HealthCheck.Command[0] == 'CMD'"] }],
  "CHIO-DRAIN": [{ about: "sidecar", holds: ["Environment exists", "Environment[ Name == 'CHIO_SHUTDOWN_DRAIN_MS' ] !empty"] }],
  "CHIO-GRACE": [{ about: "sidecar", when: "StopTimeout exists", holds: ["StopTimeout >= 30", "StopTimeout <= 120"] }],
  "CHIO-FAIL-OPEN": [
    { about: "sidecar", holds: ["Essential !exists or Essential == true"] },
    {
      about: "services",
      holds: [
        "Properties.DeploymentConfiguration.DeploymentCircuitBreaker.Enable == true",
        "Properties.DeploymentConfiguration.DeploymentCircuitBreaker.Rollback == true",
      ],
    },
  ],
  "CHIO-SIDECAR-COMMAND": [
    { about: "sidecar", holds: ["EntryPoint !exists", "Command exists", "Command !empty"] },
    { about: "sidecar", when: "Command[0] is_string", holds: ["Command[0] in ['api', 'mcp']", "Command[1] in ['protect', 'serve-http']"] },
  ],
  "CHIO-IMAGE-UNPINNED": [{ about: "all", when: "Image is_string", holds: ["Image == /@sha256:[0-9a-f]{64}$/"] }],
  "CHIO-EFS": [
    {
      about: "tasks",
      when: "Properties.Volumes exists Properties.Volumes[ EFSVolumeConfiguration exists ] !empty",
      holds: [
        "Properties.Volumes[ EFSVolumeConfiguration exists ].EFSVolumeConfiguration.TransitEncryption == 'ENABLED'",
        "Properties.Volumes[ EFSVolumeConfiguration exists ].EFSVolumeConfiguration.AuthorizationConfig.IAM == 'ENABLED'",
      ],
    },
  ],
};

/** Codes that the exported rules look for. */
export const GUARD_CODES: readonly string[] = Object.keys(CLAUSES);

/**
 * Rules for CloudFormation Guard 3 (`cfn-guard validate`, CloudFormation Hooks, AWS Config). They are about task definitions that have a container
 * of the sidecar's name, and the ECS services of the same template.
 */
export function guardRules(options: PreventionOptions = {}): string {
  const known = knownOptions(options);
  return [
    header(known),
    variables(known),
    ...(known.requireSidecar ? [presence(known)] : []),
    ...GUARD_CODES.map((code) => rule(code, known)),
  ].join("\n");
}

function header({ sidecar }: Known): string {
  return `# chio-kit: what a template with the sidecar "${sidecar}" must hold to. Each message begins with the code of the finding.
# Written by \`chio-kit prevention --platform ecs\`. What it cannot see: docs/prevention.md.
`;
}

function variables({ sidecar }: Known): string {
  return `let chio_tasks = Resources.*[ Type == 'AWS::ECS::TaskDefinition'
  some Properties.ContainerDefinitions[*].Name == '${sidecar}' ]
# The services whose load balancer sends to the sidecar: a reference to a task definition cannot be followed here.
let chio_services = Resources.*[ Type == 'AWS::ECS::Service'
  some Properties.LoadBalancers[*].ContainerName == '${sidecar}' ]
let chio_all = %chio_tasks.Properties.ContainerDefinitions[*]
let chio_sidecar = %chio_tasks.Properties.ContainerDefinitions[ Name == '${sidecar}' ]
let chio_others = %chio_tasks.Properties.ContainerDefinitions[ Name != '${sidecar}' ]
# What runs beside the sidecar; containers that end before it are not essential.
let chio_beside = %chio_tasks.Properties.ContainerDefinitions[ Name != '${sidecar}'
  Essential !exists or Essential == true ]
`;
}

function presence({ sidecar }: Known): string {
  return `let chio_any_tasks = Resources.*[ Type == 'AWS::ECS::TaskDefinition' ]
rule chio_sidecar_count when %chio_any_tasks !empty
{
  %chio_any_tasks.Properties {
    ContainerDefinitions[ Name == '${sidecar}' ] !empty <<${message("CHIO-SIDECAR-COUNT", { fix: `add the container ${sidecar}` })}>>
  }
}
`;
}

function rule(code: string, known: Known): string {
  const name = code.toLowerCase().replaceAll("-", "_");
  const blocks = (CLAUSES[code] ?? []).map((clause) => block(code, clause, known));
  return `rule ${name} when %chio_tasks !empty
{
${blocks.join("\n")}
}
`;
}

function block(code: string, { about, holds, when }: Clause, known: Known): string {
  const filled = (text: string) => text.replaceAll("{sidecar}", known.sidecar).replaceAll("{port}", String(known.port));
  const lines = holds.map((line) => `${filled(line)} <<${message(code)}>>`);
  const inner =
    when === undefined
      ? lines.map((line) => `      ${line}`)
      : [`      when ${filled(when)} {`, ...lines.map((line) => `        ${line}`), "      }"];
  return [`  when %chio_${about} !empty {`, `    %chio_${about} {`, ...inner, "    }", "  }"].join("\n");
}

function message(code: string, { fix }: { fix?: string } = {}): string {
  const { title, fix: own } = ruleText(code);
  return `${code}: ${title}. Fix: ${fix ?? fixFor(code, "cloudformation", "ecs", own)}`.replaceAll(">>", "> >");
}
