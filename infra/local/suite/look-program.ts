import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, statSync } from "node:fs";

// Runs beside a container, in its process and network namespaces, under the runtime of the sidecar's image: it sees what a process inside would see,
// and needs nothing inside. One line of JSON out, as `Sight` of the module beside this one.

/** The root of the container's first process, in that process's own mounts. */
const ROOT = "/proc/1/root";
const FILE_LIMIT = 256 * 1024;
const TOTAL_LIMIT = 16 * 1024 * 1024;
const KERNEL = new Set(["proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts"]);

let total = 0;

/** As if it had gone: a process or file that ends while it is read. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function processes() {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  return pids.flatMap((pid) => {
    const status = orNull(() => readFileSync(`/proc/${pid}/status`, "utf8"));
    const environ = orNull(() => readFileSync(`/proc/${pid}/environ`, "latin1"));
    if (status === null) return [];
    const fields = Object.fromEntries(status.split("\n").map((line) => line.split(":\t", 2)));
    // A zombie has ended: it has no environment any more, and does nothing.
    if (String(fields.State).startsWith("Z")) return [];
    return [{ pid: Number(pid), command: orNull(() => readFileSync(`/proc/${pid}/cmdline`, "latin1")) ?? "", environ, status: fields }];
  });
}

function mounts() {
  return readFileSync("/proc/1/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const [, , , , point = "", options = ""] = before.split(" ");
      return {
        point: point.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))),
        options,
        type: after.split(" ")[0] ?? "",
      };
    });
}

/** Content of the files in the container's mounts; the image's own files are not among them. */
function files(points: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string) => {
    const facts = orNull(() => lstatSync(ROOT + path));
    if (facts === null || total > TOTAL_LIMIT) return;
    if (facts.isDirectory()) for (const name of orNull(() => readdirSync(ROOT + path)) ?? []) walk(`${path}/${name}`);
    if (!facts.isFile()) return;
    const text = orNull(() =>
      readFileSync(ROOT + path)
        .subarray(0, FILE_LIMIT)
        .toString("latin1"),
    );
    if (text === null) return;
    total += text.length;
    found[path] = text;
  };
  for (const point of points) walk(point);
  return found;
}

function listening() {
  return ["tcp", "tcp6"].flatMap((kind) => {
    const lines = (orNull(() => readFileSync(`/proc/self/net/${kind}`, "utf8")) ?? "").trim().split("\n").slice(1);
    return lines.flatMap((line) => {
      const [, local = "", , state] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      if (state !== "0A") return [];
      // Words of four bytes, each in the order of the machine.
      const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, "hex").reverse()]);
      const mapped = bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255;
      const loopback =
        bytes.length === 4 ? bytes[0] === 127 : mapped ? bytes[12] === 127 : Buffer.from(bytes).toString("hex") === `${"0".repeat(31)}1`;
      return [{ port: Number.parseInt(port, 16), loopback }];
    });
  });
}

/** Tries to make a directory in each directory of the root: what came of it, by path. */
function writes(): Record<string, string> {
  const device = statSync(`${ROOT}/`).dev;
  const names = readdirSync(`${ROOT}/`).map((name) => `/${name}`);
  const own = names.filter((path) => {
    const facts = orNull(() => lstatSync(ROOT + path));
    return facts?.isDirectory() === true && facts.dev === device;
  });
  return Object.fromEntries(
    ["/", ...own].map((path) => {
      const made = `${ROOT}${path === "/" ? "" : path}/.chio-lifecycle-${process.pid}`;
      try {
        mkdirSync(made);
        rmdirSync(made);
        return [path, "written"];
      } catch (error) {
        return [path, String((error as NodeJS.ErrnoException).code)];
      }
    }),
  );
}

if (process.env.LOOK === "write") {
  process.stdout.write(`${JSON.stringify({ writes: writes() })}\n`);
} else {
  const all = mounts();
  const points = all
    .filter(({ point, type }) => point !== "/" && !KERNEL.has(type) && !/^\/(proc|sys)(\/|$)/.test(point))
    .map(({ point }) => point);
  const pidNamespace = readlinkSync("/proc/self/ns/pid");
  process.stdout.write(
    `${JSON.stringify({ pidNamespace, processes: processes(), mounts: all, files: files(points), listening: listening() })}\n`,
  );
}
