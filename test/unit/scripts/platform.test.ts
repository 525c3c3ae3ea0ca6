import { describe, expect, it } from "vitest";
import { parseArch, parseTarget, targetName } from "../../../scripts/lib/platform.mjs";
import { isCurrentNode } from "../../../scripts/lib/setup.mjs";

describe("build targets", () => {
  it.each([
    ["linux-x64", "linux-x64"],
    ["linux-amd64", "linux-x64"],
    ["linux-x86_64-musl", "linux-x64-musl"],
    ["linux-aarch64", "linux-arm64"],
    ["linux-arm64-musl", "linux-arm64-musl"],
    ["darwin-arm64", "darwin-arm64"],
  ])("%s is %s", (text, name) => {
    expect(targetName(parseTarget(text))).toBe(name);
  });

  it.each(["linux", "linux-x64-glibc", "darwin-arm64-musl", "linux-x64-musl-more", "windows-x64", "", "linux-"])("refuses %j", (text) => {
    expect(() => parseTarget(text)).toThrow();
  });

  it("refuses a processor that there is no build for, naming it", () => {
    expect(() => parseArch("riscv64")).toThrow('"riscv64"');
  });
});

describe("current Node", () => {
  it.each([
    ["22.22.0", true],
    ["22.23.1", true],
    ["24.0.0", true],
    ["22.21.9", false],
    ["20.20.2", false],
    ["18.19.0", false],
  ])("%s: %s", (version, current) => {
    expect(isCurrentNode(version)).toBe(current);
  });
});
