/** What `bench:real` has measured, the ratios it comes to, and its section of the docs. */
import { readFileSync } from 'node:fs';
import { markdownTable, provenanceOf, type BenchmarkReport } from './report-files.ts';
import { FIXED_LENGTHS } from './real-contestants.ts';
import { formatRatio, ratioOfMedians, roundTo, spreadOf, type Ratio } from './statistics.ts';

/** One contestant at one number of branches: tokens per second by round. */
export interface RealCase {
  readonly who: string;
  readonly format: string;
  readonly branches: number;
  readonly temperature: number;
  readonly rates: number[];
}

export interface RealReport extends BenchmarkReport {
  readonly benchmark: 'real';
  readonly model: string;
  readonly draft?: string;
  readonly problems: string;
  readonly tokens: number;
  readonly rounds: number;
  readonly cases: readonly RealCase[];
  /** Ratios with their 95 % intervals, by name of the headline. */
  readonly ratios: Readonly<Record<string, Ratio>>;
  /** Files that other figures of the headline come from. */
  readonly collected: Readonly<Record<string, string>>;
}

/** The figures of other benchmarks that belong to the same headline. */
const COLLECTED = ['memory_ratio', 'adapter_share_llama_cpp', 'sampling_share'] as const;

type Select = (each: RealCase) => boolean;

/** All ratios that what was measured allows, as ratios of medians over paired rounds. */
export function ratiosOf(cases: readonly RealCase[]): Record<string, Ratio> {
  const ratios: Record<string, Ratio> = {};
  const sampled = cases.filter(({ temperature }) => temperature > 0);
  const greedy = cases.filter(({ temperature }) => temperature === 0);
  const compare = (name: string, over: RealCase | undefined, under: RealCase | undefined): void => {
    if (over && under) ratios[name] = paired(over, under);
  };
  const plain: Select = ({ who }) => who === 'ours, no drafts';
  const ours: Select = (each) => plain(each) || isAdaptive(each);
  const drafted: Select = (each) => each.who.startsWith('ours') && !plain(each);
  for (const branches of [1, 8]) {
    const at = (select: Select, among = sampled): RealCase | undefined => fastest(among.filter((each) => each.branches === branches && select(each)));
    const of =
      (format: string, select: Select): Select =>
      (each) =>
        each.format === format && select(each);
    for (const format of ['q4', 'q8']) {
      compare(`share_of_runtime_b${branches}_${format}`, at(of(format, plain)), at(of(format, ({ who }) => who === 'runtime alone')));
      compare(`speedup_spec_b${branches}_${format}`, at(of(format, drafted)), at(of(format, plain)));
      compare(`speedup_spec_b${branches}_${format}_greedy`, at(of(format, drafted), greedy), at(of(format, plain), greedy));
    }
    compare(
      `share_of_runtime_b${branches}`,
      at(plain),
      at(({ who }) => who === 'runtime alone'),
    );
    compare(
      `vs_transformersjs_b${branches}`,
      at(ours),
      at(({ who }) => who === 'transformers.js'),
    );
    compare(
      `vs_node_llama_cpp_b${branches}`,
      at(ours),
      at(({ who }) => who === 'node-llama-cpp'),
    );
    compare(`speedup_spec_b${branches}`, at(of('q8', drafted)), at(of('q8', plain)));
    compare(`speedup_spec_b${branches}_any_format`, at(drafted), at(plain));
  }
  const worst = adaptiveRatios(cases).toSorted((left, right) => left.ratio.ratio - right.ratio.ratio)[0];
  if (worst) ratios['worst_adaptive_ratio'] = worst.ratio;
  return ratios;
}

/** Adaptive drafts over the best of none and every fixed length, by format, branches, temperature and who drafts. */
export function adaptiveRatios(cases: readonly RealCase[]): { readonly name: string; readonly best: string; readonly ratio: Ratio }[] {
  return cases.filter(isAdaptive).flatMap((adaptive) => {
    const { who, format, branches, temperature } = adaptive;
    const fixed = who === 'ours, draft model' ? ['ours, draft model of 4'] : FIXED_LENGTHS.map((length) => `ours, drafts of ${length}`);
    const rivals = cases.filter(
      (each) => each.format === format && each.branches === branches && each.temperature === temperature && ['ours, no drafts', ...fixed].includes(each.who),
    );
    const best = fastest(rivals);
    const name = `${who}, ${format}, ${branches}${temperature === 0 ? ', greedy' : ''}`;
    return best ? [{ name, best: best.who, ratio: paired(adaptive, best) }] : [];
  });
}

function isAdaptive({ who }: RealCase): boolean {
  return who === 'ours, adaptive' || who === 'ours, draft model';
}

function fastest(cases: readonly RealCase[]): RealCase | undefined {
  const measured = cases.filter(({ rates }) => rates.length > 0);
  return measured.toSorted((left, right) => spreadOf(right.rates).median - spreadOf(left.rates).median)[0];
}

/** Over the rounds that both have. */
function paired(over: RealCase, under: RealCase): Ratio {
  const rounds = Math.min(over.rates.length, under.rates.length);
  return ratioOfMedians(over.rates.slice(0, rounds), under.rates.slice(0, rounds));
}

/** Figures of result files of other benchmarks, and of this one on other models. */
export function collect(files: readonly string[]): { readonly headline: Record<string, number>; readonly from: Record<string, string> } {
  const headline: Record<string, number> = {};
  const from: Record<string, string> = {};
  for (const file of files) {
    const report = JSON.parse(readFileSync(file, 'utf8')) as BenchmarkReport & { readonly model?: string };
    const named = Object.entries(report.headline).flatMap(([name, value]): [string, number][] => {
      if (report.benchmark === 'real') return [[`${name}, ${report.model}`, value]];
      return COLLECTED.some((known) => known === name) ? [[name, value]] : [];
    });
    for (const [name, value] of named) {
      headline[name] = roundTo(value, 3);
      from[name] = file;
    }
  }
  return { headline, from };
}

export function markdownOf(report: RealReport): string {
  const { cases, ratios, tokens, rounds, model, draft, headline, collected } = report;
  const counts = [...new Set(cases.map(({ branches }) => branches))].sort((left, right) => left - right);
  const parts = [...new Set(cases.map(({ temperature }) => temperature))].map((temperature) => {
    const shown = cases.filter((each) => each.temperature === temperature);
    const table = markdownTable(
      ['', 'format', ...counts.map((count) => `${count} ${count === 1 ? 'branch' : 'branches'}`)],
      [...new Set(shown.map(({ who, format }) => `${who}|${format}`))].map((key) => [
        ...key.split('|'),
        ...counts.map((count) => cellOf(shown.find((each) => `${each.who}|${each.format}` === key && each.branches === count))),
      ]),
    );
    const sampling = temperature === 0 ? 'greedy' : `temperature ${temperature}, top-k 20, top-p 0.8`;
    return `Tokens per second of ${model}${draft === undefined ? '' : ` (draft model: ${draft})`}, at most ${tokens} tokens a branch, ${sampling}: median of ${rounds} rounds, and the extremes.\n\n${table}`;
  });
  const figures = Object.entries(headline).map(([name, value]) => [
    name,
    ratios[name] ? formatRatio(ratios[name]) : value.toFixed(3),
    collected[name] === undefined ? '' : `\`${collected[name]}\``,
  ]);
  const adaptive = adaptiveRatios(cases).map(({ name, best, ratio }) => [name, best.replace('ours, ', ''), formatRatio(ratio)]);
  return [
    ...parts,
    'Ratios of medians over paired rounds, with the 95 % interval of a bootstrap over rounds:',
    markdownTable(['figure', 'measured', 'from'], figures),
    'Adaptive drafts over the best of no drafts and every fixed length:',
    markdownTable(['', 'best', 'ratio'], adaptive),
    provenanceOf(report),
  ].join('\n\n');
}

function cellOf(found: RealCase | undefined): string {
  if (!found || found.rates.length === 0) return '';
  const { median, min, max } = spreadOf(found.rates);
  return `${median.toFixed(0)} (${min.toFixed(0)}–${max.toFixed(0)})`;
}
