import { isMap, isNode, type LineCounter, type Node } from "yaml";

/** Line and column of an offset, both from 1. */
export function placeOf(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

/**
 * Offset of what a path leads to: its value, or its key where that stands on another line or `atKey` is set; where it is missing, of what should
 * have held it.
 */
export function nodeAt(root: Node, path: readonly (string | number)[], atKey = false): number | undefined {
  let node: Node = root;
  for (const [index, step] of path.entries()) {
    const last = index === path.length - 1;
    const key = keyNode(node, step);
    if (last && atKey && key !== null) return key.range?.[0];
    const next = child(node, step);
    if (next === null) return (key ?? node).range?.[0];
    node = next;
  }
  return node.range?.[0];
}

function child(node: Node, step: string | number): Node | null {
  if (!("get" in node) || typeof node.get !== "function") return null;
  const next: unknown = node.get(step, true);
  return isNode(next) && next.range != null ? next : null;
}

function keyNode(node: Node, step: string | number): Node | null {
  if (!isMap(node)) return null;
  const pair = node.items.find((item) => isNode(item.key) && String(item.key) === String(step));
  return isNode(pair?.key) ? pair.key : null;
}
