import type { Colour, Mark, Point } from "../../svg/index.ts";

/** What happened at a moment. Each has a shape of its own: colour is never the only sign. */
export type Sign = "signal" | "exit" | "bad-exit" | "drained" | "restarted" | "failed" | "note";

/** `title`: what the pointer sees. */
export function sign(kind: Sign, [x, y]: Point, title: string): Mark[] {
  switch (kind) {
    case "signal":
      return [
        {
          kind: "polygon",
          points: [
            [x - 5, y - 9],
            [x + 5, y - 9],
            [x, y + 1],
          ],
          fill: "violet",
          title,
        },
      ];
    case "exit":
      return [{ kind: "rect", x: x - 4, y: y - 4, width: 8, height: 8, fill: "ink", title }];
    case "bad-exit":
      return [{ kind: "rect", x: x - 5.5, y: y - 5.5, width: 11, height: 11, fill: "red", title }, ...cross([x, y], 2.8, "page")];
    case "drained":
      return [
        {
          kind: "polygon",
          points: [
            [x, y - 6],
            [x + 6, y],
            [x, y + 6],
            [x - 6, y],
          ],
          fill: "teal",
          title,
        },
      ];
    case "restarted":
      return [
        {
          kind: "polygon",
          points: [
            [x - 3, y - 6],
            [x + 6, y],
            [x - 3, y + 6],
          ],
          fill: "amber",
          title,
        },
      ];
    case "failed":
      return cross([x, y], 5, "red", title);
    case "note":
      return [{ kind: "circle", at: [x, y], radius: 3, fill: "muted", title }];
  }
}

export function cross([x, y]: Point, arm: number, stroke: Colour, title?: string): Mark[] {
  const said = title === undefined ? {} : { title };
  return [
    {
      kind: "line",
      points: [
        [x - arm, y - arm],
        [x + arm, y + arm],
      ],
      stroke,
      strokeWidth: arm > 3.5 ? 2.5 : 1.6,
      ...said,
    },
    {
      kind: "line",
      points: [
        [x - arm, y + arm],
        [x + arm, y - arm],
      ],
      stroke,
      strokeWidth: arm > 3.5 ? 2.5 : 1.6,
      ...said,
    },
  ];
}
