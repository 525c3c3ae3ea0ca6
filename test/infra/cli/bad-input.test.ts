import { describe, expect, it } from "vitest";
import { runKit, SERVICE } from "./run-kit.ts";
import { everythingWrong, wrongProps } from "./wrong-props.ts";

const render = (stdin: string | Uint8Array) => runKit(["render", "--platform", "all", "--out", "-", "-"], { stdin });

describe("each property of a service.yaml with a wrong type", () => {
  const cases = wrongProps();

  it("is told with its path, line and column, in an error that says what is wanted", async () => {
    expect(cases.length).toBeGreaterThan(200);
    const silent: string[] = [];
    for (const { path, input } of cases) {
      const { code, stdout, stderr } = await render(JSON.stringify(input, null, 1));
      expect({ path, code, stdout }).toEqual({ path, code: 1, stdout: "" });
      expect(stderr, path).toMatch(/\(input_invalid\)$/m);
      expect(stderr, path).not.toMatch(/\n\s+at /);
      const told = stderr.split("\n").some((line) => /standard input:\d+:\d+: /.test(line) && line.includes(`: ${path}: `));
      if (!told) silent.push(`${path}\n${stderr}`);
    }
    expect(silent).toEqual([]);
  });

  it("is told beside all others", async () => {
    const input = everythingWrong();
    const { code, stderr } = await render(JSON.stringify(input, null, 1));
    expect(code).toBe(1);
    const lines = stderr.split("\n");
    for (const name of Object.keys(input))
      expect(
        lines.filter((line) => new RegExp(`: ${name}: `).test(line)),
        name,
      ).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith("error: "))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith("fix: "))).toHaveLength(1);
  });
});

describe("a file that is no service.yaml", () => {
  it.each([
    ["name: [\n", /^error: standard input:2:1: .*\(input_syntax\)\nfix: correct the YAML at that place\n$/],
    ["name: a\n\tmode: b\n", /^error: .*standard input:2:1: /s],
    ["name: a\nname: b\n", /^error: standard input:2:1: Map keys must be unique.*\(input_syntax\)$/m],
    ["", /^error: standard input: the file is empty \(input_syntax\)$/m],
    ["- a\n", /^error: standard input:1:1: .*object.*\(input_invalid\)$/m],
    ["a: &x [*x]\n", /\(input_(syntax|invalid)\)$/m],
    [new Uint8Array([0x6e, 0xff, 0xfe]), /^error: standard input is not UTF-8 text \(input_not_text\)\nfix: save it as UTF-8\n$/],
    [`name: ${"x".repeat(1024 * 1024)}\n`, /^error: standard input: the file is larger than 1048576 bytes \(input_syntax\)$/m],
    [`${SERVICE}---\nname: second\n`, /^error: standard input:\d+:1: there is more than one document/m],
  ])("%# is refused with the place and what to do", async (text, message) => {
    const { code, stdout, stderr } = await render(text);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^fix: /m);
  });
});

describe("with --json", () => {
  it.each([["render", "--platform", "ecs", "--out", "-"], ["posture"]])(
    "%s tells machines each problem with its place",
    async (...argv) => {
      const words = argv.filter((word) => word !== undefined);
      const { code, stdout, stderr } = await runKit([...words, "--json", "-"], { stdin: SERVICE.replace("name: agent", "nam: agent") });
      expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
      const { ok, error } = JSON.parse(stdout);
      expect({ ok, code: error.code }).toEqual({ ok: false, code: "input_invalid" });
      expect(error.issues).toContainEqual({ path: "nam", message: expect.stringContaining('did you mean "name"?'), line: 1, column: 1 });
    },
  );
});

describe("an image that no platform can pull", () => {
  const line = SERVICE.split("\n").findIndex((text) => text.startsWith("  image: ")) + 1;
  it.each([
    ["https://registry.example.com/app", /is a URL; leave out "https:\/\/"/],
    ["registry.example.com/App", /has capital letters in its repository/],
    ["registry.example.com/app@sha256:12", /has a digest that is not 64 lower-case hex digits/],
    ["'registry.example.com/app:'", /is not an image reference; write REGISTRY\/REPOSITORY@sha256:DIGEST/],
    ["'my app'", /is not an image reference/],
    ["./app.tar", /is not an image reference/],
    ["bundled:ubuntu", /the bundled images are/],
  ])("%s is told in one line, at its place", async (image, message) => {
    const { code, stdout, stderr } = await render(SERVICE.replace(/image: \S*app@\S*/, `image: ${image}`));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^error: standard input:${line}:10: app\\.image: .*\\(input_invalid\\)$`, "m"));
    expect(stderr).toMatch(message);
  });

  it("one of this machine's registry is an error in the clouds, and none here", async () => {
    const text = SERVICE.replace("registry.example.com/team/app", "localhost:5000/team/app");
    const { code, stdout, stderr } = await render(text);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr.match(/^error CHIO-IMAGE-UNREACHABLE at containers\.app\.image$/gm)).toHaveLength(3);
    expect(await runKit(["render", "--platform", "compose", "--out", "-", "-"], { stdin: text })).toMatchObject({ code: 0 });
  });

  it("the bundled one has to be built by a construct, or named for a compose file", async () => {
    const config = "{ kind: fetched, base: https://config.example.com/chio/ }";
    const text = SERVICE.replace(/image: \S*chio-sidecar@\S*/, "image: bundled").replace("{ kind: image }", config);
    const refused = await runKit(["render", "--platform", "compose", "--platform", "ecs", "--out", "-", "-"], { stdin: text });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    for (const kind of ["ecs", "compose"])
      expect(refused.stderr).toMatch(new RegExp(`containers\\.chio-sidecar\\.image: .*\\(${kind}\\)$`, "m"));
    expect(refused.stderr).toContain("(not_renderable)");
    const named = await runKit(["render", "--platform", "compose", "--bundled-image", "chio-sidecar:local", "--out", "-", "-"], {
      stdin: text,
    });
    expect(named).toMatchObject({ code: 0, stdout: expect.stringContaining("image: chio-sidecar:local") });
  });
});
