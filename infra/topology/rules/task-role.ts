import { deniesSecret, statementReadsSecret } from "../iam.ts";
import { type Rule, theSidecar } from "./rule.ts";

export const taskRole: Rule = {
  code: "CHIO-TASK-ROLE",
  title: "The task role can read a secret of the sidecar",
  severity: "error",
  why: "Every container of a task gets the task role's credentials: the app reads the key with them. The execution role, which resolves secrets, is out of reach.",
  fix: "take the read off the task role; the execution role has it",
  platforms: ["ecs"],
  invariants: ["INV-3"],
  traps: [16],
  check(topology) {
    if (topology.platform !== "ecs") return [];
    const statements = topology.settings.taskRoleStatements;
    return (theSidecar(topology)?.secrets ?? []).flatMap((secret) => {
      if (deniesSecret(statements, secret.ref)) return [];
      return statements.flatMap((statement, index) =>
        statementReadsSecret(statement, secret.ref)
          ? [
              {
                path: `settings.taskRoleStatements[${index}]`,
                message: `the task role may read ${secret.name}: ${statement.actions.join(", ")} on ${statement.resources.join(", ")}`,
              },
            ]
          : [],
      );
    });
  },
};
