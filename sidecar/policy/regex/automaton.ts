import type { RegexNode } from "./parse.ts";
import { buildProgram, type Kind, type Program } from "./program.ts";

export interface RegexMatch {
  /** Index of the pattern in the set: the first one that matches at the earliest end. */
  pattern: number;
  /** UTF-16 index behind the match's last character, at its earliest end. */
  end: number;
}

interface State {
  /** Nodes to continue from, sorted. */
  nodes: readonly number[];
  /** What stands before the current position. */
  before: Kind;
}

const UNKNOWN = -1;
const DEAD = -2;
/** Accepting transitions are `ACCEPT - pattern`. */
const ACCEPT = -3;
const MAX_STATES = 2000;

/**
 * Finds several patterns in one pass over a text, in time linear in its length whatever the patterns are: a deterministic automaton, built state by
 * state as texts need it and thrown away when it grows too large. With `anchored` the match has to begin where the text begins.
 */
export class Automaton {
  readonly #program: Program;
  readonly #anchored: boolean;
  /** Character classes and the end of the text. */
  readonly #width: number;
  #states: State[] = [];
  #ids = new Map<string, number>();
  /** `#table[state * #width + symbol]` is the next state. */
  #table = new Int32Array(0);
  /** Id of the state that every search begins in. */
  #start = UNKNOWN;
  readonly #marks: Uint32Array;
  #mark = 0;

  constructor(patterns: readonly RegexNode[], options: { anchored: boolean }) {
    this.#program = buildProgram(patterns);
    this.#anchored = options.anchored;
    this.#width = this.#program.alphabet.size + 1;
    this.#marks = new Uint32Array(this.#program.nodes.length);
  }

  search(text: string): RegexMatch | null {
    const { alphabet } = this.#program;
    const { ascii } = alphabet;
    const width = this.#width;
    if (this.#start === UNKNOWN) this.#start = this.#state(sorted(this.#program.roots), "edge");
    let state = this.#start;
    let table = this.#table;
    let at = 0;
    for (;;) {
      let symbol = width - 1;
      let step = 0;
      if (at < text.length) {
        const unit = text.charCodeAt(at);
        step = 1;
        if (unit < 128) symbol = ascii[unit] as number;
        else {
          const codePoint = text.codePointAt(at) as number;
          symbol = alphabet.classOf(codePoint);
          if (codePoint > 0xffff) step = 2;
        }
      }
      let next = table[state * width + symbol] as number;
      if (next < 0) {
        if (next === UNKNOWN) {
          next = this.#step(state, symbol);
          table = this.#table;
        }
        if (next <= ACCEPT) return { pattern: ACCEPT - next, end: at };
        if (next === DEAD) return null;
      }
      if (step === 0) return null;
      state = next;
      at += step;
    }
  }

  /** Works out one transition and remembers it. */
  #step(id: number, symbol: number): number {
    const { nodes, alphabet, sets, roots } = this.#program;
    const state = this.#states[id] as State;
    const after: Kind = symbol === alphabet.size ? "edge" : (alphabet.kinds[symbol] ?? "other");
    let accepted = Number.POSITIVE_INFINITY;
    const targets: number[] = [];
    for (const reached of this.#closure(state.nodes, state.before, after)) {
      const node = nodes[reached];
      if (node?.op === "accept") accepted = Math.min(accepted, node.pattern);
      else if (node?.op === "set" && sets[node.set]?.[symbol] === 1) targets.push(node.next);
    }
    let next: number;
    if (accepted !== Number.POSITIVE_INFINITY) next = ACCEPT - accepted;
    else {
      if (!this.#anchored) targets.push(...roots);
      next = symbol === alphabet.size || targets.length === 0 ? DEAD : this.#state(sorted(targets), after);
    }
    // After a new beginning the id means another state.
    if (this.#states[id] === state) this.#table[id * this.#width + symbol] = next;
    return next;
  }

  /** Nodes reachable without reading a character, between the two neighbours. */
  #closure(from: readonly number[], before: Kind, after: Kind): number[] {
    this.#mark += 1;
    const reached: number[] = [];
    const stack = [...from];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (this.#marks[id] === this.#mark) continue;
      this.#marks[id] = this.#mark;
      reached.push(id);
      const node = this.#program.nodes[id];
      if (node?.op === "split") stack.push(node.next, node.other);
      else if (node?.op === "assert" && holds(node.kind, before, after)) stack.push(node.next);
    }
    return reached;
  }

  #state(nodes: readonly number[], before: Kind): number {
    const key = `${before}:${nodes.join()}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    if (this.#states.length >= MAX_STATES) {
      // Begin anew. The search that stands here goes on with the state that is made now.
      this.#states = [];
      this.#ids = new Map();
      this.#table.fill(UNKNOWN);
      this.#start = UNKNOWN;
    }
    const id = this.#states.push({ nodes, before }) - 1;
    this.#ids.set(key, id);
    if ((id + 1) * this.#width > this.#table.length) {
      const larger = new Int32Array(Math.max(8, id * 2) * this.#width).fill(UNKNOWN);
      larger.set(this.#table);
      this.#table = larger;
    }
    return id;
  }
}

function holds(kind: string, before: Kind, after: Kind): boolean {
  switch (kind) {
    case "text_start":
      return before === "edge";
    case "text_end":
      return after === "edge";
    case "line_start":
      return before === "edge" || before === "newline";
    case "line_end":
      return after === "edge" || after === "newline";
    case "word_edge":
      return (before === "word") !== (after === "word");
    default:
      return (before === "word") === (after === "word");
  }
}

function sorted(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
