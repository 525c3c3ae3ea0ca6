/** What the loader must find before a dynamic executable can start. */
export interface ElfNeeds {
  machine: "x64" | "arm64";
  /** Path of the loader; null in a shared library. */
  interpreter: string | null;
  libraries: string[];
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const MACHINES = new Map<number, ElfNeeds["machine"]>([
  [62, "x64"],
  [183, "arm64"],
]);

/** Reads a 64-bit little-endian ELF file. Throws on anything else. */
export function elfNeeds(file: Buffer): ElfNeeds {
  if (file.toString("latin1", 0, 4) !== "\x7fELF" || file[4] !== 2 || file[5] !== 1) throw new Error("not a 64-bit little-endian ELF file");
  const machine = MACHINES.get(file.readUInt16LE(18));
  if (machine === undefined) throw new Error(`machine ${file.readUInt16LE(18)}`);
  const segments = readSegments(file);
  const interp = segments.find(({ type }) => type === PT_INTERP);
  const interpreter = interp === undefined ? null : cString(file, interp.offset);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return { machine, interpreter, libraries: [] };
  const tags = readDynamic(file, dynamic);
  const strings = tags.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0;
  const load = segments.find(({ type, address, size }) => type === PT_LOAD && strings >= address && strings < address + size);
  if (load === undefined) throw new Error("no segment holds the string table");
  const table = load.offset + (strings - load.address);
  return { machine, interpreter, libraries: tags.filter(([tag]) => tag === DT_NEEDED).map(([, at]) => cString(file, table + at)) };
}

interface Segment {
  type: number;
  offset: number;
  address: number;
  size: number;
}

function readSegments(file: Buffer): Segment[] {
  const at = Number(file.readBigUInt64LE(32));
  const entry = file.readUInt16LE(54);
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const base = at + index * entry;
    return {
      type: file.readUInt32LE(base),
      offset: Number(file.readBigUInt64LE(base + 8)),
      address: Number(file.readBigUInt64LE(base + 16)),
      size: Number(file.readBigUInt64LE(base + 32)),
    };
  });
}

function readDynamic(file: Buffer, { offset, size }: Segment): [tag: number, value: number][] {
  const tags: [number, number][] = [];
  for (let at = offset; at < offset + size; at += 16) {
    const tag = Number(file.readBigInt64LE(at));
    if (tag === 0) break;
    tags.push([tag, Number(file.readBigUInt64LE(at + 8))]);
  }
  return tags;
}

const cString = (file: Buffer, at: number) => file.toString("latin1", at, file.indexOf(0, at));
