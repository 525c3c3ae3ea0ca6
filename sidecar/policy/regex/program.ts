import { type CharSet, contains, MAX_CODE_POINT, WORD } from "./charset.ts";
import type { Assertion, RegexNode } from "./parse.ts";

/** A nondeterministic automaton for several patterns at once. */
export interface Program {
  nodes: ProgramNode[];
  /** First node of each pattern. */
  roots: number[];
  alphabet: Alphabet;
  /** For each set used by the nodes: which character classes are in it. */
  sets: Uint8Array[];
}

export type ProgramNode =
  | { op: "set"; set: number; next: number }
  | { op: "split"; next: number; other: number }
  | { op: "assert"; kind: Assertion; next: number }
  | { op: "accept"; pattern: number };

/** What assertions ask about a neighbour. `edge` is the beginning or the end of the text. */
export type Kind = "edge" | "newline" | "word" | "other";

export const MAX_NODES = 20_000;

/**
 * Code points fall into classes that no set of the program tells apart; the automaton works on classes. Classes also keep newline and word
 * characters apart, for the assertions.
 */
export class Alphabet {
  readonly size: number;
  readonly kinds: Kind[];
  /** Class of each ASCII character. */
  readonly ascii = new Uint16Array(128);
  readonly #starts: number[];

  constructor(sets: readonly CharSet[]) {
    const starts = new Set<number>([0]);
    for (const set of [...sets, WORD, [0x0a, 0x0a]]) {
      for (let i = 0; i < set.length; i += 2) {
        starts.add(set[i] ?? 0);
        if ((set[i + 1] ?? 0) < MAX_CODE_POINT) starts.add((set[i + 1] ?? 0) + 1);
      }
    }
    this.#starts = [...starts].sort((a, b) => a - b);
    this.size = this.#starts.length;
    this.kinds = this.#starts.map((start) => (start === 0x0a ? "newline" : contains(WORD, start) ? "word" : "other"));
    for (let code = 0; code < 128; code += 1) this.ascii[code] = this.#search(code);
  }

  classOf(codePoint: number): number {
    return codePoint < 128 ? (this.ascii[codePoint] ?? 0) : this.#search(codePoint);
  }

  /** 1 for each class that lies in the set. A class never lies in it partly. */
  membership(set: CharSet): Uint8Array {
    const inside = new Uint8Array(this.size);
    // Both are sorted: one walk along the two of them.
    let range = 0;
    for (let index = 0; index < this.size; index += 1) {
      const start = this.#starts[index] ?? 0;
      while (range < set.length && (set[range + 1] ?? 0) < start) range += 2;
      if (range < set.length && (set[range] ?? 0) <= start) inside[index] = 1;
    }
    return inside;
  }

  #search(codePoint: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= codePoint) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Thompson's construction. Throws RangeError when counted repetition makes the automaton larger than {@link MAX_NODES}. */
export function buildProgram(patterns: readonly RegexNode[]): Program {
  const sets: CharSet[] = [];
  const setIds = new Map<CharSet, number>();
  const setIdsByContent = new Map<string, number>();
  const collect = (set: CharSet): void => {
    if (setIds.has(set)) return;
    const key = set.join();
    const known = setIdsByContent.get(key) ?? sets.push(set) - 1;
    setIdsByContent.set(key, known);
    setIds.set(set, known);
  };
  for (const pattern of patterns) collectSets(pattern, collect);
  const alphabet = new Alphabet(sets);
  const nodes: ProgramNode[] = [];
  const add = (node: ProgramNode): number => {
    if (nodes.length >= MAX_NODES) throw new RangeError("the patterns are too large together");
    return nodes.push(node) - 1;
  };
  const emit = (node: RegexNode, next: number): number => {
    switch (node.type) {
      case "set":
        return add({ op: "set", set: setIds.get(node.set) ?? 0, next });
      case "assert":
        return add({ op: "assert", kind: node.kind, next });
      case "cat":
        return node.items.reduceRight((after, item) => emit(item, after), next);
      case "alt":
        return node.items.map((item) => emit(item, next)).reduceRight((other, entry) => add({ op: "split", next: entry, other }));
      case "repeat":
        return emitRepeat(node, next);
    }
  };
  const emitRepeat = (node: Extract<RegexNode, { type: "repeat" }>, next: number): number => {
    let entry = next;
    if (node.max === Number.POSITIVE_INFINITY) {
      const loop = add({ op: "split", next, other: next });
      nodes[loop] = { op: "split", next: emit(node.item, loop), other: next };
      entry = loop;
    } else {
      for (let count = node.min; count < node.max; count += 1) entry = add({ op: "split", next: emit(node.item, entry), other: next });
    }
    for (let count = 0; count < node.min; count += 1) entry = emit(node.item, entry);
    return entry;
  };
  const roots = patterns.map((pattern, index) => emit(pattern, add({ op: "accept", pattern: index })));
  return { nodes, roots, alphabet, sets: sets.map((set) => alphabet.membership(set)) };
}

function collectSets(node: RegexNode, collect: (set: CharSet) => void): void {
  if (node.type === "set") collect(node.set);
  else if (node.type === "repeat") collectSets(node.item, collect);
  else if (node.type !== "assert") for (const item of node.items) collectSets(item, collect);
}
