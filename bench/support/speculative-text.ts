/** Tables and prose of `bench:speculative`. */
import type { TableText } from './command-line.ts';
import { markdownTable, provenanceOf } from './report-files.ts';
import { fastest, settingsOf, verdicts, type SpeculativeReport, type SpeculativeRow, type TimeShares } from './speculative-report.ts';
import { formatRatio, ratioOfMedians } from './statistics.ts';

const SPEED_HEAD = [
  'branches',
  'temperature',
  'candidate',
  'tokens/s',
  'range',
  'decoding only',
  'tokens/branch',
  '× plain decoder',
  'our fastest ÷ it',
  'acceptance',
  'mean k',
];
const SHARE_HEAD = ['branches', 'candidate', 'draft', 'verify', 'ours'];

export function speedTable({ rows }: Pick<SpeculativeReport, 'rows'>): TableText {
  return {
    head: SPEED_HEAD,
    rows: settingsOf(rows).flatMap((setting) => {
      const ours = fastest(rows, 'ours', setting)!;
      const inSetting = rows.filter((row) => row.branches === setting.branches && row.temperature === setting.temperature);
      return inSetting.map((row) => speedCells(row, ours));
    }),
  };
}

function speedCells(row: SpeculativeRow, ours: SpeculativeRow): string[] {
  const { tokensPerSecond, drafts } = row;
  const isPeer = row.group !== 'ours' && row.group !== 'draft-length';
  return [
    String(row.branches),
    row.temperature === 0 ? 'greedy' : String(row.temperature),
    row.candidate + (row.threads === undefined ? '' : `, ${row.threads} ${row.threads === 1 ? 'thread' : 'threads'}`),
    tokensPerSecond.median.toFixed(0),
    `${tokensPerSecond.min.toFixed(0)}–${tokensPerSecond.max.toFixed(0)}`,
    row.decodeTokensPerSecond.median.toFixed(0),
    row.usefulTokensPerBranch.toFixed(1),
    formatRatio(row.overPlain),
    isPeer ? formatRatio(ratioOfMedians(ours.rates, row.rates)) : '',
    drafts && drafts.meanLength > 0 ? drafts.acceptance.toFixed(2) : '',
    drafts ? drafts.meanLength.toFixed(2) : '',
  ];
}

export function shareTable({ timeShares }: Pick<SpeculativeReport, 'timeShares'>): TableText {
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  return {
    head: SHARE_HEAD,
    rows: timeShares.map(({ branches, candidate, draft, verify, ours }: TimeShares) => [
      String(branches),
      candidate,
      percent(draft),
      percent(verify),
      percent(ours),
    ]),
  };
}

/** One line for each kind of text that was compared. */
export function agreementLines({ agreements }: Pick<SpeculativeReport, 'agreements'>): string[] {
  return (['greedy', 'sampled'] as const).flatMap((kind) => {
    const compared = agreements.filter((agreement) => agreement.kind === kind);
    if (compared.length === 0) return [];
    const counts = compared.map(({ candidate, equal, of }) => `${candidate} ${equal} of ${of}`);
    return [`${kind === 'greedy' ? 'Greedy' : 'Sampled'} texts equal to those of our plain decoder: ${counts.join('; ')}.`];
  });
}

/** The section of `docs/decoding.md`. */
export function markdownOf(report: SpeculativeReport): string {
  const { settings } = report;
  const [speed, shares] = [speedTable(report), shareTable(report)];
  return [
    provenanceOf(report),
    `${settings.rounds} rounds of ${settings.prompts} problems of tier ${settings.tier} (three times as many with one branch), at most ${settings.maxTokens} new tokens, threads of ours: ${settings.threads}. ${agreementLines(report).join(' ')}`,
    markdownTable(speed.head, speed.rows),
    'Median of the rounds and their range; ratios with the 95 % interval of a paired bootstrap over rounds. `mean k` is drafted tokens a round of a branch, rounds without a draft included.',
    markdownTable(shares.head, shares.rows),
    'Where the time goes after the prompt has been read, at temperature 1 on the main thread: passes of the draft model, passes of the target, everything else.',
    verdicts(report)
      .map((line) => `- ${line}`)
      .join('\n'),
  ].join('\n\n');
}
