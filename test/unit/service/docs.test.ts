import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createMetrics } from "../../../sidecar/service/metrics.ts";
import { SETTING_LIST } from "../../../sidecar/service/settings.ts";

const PATH = "docs/configuration.md";
const text = readFileSync(PATH, "utf8");

function table(): string {
  const lines: string[] = [];
  for (const group of ["Service", "Policy", "Keys", "Receipts", "Limits"]) {
    lines.push(`### ${group}`, "", "| Flag | Variable | kernel.yaml | Default | Meaning |", "| --- | --- | --- | --- | --- |");
    for (const [, setting] of SETTING_LIST.filter(([, one]) => one.group === group)) {
      const code = (parts: (string | undefined)[]) => parts.flatMap((part) => (part === undefined ? [] : [`\`${part}\``])).join("<br>");
      const flags = [setting.flag, ...(setting.flagAliases ?? [])].map((flag) =>
        flag === undefined ? flag : [flag, setting.argument].filter(Boolean).join(" "),
      );
      const fallback = setting.defaultText ?? `\`${String(setting.default)}\``;
      lines.push(`| ${code(flags)} | ${code([...setting.env])} | ${code([setting.yaml])} | ${fallback} | ${setting.doc}. |`);
    }
    lines.push("");
  }
  return lines.join("\n");
}

describe("docs/configuration.md", () => {
  it("has the table of the settings as they are", async () => {
    const expected = text.replace(
      /(<!-- settings: [^\n]*-->\n)[\s\S]*?(<!-- \/settings -->)/,
      (_all, start: string, end: string) => `${start}\n${table()}\n${end}`,
    );
    expect(expected).toContain("CHIO_LISTEN_ADDR");
    await expect(expected).toMatchFileSnapshot(`../../../${PATH}`);
  });

  it("names no variable that nothing reads", () => {
    const known = new Set(SETTING_LIST.flatMap(([, setting]) => setting.env));
    const named = [...text.matchAll(/\bCHIO_[A-Z_]*[A-Z]/g)].map(([name]) => name);
    expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([]);
  });

  it("names every metric, and no other", () => {
    const served = [
      ...createMetrics("0")
        .render()
        .matchAll(/^# TYPE (\S+)/gm),
    ].map(([, name]) => name!);
    const named = [...text.matchAll(/`((?:chio_|process_)[a-z_]+)(?:\{[a-z,]+\})?`/g)].map(([, name]) => name!);
    expect([...new Set(named)].sort()).toEqual(served.sort());
  });
});

describe("the table", () => {
  it("has a reader for every variable of the specification", () => {
    const named = `CHIO_LISTEN_ADDR CHIO_HEALTH_PATH CHIO_KERNEL_CONFIG_PATH CHIO_POLICY_SOURCE CHIO_RECEIPT_SINK CHIO_SIGNING_KEY
      CHIO_CAPABILITY_AUTHORITY_URL CHIO_LOG_LEVEL CHIO_TRUSTED_ISSUER_KEY CHIO_TRUSTED_ISSUER_KEYS CHIO_SIDECAR_CONTROL_TOKEN
      CHIO_API_PROTECT_CONTROL_TOKEN CHIO_SHUTDOWN_DRAIN_MS CHIO_CONTROL_TLS_CLIENT_CERT CHIO_CONTROL_TLS_CLIENT_KEY CHIO_POLICY_REFRESH
      CHIO_SIGNING_KEY_FILE CHIO_HOME`.split(/\s+/);
    const known = new Set(SETTING_LIST.flatMap(([, setting]) => setting.env));
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it("gives no flag, variable or key to two settings", () => {
    const all = SETTING_LIST.flatMap(([, one]) =>
      [one.flag, ...(one.flagAliases ?? []), ...one.env, one.yaml].filter((name) => name !== undefined),
    );
    expect(all.filter((name, at) => all.indexOf(name) !== at)).toEqual([]);
  });

  it("takes each default through its own parser", () => {
    for (const [name, setting] of SETTING_LIST) {
      if (typeof setting.default !== "string" && typeof setting.default !== "number" && typeof setting.default !== "boolean") continue;
      expect(setting.parseOne(String(setting.default)), name).toEqual(setting.default);
    }
  });

  it("puts no secret on the command line or into kernel.yaml", () => {
    for (const [, setting] of SETTING_LIST.filter(([, one]) => one.secret === true)) {
      expect([setting.flag, setting.yaml]).toEqual([undefined, undefined]);
    }
  });
});
