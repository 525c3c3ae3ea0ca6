import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../sidecar/service/errors.ts";
import { type Given, load, OTHER_KEY, onlyProblem, problems, type Refusal, SEED } from "./load.ts";

describe("refused values", () => {
  const cases: Refusal[] = [
    [
      "no upstream",
      { bare: true, env: { CHIO_SIGNING_KEY: SEED } },
      "config_value_missing",
      "--upstream",
      /no app to protect/,
      /CHIO_UPSTREAM/,
    ],
    [
      "no key",
      { bare: true, env: { CHIO_UPSTREAM: "http://a" } },
      "signing_key_missing",
      "CHIO_SIGNING_KEY",
      /no signing key/,
      /chio keygen/,
    ],
    [
      "blank key",
      { env: { CHIO_SIGNING_KEY: " \n" } },
      "signing_key_missing",
      "CHIO_SIGNING_KEY",
      /no signing key/,
      /CHIO_SIGNING_KEY_FILE/,
    ],
    ["short key", { env: { CHIO_SIGNING_KEY: SEED.slice(1) } }, "signing_key_invalid", "CHIO_SIGNING_KEY", /malformed/, /64 hex digits/],
    [
      "key and file",
      { env: { CHIO_SIGNING_KEY_FILE: "/k" }, files: { "/k": SEED } },
      "config_conflict",
      "CHIO_SIGNING_KEY and CHIO_SIGNING_KEY_FILE",
      /both are set/,
      /keep one/,
    ],
    [
      "no key file",
      { flags: { signingKeyFile: "/k" } },
      "signing_key_unreadable",
      "--signing-key-file (/k)",
      /does not exist/,
      /mount the secret/,
    ],
    [
      "bad key file",
      { flags: { signingKeyFile: "/k" }, files: { "/k": "hello" } },
      "signing_key_invalid",
      "--signing-key-file (/k)",
      /malformed/,
      /base64 of 32 bytes/,
    ],
    [
      "issuer",
      { env: { CHIO_TRUSTED_ISSUER_KEY: "abc" } },
      "issuer_key_invalid",
      "CHIO_TRUSTED_ISSUER_KEY",
      /not an Ed25519 public key/,
      /64 hex/,
    ],
    [
      "one of the issuers",
      { env: { CHIO_TRUSTED_ISSUER_KEYS: `${OTHER_KEY},zz` } },
      "issuer_key_invalid",
      "CHIO_TRUSTED_ISSUER_KEYS",
      /not an Ed25519/,
      /keygen/,
    ],
    ["port", { flags: { listen: "127.0.0.1:70000" } }, "config_value_invalid", "--listen", /port 70000 is above 65535/, /host:port/],
    [
      "no port",
      { env: { CHIO_LISTEN_ADDR: "9090" } },
      "config_value_invalid",
      "CHIO_LISTEN_ADDR",
      /"9090" is not an address/,
      /127\.0\.0\.1:9090/,
    ],
    [
      "bad ip",
      { env: { CHIO_LISTEN_ADDR: "127.0.0.256:1" } },
      "config_value_invalid",
      "CHIO_LISTEN_ADDR",
      /neither an IP address/,
      /host:port/,
    ],
    [
      "relative health path",
      { env: { CHIO_HEALTH_PATH: "health" } },
      "config_value_invalid",
      "CHIO_HEALTH_PATH",
      /not a plain absolute path/,
      /\/chio\/health/,
    ],
    [
      "health path with dots",
      { env: { CHIO_HEALTH_PATH: "/a/../b" } },
      "config_value_invalid",
      "CHIO_HEALTH_PATH",
      /not a plain absolute path/,
      /slashes/,
    ],
    [
      "taken health path",
      { env: { CHIO_HEALTH_PATH: "/chio/evaluate" } },
      "config_value_invalid",
      "CHIO_HEALTH_PATH",
      /taken/,
      /app does not serve/,
    ],
    ["upstream scheme", { flags: { upstream: "ftp://a" } }, "config_value_invalid", "--upstream", /scheme "ftp:"/, /http:\/\//],
    [
      "upstream credentials",
      { flags: { upstream: "http://u:p@a" } },
      "config_value_invalid",
      "--upstream",
      /user name or password/,
      /credentials/,
    ],
    ["upstream query", { flags: { upstream: "http://a/?x=1" } }, "config_value_invalid", "--upstream", /query/, /scheme, host/],
    ["no URL", { flags: { upstream: "localhost 8080" } }, "config_value_invalid", "--upstream", /not a URL/, /http:\/\/host:port/],
    ["upstream is itself", { flags: { upstream: "http://localhost:9090" } }, "config_conflict", "--upstream", /own address/, /app's port/],
    [
      "policy scheme",
      { env: { CHIO_POLICY_SOURCE: "s3://b/policy.yaml" } },
      "config_unsupported",
      "CHIO_POLICY_SOURCE",
      /s3:\/\/ is not served/,
      /file path or file:\/\/\/path/,
    ],
    ["policy refresh", { env: { CHIO_POLICY_REFRESH: "300" } }, "config_value_invalid", "CHIO_POLICY_REFRESH", /no unit/, /300s/],
    [
      "a flag twice",
      { flags: { listen: ["127.0.0.1:1", "127.0.0.1:2"] } },
      "config_conflict",
      "--listen",
      /more than once/,
      /give it once/,
    ],
    [
      "level",
      { env: { CHIO_LOG_LEVEL: "loud" } },
      "config_value_invalid",
      "CHIO_LOG_LEVEL",
      /"loud" is not one of trace, debug/,
      /use one of/,
    ],
    [
      "boolean",
      { env: { CHIO_ALLOW_EPHEMERAL_RECEIPTS: "maybe" } },
      "config_value_invalid",
      "CHIO_ALLOW_EPHEMERAL_RECEIPTS",
      /neither true nor false/,
      /true or false/,
    ],
    [
      "drain",
      { env: { CHIO_SHUTDOWN_DRAIN_MS: "soon" } },
      "config_value_invalid",
      "CHIO_SHUTDOWN_DRAIN_MS",
      /"soon" is not milliseconds/,
      /from 0 to 3600000/,
    ],
    [
      "too long a drain",
      { env: { CHIO_SHUTDOWN_DRAIN_MS: "2h" } },
      "config_value_invalid",
      "CHIO_SHUTDOWN_DRAIN_MS",
      /outside 0 to 3600000/,
      /0 to 3600000/,
    ],
    [
      "number",
      { env: { CHIO_MAX_HEADER_COUNT: "-1" } },
      "config_value_invalid",
      "CHIO_MAX_HEADER_COUNT",
      /"-1" is not a whole number/,
      /1 to 10000/,
    ],
    ["size", { env: { CHIO_MAX_BODY_BYTES: "10 potatoes" } }, "config_value_invalid", "CHIO_MAX_BODY_BYTES", /not bytes/, /KiB/],
    ["empty flag", { flags: { listen: "" } }, "config_value_invalid", "--listen", /is empty/, /<host:port>/],
    [
      "short token",
      { env: { CHIO_SIDECAR_CONTROL_TOKEN: "abc" } },
      "config_value_invalid",
      "CHIO_SIDECAR_CONTROL_TOKEN",
      /shorter than 4/,
      /16 random/,
    ],
    [
      "token with a space",
      { env: { CHIO_SIDECAR_CONTROL_TOKEN: "ab cd ef" } },
      "config_value_invalid",
      "CHIO_SIDECAR_CONTROL_TOKEN",
      /spaces/,
      /ASCII/,
    ],
    [
      "half of a TLS pair",
      { env: { CHIO_CONTROL_TLS_CLIENT_CERT: "pem" } },
      "config_conflict",
      "CHIO_CONTROL_TLS_CLIENT_CERT",
      /without CHIO_CONTROL_TLS_CLIENT_KEY/,
      /both/,
    ],
    ["root", { uid: 0 }, "running_as_root", "process", /uid 0/, /--allow-root or CHIO_ALLOW_ROOT=1/],
    [
      "named kernel.yaml",
      { env: { CHIO_KERNEL_CONFIG_PATH: "/x.yaml" } },
      "config_file_unreadable",
      "CHIO_KERNEL_CONFIG_PATH (/x.yaml)",
      /does not exist/,
      /mount the file/,
    ],
    [
      "kernel.yaml that is no text",
      { flags: { kernelConfigPath: "/x" }, files: { "/x": Buffer.from([0xff, 0xfe, 0x00]) } },
      "config_file_invalid",
      "--config (/x)",
      /not UTF-8/,
      /./,
    ],
    [
      "kernel.yaml by URL",
      { env: { CHIO_KERNEL_CONFIG_PATH: "gs://b/k.yaml" } },
      "config_unsupported",
      "CHIO_KERNEL_CONFIG_PATH",
      /gs:\/\/ is not served/,
      /file path/,
    ],
  ];
  for (const [what, given, code, source, message, fix] of cases) {
    it(what, () => {
      const one = onlyProblem(given);
      expect(one).toMatchObject({ code, source });
      expect(one.message).toMatch(message);
      expect(one.fix).toMatch(fix);
    });
  }

  it("come all at once, one line each", () => {
    try {
      load({
        bare: true,
        uid: 0,
        env: { CHIO_LISTEN_ADDR: "x", CHIO_SIGNING_KEY: "y", CHIO_RECEIPT_SINK: "s3://b" },
        yaml: "lissten: 1\nhttp: 2",
      });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      const { problems, message } = error as ConfigError;
      expect(problems.map((one) => one.source).sort()).toEqual([
        "--upstream",
        "/etc/chio/kernel.yaml:1:1 (lissten)",
        "/etc/chio/kernel.yaml:2:1 (http)",
        "CHIO_LISTEN_ADDR",
        "CHIO_RECEIPT_SINK",
        "CHIO_SIGNING_KEY",
        "process",
      ]);
      expect(message.split("\n")).toHaveLength(7);
    }
  });

  it("never fall through to a weaker source", () => {
    expect(onlyProblem({ flags: { listen: "nonsense" }, env: { CHIO_LISTEN_ADDR: "0.0.0.0:1" } }).source).toBe("--listen");
  });
});

describe("accepted values", () => {
  it("takes a flag twice with one value", () => {
    expect(load({ flags: { listen: ["127.0.0.1:1", "127.0.0.1:1"] } }).config.listen.port).toBe(1);
  });

  it.each([
    [SEED, "hex"],
    [`0x${SEED.toUpperCase()}`, "hex with 0x"],
    [Buffer.from(SEED, "hex").toString("base64"), "base64"],
    [` ${SEED}\n`, "with space around"],
  ])("takes the seed as %2$s", (text) => {
    expect(load({ env: { CHIO_SIGNING_KEY: text } }).config.signingSeedHex).toBe(SEED);
    const fromFile = load({ bare: true, env: { CHIO_UPSTREAM: "http://a", CHIO_SIGNING_KEY_FILE: "/k" }, files: { "/k": text } });
    expect(fromFile.config.signingSeedHex).toBe(SEED);
  });

  it("runs as uid 0 only where told so by name", () => {
    expect(load({ uid: 0, flags: { allowRoot: "true" } }).config.allowRoot).toBe(true);
    expect(load({ uid: 0, env: { CHIO_ALLOW_ROOT: "1" } }).config.allowRoot).toBe(true);
    expect(onlyProblem({ uid: 0, env: { CHIO_ALLOW_ROOT: "0" } }).code).toBe("running_as_root");
    expect(problems({ uid: 0, yaml: "allow_root: true" }).map((one) => one.code)).toEqual(["config_key_unknown", "running_as_root"]);
  });

  it("lets a flag's key file win over the variable, and says so", () => {
    const { config, warnings } = load({
      flags: { signingKeyFile: "/k" },
      env: { CHIO_SIGNING_KEY: "00".repeat(32) },
      files: { "/k": SEED },
    });
    expect(config.signingSeedHex).toBe(SEED);
    expect(warnings).toEqual(["CHIO_SIGNING_KEY: ignored, --signing-key-file names the key"]);
  });
});

describe("warnings", () => {
  const warnings = (given: Given) => load(given).warnings;

  it("come with a refusal, too: a mistyped name is why a value is missing", () => {
    expect(() => load({ bare: true, env: { CHIO_UPSTREAM: "http://127.0.0.1:8080", CHIO_SIGNNG_KEY: SEED } })).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ code: "signing_key_missing" })],
        warnings: expect.arrayContaining(["CHIO_SIGNNG_KEY: nothing reads this variable; did you mean CHIO_SIGNING_KEY?"]),
      }),
    );
  });

  it("name the nearest variable for one that nothing reads, never its value", () => {
    expect(warnings({ env: { CHIO_LISTEN_ADR: "secret-value", CHIO_SIGNINGKEY: SEED, CHIO_XYZZY: "1" } })).toEqual([
      "CHIO_LISTEN_ADR: nothing reads this variable; did you mean CHIO_LISTEN_ADDR?",
      "CHIO_SIGNINGKEY: nothing reads this variable; did you mean CHIO_SIGNING_KEY?",
      "CHIO_XYZZY: nothing reads this variable",
    ]);
  });

  it("tell variables of other parts from typing errors, and leave Kubernetes' own alone", () => {
    expect(warnings({ env: { CHIO_AUTH_TOKEN: "x", CHIO_MCP_SESSION_DRAIN_GRACE_MILLIS: "1", CHIO_SIDECAR_URL: "y" } })).toEqual([
      "CHIO_AUTH_TOKEN: read by chio mcp serve-http, not by chio api protect",
      "CHIO_MCP_SESSION_DRAIN_GRACE_MILLIS: read by chio mcp serve-http, not by chio api protect",
      "CHIO_SIDECAR_URL: read by the app, not by chio api protect",
    ]);
    expect(
      warnings({
        env: { CHIO_SERVICE_HOST: "1", CHIO_SIDECAR_PORT: "tcp://1", CHIO_SIDECAR_PORT_9090_TCP_ADDR: "1", CHIO_SERVICE_PORT_HTTP: "1" },
      }),
    ).toEqual([]);
  });

  it.each([
    [0o400, null],
    [0o440, null],
    [0o644, /every user of this machine/],
    [0o460, /its group/],
  ])("say when the key file's mode is too open: %o", (mode, expected) => {
    const given = {
      env: { CHIO_SIGNING_KEY: "", CHIO_SIGNING_KEY_FILE: "/k" },
      files: { "/k": SEED },
      modes: { "/k": mode },
    };
    if (expected === null) expect(warnings(given)).toEqual([]);
    else expect(warnings(given)).toEqual([expect.stringMatching(expected)]);
  });

  it("say what is accepted and not used", () => {
    expect(
      warnings({
        env: {
          CHIO_CAPABILITY_AUTHORITY_URL: "https://ctl:8940",
          CHIO_CONTROL_TLS_CLIENT_CERT: "c",
          CHIO_CONTROL_TLS_CLIENT_KEY: "k",
          CHIO_POLICY_REFRESH: "5m",
          CHIO_SIDECAR_CONTROL_TOKEN: "shorty",
        },
      }),
    ).toEqual([
      expect.stringMatching(/^CHIO_POLICY_REFRESH: .*built-in policy never changes/),
      expect.stringMatching(/^CHIO_SIDECAR_CONTROL_TOKEN: shorter than 16/),
      expect.stringMatching(/^CHIO_CAPABILITY_AUTHORITY_URL: .*not contacted/),
      expect.stringMatching(/not used by this version/),
    ]);
  });
});
