import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { run } from "../../../infra/cli/program.ts";
import { type CliResult, testIo } from "../../unit/cli/run-cli.ts";

export interface KitResult extends CliResult {
  /** What was asked, in order. */
  readonly asked: readonly string[];
}

/** Runs `chio-kit <argv>` inside the test. With `answers` somebody sits at the terminal, who leaves when they are used up. */
export async function runKit(
  argv: readonly string[],
  given: { stdin?: string | Uint8Array; answers?: readonly string[] } = {},
): Promise<KitResult> {
  const { io, result } = testIo(given);
  const asked: string[] = [];
  const answers = [...(given.answers ?? [])];
  await run(argv, {
    ...io,
    interactive: given.answers !== undefined,
    ask: async (question) => {
      asked.push(question);
      const answer = answers.shift();
      if (answer === undefined) throw new Error("the input ended");
      return answer;
    },
  });
  return { ...result, asked };
}

/** An empty directory that is gone after the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "chio-kit-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The service.yaml of docs/topology.md with every value that the manifests of all platforms need. */
export const SERVICE = `name: agent-tool-server
mode: { kind: api-protect, spec: /etc/chio/openapi.yaml, policy: /etc/chio/policy.yaml }
app:
  image: registry.example.com/team/app@sha256:${"0".repeat(64)}
  health: /healthz
  command: [node, server.js]
sidecar:
  image: registry.example.com/chio-sidecar@sha256:${"1".repeat(64)}
secrets:
  signingKey:
    byPlatform:
      ecs: arn:aws:secretsmanager:us-east-1:111122223333:secret:chio/signing-key
      cloud-run: secrets/chio-signing-key/versions/7
      aca: https://team.vault.azure.net/secrets/chio-signing-key/0123456789abcdef0123456789abcdef
      local: file:/run/secrets/signing-seed.hex
config:
  byPlatform:
    local: { kind: host, directory: /srv/chio }
    default: { kind: image }
ecs:
  region: us-east-1
  executionRoleArn: arn:aws:iam::111122223333:role/exec
  taskRoleArn: arn:aws:iam::111122223333:role/task
cloudRun:
  region: us-central1
  serviceAccount: run@team.iam.gserviceaccount.com
`;
