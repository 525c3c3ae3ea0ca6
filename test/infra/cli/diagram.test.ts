import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { renderDiagram } from "../../../infra/diagram/index.ts";
import { loadTopologyFile } from "../../../infra/manifests/index.ts";
import { runKit, SERVICE, scratch } from "./run-kit.ts";

function service(text = SERVICE): string {
  const path = join(scratch(), "service.yaml");
  writeFileSync(path, text);
  return path;
}
/** Width and height of a PNG, from its header. */
const pngSize = (bytes: Buffer) => ({ width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) });

describe("docs/images", () => {
  it.each(["ecs", "cloud-run", "aca"] as const)("has the picture for %s of the service in docs/topology.md", async (platform) => {
    const [, yaml = ""] = /```yaml\n(name: [\s\S]*?)```/.exec(readFileSync("docs/topology.md", "utf8")) ?? [];
    // `-u` draws it anew.
    await expect(renderDiagram(loadTopologyFile(yaml, "docs/topology.md"), platform)).toMatchFileSnapshot(
      `../../../docs/images/deployment-${platform}.svg`,
    );
  });
});

describe("chio-kit diagram", () => {
  it("prints the SVG of one platform", async () => {
    const { code, stdout } = await runKit(["diagram", "--platform", "ecs", service()]);
    expect(code).toBe(0);
    expect(stdout).toBe(renderDiagram(loadTopologyFile(SERVICE, "x"), "ecs"));
    expect(stdout).toContain("prefers-color-scheme");
  });

  it("writes a file a platform, and makes the directory", async () => {
    const out = join(scratch(), "docs", "deployment.svg");
    const { code, stdout } = await runKit(["diagram", "--out", out, "--theme", "dark", service()]);
    expect(code).toBe(0);
    expect(readdirSync(join(out, "..")).sort()).toEqual(
      ["deployment-aca.svg", "deployment-cloud-run.svg", "deployment-ecs.svg", "deployment-local.svg"].sort(),
    );
    expect(stdout).toContain(`wrote ${out.replace(".svg", "-aca.svg")}`);
    expect(readFileSync(out.replace(".svg", "-aca.svg"), "utf8")).toContain("on Azure Container Apps</title>");
  });

  it("writes a PNG with text in it, without any font of the machine", async () => {
    const out = join(scratch(), "picture.png");
    const { code } = await runKit(["diagram", "--platform", "cloud-run", "--out", out, service()]);
    expect(code).toBe(0);
    const bytes = readFileSync(out);
    const [, width = 0, height = 0] = (
      /width="(\d+)" height="(\d+)"/.exec(renderDiagram(loadTopologyFile(SERVICE, "x"), "cloud-run")) ?? []
    ).map(Number);
    expect(pngSize(bytes)).toEqual({ width: 2 * width, height: 2 * height });
    // The same picture without its letters is far smaller: they are really drawn.
    const { svgToPng } = await import("../../../infra/svg/index.ts");
    const mute = await svgToPng(
      renderDiagram(loadTopologyFile(SERVICE, "x"), "cloud-run", { theme: "light" }).replace(/<text.*<\/text>/g, ""),
    );
    expect(bytes.length).toBeGreaterThan(3 * mute.length);
  });

  it("says what to install where the PNG library is missing", async () => {
    vi.doMock("@resvg/resvg-js", () => {
      throw Object.assign(new Error("Cannot find package '@resvg/resvg-js'"), { code: "ERR_MODULE_NOT_FOUND" });
    });
    const out = join(scratch(), "picture.png");
    const { code, stderr } = await runKit(["diagram", "--platform", "ecs", "--out", out, service()]);
    vi.doUnmock("@resvg/resvg-js");
    expect(code).toBe(1);
    expect(stderr).toContain("png_unavailable");
    expect(stderr).toContain("fix: npm install --save-dev @resvg/resvg-js dejavu-fonts-ttf");
    expect(existsSync(out)).toBe(false);
  });

  it("draws a topology that does not deploy, says why, and exits 1", async () => {
    const path = service(SERVICE.replace("  health: /healthz\n", "  health: /healthz\n  user: '0:0'\n"));
    const { code, stdout, stderr } = await runKit(["diagram", "--platform", "ecs", path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error CHIO-[A-Z-]+ at containers\.app/);
    expect(stdout).toContain("This topology does not deploy: CHIO-");
  });

  it.each([
    ["another ending", ["--platform", "ecs", "--out", "picture.jpg"], "ends in .svg or .png"],
    ["several pictures on standard output", [], "give one --platform"],
    ["an unknown platform", ["--platform", "gcp"], "Did you mean cloud-run?"],
    ["an unknown theme", ["--platform", "ecs", "--theme", "blue"], "Allowed choices are auto, light, dark"],
  ])("refuses %s", async (_, flags, message) => {
    const { code, stdout, stderr } = await runKit(["diagram", ...flags, service()]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
  });

  it("says why a file cannot be written", async () => {
    const out = join(scratch(), "picture.svg");
    mkdirSync(out);
    const { code, stderr } = await runKit(["diagram", "--platform", "ecs", "--out", out, service()]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/picture\.svg cannot be written: it is a directory \(output_not_writable\)\nfix: /);
  });
});
