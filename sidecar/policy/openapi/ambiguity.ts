import { captureSegment, type TemplateSegment } from "../path-template.ts";
import type { Route } from "../types.ts";
import type { CompiledRoute } from "./route-table.ts";

/**
 * Pairs of operations that match a common request and disagree on what it may do, where document order decides against the more specific one or
 * decides nothing: the app may well pick the other. `/pets/mine` before `/pets/{id}` is no such pair.
 */
export function ambiguousPairs(routes: readonly CompiledRoute[]): { first: number; second: number; shadowed: boolean }[] {
  const pairs: { first: number; second: number; shadowed: boolean }[] = [];
  const groups = new Map<string, number[]>();
  for (const [index, { route, segments }] of routes.entries()) {
    const key = `${route.method} ${segments.length}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  }
  for (const group of groups.values()) {
    // Most documents give every operation of a kind the same rules; then there is nothing to compare.
    if (group.every((index) => sameRules((routes[index] as CompiledRoute).route, (routes[group[0] as number] as CompiledRoute).route)))
      continue;
    for (const [position, second] of group.entries()) {
      for (const first of group.slice(0, position)) {
        const a = routes[first] as CompiledRoute;
        const b = routes[second] as CompiledRoute;
        if (sameRules(a.route, b.route) || !overlap(a.segments, b.segments)) continue;
        const aInB = covers(b.segments, a.segments);
        const bInA = covers(a.segments, b.segments);
        if (aInB && !bInA) continue;
        pairs.push({ first, second, shadowed: bInA });
      }
    }
  }
  return pairs;
}

function sameRules(a: Route, b: Route): boolean {
  const declared = (route: Route) => (route.tool?.declared === true ? route.tool.name : null);
  return (
    a.policy === b.policy &&
    a.approvalRequired === b.approvalRequired &&
    a.websocket === b.websocket &&
    a.streamBody === b.streamBody &&
    a.budgetLimit === b.budgetLimit &&
    declared(a) === declared(b)
  );
}

function overlap(a: readonly TemplateSegment[], b: readonly TemplateSegment[]): boolean {
  return a.every((segment, index) => {
    const other = b[index] as TemplateSegment;
    if ("literal" in segment) return captureSegment(other, segment.literal) !== null;
    // Two templates are taken to overlap: telling them apart is not worth a wrong answer.
    return "literal" in other ? captureSegment(segment, other.literal) !== null : true;
  });
}

/** True when every path that `narrow` matches is matched by `wide`, segment by segment. */
function covers(wide: readonly TemplateSegment[], narrow: readonly TemplateSegment[]): boolean {
  return wide.every((segment, index) => {
    const other = narrow[index] as TemplateSegment;
    if ("literal" in other) return captureSegment(segment, other.literal) !== null;
    if ("literal" in segment) return false;
    const free = segment.around.every((text) => text === "");
    return free || segment.around.join("{}") === other.around.join("{}");
  });
}
