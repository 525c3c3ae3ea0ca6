import { accessSync, closeSync, constants, openSync, readSync } from "node:fs";

/** The kernel reads as much of a script's first line; a loader's path in a program stands within the first page. */
const HEAD = 4096;
const ELF = "\x7fELF";
const PT_INTERP = 3;

export interface Interpreter {
  kind: "program" | "script";
  /** The loader of a dynamic program, or what a script's `#!` names. Null: a static program, or a form that this does not read. */
  path: string | null;
}

/** What the kernel starts to run `file`. Null where it is neither a 64-bit little-endian ELF program nor a `#!` script. Throws as the file system does. */
export function interpreterOf(file: string): Interpreter | null {
  const head = readHead(file);
  if (head.toString("latin1", 0, 2) === "#!") {
    const line = head.toString("utf8", 2).split("\n", 1)[0]!.trim();
    return { kind: "script", path: line.split(/\s/, 1)[0] || null };
  }
  if (head.length < 64 || head.toString("latin1", 0, 4) !== ELF) return null;
  const program = { kind: "program", path: null } as const;
  if (head[4] !== 2 || head[5] !== 1) return program;
  const table = Number(head.readBigUInt64LE(32));
  const [entry, count] = [head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let index = 0; index < count; index++) {
    const at = table + index * entry;
    if (at + 40 > head.length) break;
    if (head.readUInt32LE(at) !== PT_INTERP) continue;
    const [offset, size] = [Number(head.readBigUInt64LE(at + 8)), Number(head.readBigUInt64LE(at + 32))];
    if (offset + size > head.length) break;
    return { kind: "program", path: head.toString("latin1", offset, offset + size).replace(/\0.*$/s, "") };
  }
  return program;
}

/** By the loader's name: `/lib64/ld-linux-x86-64.so.2`, `/lib/ld-musl-aarch64.so.1`. */
export function libcOf(loader: string): "glibc" | "musl" | null {
  const name = loader.slice(loader.lastIndexOf("/") + 1);
  if (name.startsWith("ld-musl-")) return "musl";
  return name.startsWith("ld-linux") || name.startsWith("ld64.so") ? "glibc" : null;
}

function readHead(file: string): Buffer {
  const fd = openSync(file, "r");
  try {
    const head = Buffer.alloc(HEAD);
    return head.subarray(0, readSync(fd, head, 0, HEAD, 0));
  } finally {
    closeSync(fd);
  }
}

/** Whether this user may run the file: by its mode, and by the mount that it is on. */
export function mayRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
