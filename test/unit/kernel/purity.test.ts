import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const KERNEL = join(import.meta.dirname, "../../../sidecar/kernel");
const files = readdirSync(KERNEL, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

/** Clocks, randomness, timers, other modules of the platform, globals that do I/O. */
const FORBIDDEN =
  /Date\.now|new Date\(\)|performance\.|Math\.random|randomUUID|getRandomValues|Keypair\.generate|set(Timeout|Interval|Immediate)|from "node:(?!crypto")\w*|import\(|\bprocess\.\w+|\bfetch\(|\bBun\b|console\./g;

describe("the kernel", () => {
  it.each(files.filter((file) => file !== "system.ts"))("%s reads no clock and no randomness, and does no I/O", (file) => {
    const source = readFileSync(join(KERNEL, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    expect([...source.matchAll(FORBIDDEN)].map((match) => match[0])).toEqual([]);
  });

  it.each(files)("%s imports from lower layers only", (file) => {
    const source = readFileSync(join(KERNEL, file), "utf8");
    if (file !== "system.ts" && file !== "streams.ts") expect(source).not.toContain('"node:crypto"');
    const layers = [...source.matchAll(/from "(?:\.\.\/)+(\w+)\//g)].map((match) => match[1]);
    for (const layer of layers) expect(["wire", "policy", "guards", "kernel"]).toContain(layer);
  });
});
