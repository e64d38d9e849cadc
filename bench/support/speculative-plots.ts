/** Plots of `bench:speculative`: vega-lite specifications, and the files drawn from them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpeculativeReport, SpeculativeRow } from './speculative-report.ts';
import { ADAPTIVE, PLAIN } from './speculative-roster.ts';

type Rows = Pick<SpeculativeReport, 'rows'>;
type Specification = Readonly<Record<string, unknown>>;

const FRAME = {
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  background: 'white',
  width: 460,
  height: 280,
  config: {
    font: 'sans-serif',
    axis: { labelFontSize: 12, titleFontSize: 12 },
    legend: { labelFontSize: 12, titleFontSize: 12, labelLimit: 0, symbolOpacity: 1 },
  },
} as const;

/** Tokens a second against branches, at temperature 1. */
export function ratePlot({ rows }: Rows): Specification {
  const shown = rows.filter(({ group, temperature }) => group !== 'draft-length' && temperature === 1);
  return {
    ...FRAME,
    data: {
      values: shown.map(({ candidate, group, branches, tokensPerSecond: { median, min, max } }) => ({
        candidate,
        isPeer: group !== 'ours',
        branches,
        median,
        min,
        max,
      })),
    },
    encoding: {
      x: { field: 'branches', type: 'quantitative', scale: { type: 'log', base: 2 }, axis: { values: [...new Set(shown.map(({ branches }) => branches))] } },
      color: { field: 'candidate', type: 'nominal', sort: null, title: null, scale: { scheme: 'tableau10' } },
    },
    layer: [
      { mark: { type: 'rule', opacity: 0.4 }, encoding: { y: { field: 'min', type: 'quantitative', title: 'tokens a second' }, y2: { field: 'max' } } },
      {
        mark: { type: 'line', point: true },
        encoding: {
          y: { field: 'median', type: 'quantitative' },
          strokeDash: {
            field: 'isPeer',
            type: 'nominal',
            legend: null,
            scale: {
              domain: [false, true],
              range: [
                [1, 0],
                [5, 3],
              ],
            },
          },
        },
      },
    ],
  };
}

/** Speed over plain decoding against the length of drafts, and what adaptive lengths reach. */
export function draftLengthPlot({ rows }: Rows): Specification {
  const fixed = rows.filter(({ draftLength, temperature }) => typeof draftLength === 'number' && temperature === 1);
  const branchCounts = [...new Set(fixed.filter(({ group }) => group === 'draft-length').map(({ branches }) => branches))];
  const pointOf = ({ branches, draftLength = 0, overPlain: { ratio, low, high } }: SpeculativeRow): Specification => ({
    branches: branchesText(branches),
    length: draftLength,
    ratio,
    low,
    high,
  });
  const measured = rows.filter(({ branches, temperature }) => branchCounts.includes(branches) && temperature === 1);
  return {
    ...FRAME,
    encoding: { color: { field: 'branches', type: 'nominal', sort: null, title: null } },
    layer: [
      {
        data: { values: measured.filter(({ candidate, draftLength }) => candidate === PLAIN || typeof draftLength === 'number').map(pointOf) },
        encoding: { x: { field: 'length', type: 'quantitative', title: 'drafted tokens a round', axis: { tickMinStep: 1 } } },
        layer: [
          { mark: { type: 'rule', opacity: 0.4 }, encoding: { y: { field: 'low', type: 'quantitative', title: '× plain decoder' }, y2: { field: 'high' } } },
          { mark: { type: 'line', point: true }, encoding: { y: { field: 'ratio', type: 'quantitative' } } },
        ],
      },
      {
        data: { values: measured.filter(({ candidate }) => candidate === ADAPTIVE).map((row) => ({ ...pointOf(row), length: undefined })) },
        mark: { type: 'rule', strokeDash: [5, 3] },
        encoding: { y: { field: 'ratio', type: 'quantitative' } },
      },
    ],
  };
}

/** Acceptance against the position in a draft, given that everything before it stood. */
export function acceptancePlot({ rows }: Rows): Specification {
  const sampled = rows.filter(({ drafts, temperature }) => temperature === 1 && drafts && drafts.byPosition.length > 0);
  const most = Math.max(...sampled.map(({ branches }) => branches));
  const longest = Math.max(...sampled.map(({ draftLength }) => (typeof draftLength === 'number' ? draftLength : 0)));
  const shown = sampled.filter(
    ({ branches, draftLength, candidate }) => draftLength === longest || (branches === most && draftLength === 'adaptive' && candidate !== ADAPTIVE),
  );
  const values = shown.flatMap(({ candidate, branches, drafts }) =>
    drafts!.byPosition.flatMap(({ proposed, accepted }, position) =>
      proposed < FEWEST ? [] : [{ series: `${candidate}, ${branchesText(branches)}`, position: position + 1, acceptance: accepted / proposed, proposed }],
    ),
  );
  return {
    ...FRAME,
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'position', type: 'quantitative', title: 'position in the draft', axis: { tickMinStep: 1 } },
      y: { field: 'acceptance', type: 'quantitative', title: 'accepted, given all before', scale: { domain: [0, 1] } },
      color: { field: 'series', type: 'nominal', sort: null, title: null },
    },
  };
}

/** Fewer outcomes than this say nothing of a rate. */
const FEWEST = 20;

/** Draws the plots of a report as SVG, with the packages of `bench/peers`. */
export async function writePlots(report: SpeculativeReport, directory: string): Promise<void> {
  const { renderPlot } = (await import(new URL('../peers/render-plot.js', import.meta.url).href)) as {
    readonly renderPlot: (specification: Specification) => Promise<string>;
  };
  mkdirSync(directory, { recursive: true });
  const plots = { rates: ratePlot(report), 'draft-length': draftLengthPlot(report), acceptance: acceptancePlot(report) };
  for (const [name, specification] of Object.entries(plots)) writeFileSync(join(directory, `decoding-${name}.svg`), `${await renderPlot(specification)}\n`);
}

function branchesText(branches: number): string {
  return `${branches} ${branches === 1 ? 'branch' : 'branches'}`;
}
