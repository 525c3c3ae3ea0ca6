import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** What the clouds' own clients say of `document satisfies Type`: the compiler's complaints, none when the document is one. */
export async function complaints(name: string, type: string, from: string, document: unknown): Promise<string[]> {
  const directory = `${root}/.cache/sdk-types`;
  mkdirSync(directory, { recursive: true });
  const file = `${directory}/${name}.ts`;
  writeFileSync(
    file,
    `import type { ${type.split(".")[0]} } from ${JSON.stringify(from)};\nexport const document = ${JSON.stringify(document, null, 1)} satisfies ${type};\n`,
  );
  try {
    const options = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--module",
      "nodenext",
      "--moduleResolution",
      "nodenext",
      "--target",
      "es2024",
      "--types",
      "node",
    ];
    await promisify(execFile)(`${root}/node_modules/.bin/tsc`, [...options, file], { cwd: root });
    return [];
  } catch (error) {
    return String((error as { stdout?: string }).stdout)
      .trim()
      .split("\n");
  } finally {
    rmSync(file);
  }
}
