import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

describe("a script that is misused", () => {
  it.each([
    ["demo", "--bogus", "npm run demo"],
    ["build", "--target plan9", "linux-<arch>"],
    ["build", "--bogus", "usage: npm run build"],
    ["images", "nosuch", "npm run images"],
    ["bench", "--bogus", "npm run bench"],
    ["test", "nosuch", "npm test"],
  ])("%s %s: exit 2, the cause and the way out", (script, args, fix) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [`scripts/${script}.mjs`, ...args.split(" ")], { encoding: "utf8" });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^error: .*\n {2}fix: \S/);
    expect(stderr).toContain(fix);
  });
});
