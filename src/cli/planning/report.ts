import { writeFile } from 'node:fs/promises';
import { InvalidOptionError } from '../../errors.ts';
import type { ReportData } from '../../report-page/report-data.ts';
import type { CliHost } from '../host.ts';
import { readPlanFile } from './plan-file.ts';
import { readMeasured, reportData } from './report-data.ts';
import { reportHtml } from './report-html.ts';
import { requireWritable } from './writable.ts';

export interface ReportOptions {
  readonly from: string;
  readonly out: string;
  readonly measured?: string;
  readonly confidence: number;
  readonly json?: string;
  readonly csv?: string;
}

/** `latency-tts report`: a page that shows a calibration; its data as JSON, its candidates as CSV. */
export async function report({ from, out, measured, confidence, json, csv }: ReportOptions, host: CliHost): Promise<void> {
  if (!(confidence >= 0.5 && confidence < 1)) throw new InvalidOptionError('confidence', 'a probability in [0.5, 1)', confidence);
  for (const [option, path] of Object.entries({ out, json, csv })) if (path !== undefined) await requireWritable(path, option);
  const data = reportData(await readPlanFile(from), measured === undefined ? [] : await readMeasured(measured), confidence);
  const files = [
    [out, await reportHtml(data)],
    ...(json === undefined ? [] : [[json, `${JSON.stringify(data, null, 2)}\n`] as const]),
    ...(csv === undefined ? [] : [[csv, candidatesAsCsv(data)] as const]),
  ] as const;
  for (const [path, text] of files) await writeFile(path, text);
  host.stdout.write(`${files.map(([path]) => path).join(', ')} ${files.length === 1 ? 'is' : 'are'} written.\n`);
}

const COLUMNS = [
  'plan',
  'strategy',
  'branches',
  'draftLength',
  'source',
  'deadlineMs',
  'accuracy',
  'accuracyLow',
  'accuracyHigh',
  'p50Ms',
  'p95Ms',
  'p99Ms',
  'tokens',
] as const;

/** Every candidate under every fitted deadline (RFC 4180); without a deadline that field is empty. */
function candidatesAsCsv({ candidates }: ReportData): string {
  const field = (value: string | number | null): string =>
    typeof value === 'string' && /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : `${value ?? ''}`;
  const lines = [COLUMNS.join(','), ...candidates.map((candidate) => COLUMNS.map((column) => field(candidate[column])).join(','))];
  return `${lines.join('\r\n')}\r\n`;
}
