/** `calibrate`, `plan` and `report`: what they keep, what they say, what they refuse. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generatedProblems, readProblems } from '../../src/cli/planning/calibration-problems.ts';
import { readPlanFile, writePlanFile } from '../../src/cli/planning/plan-file.ts';
import { TraceFile } from '../../src/cli/planning/trace-file.ts';
import { runCli } from '../../src/cli/program.ts';
import { LatencyOptimizer } from '../../src/planning/optimizer/latency-optimizer.ts';
import { formatTrace } from '../../src/planning/traces/trace-lines.ts';
import type { ReportData } from '../../src/report-page/report-data.ts';
import { inventTraces, PROFILE } from '../planning/optimizer/recorded-problems.ts';
import { holdHost, runHere } from '../support/cli-host.ts';

const directory = mkdtempSync(join(tmpdir(), 'latency-tts-plan-'));
const PLAN = join(directory, 'plan.json');
const inDirectory = (name: string): string => join(directory, name);

function written(name: string, text: string): string {
  writeFileSync(inDirectory(name), text);
  return inDirectory(name);
}

beforeAll(async () => {
  const traces = inventTraces({ count: 8, branches: 4, ease: (problem) => 0.3 + 0.08 * problem });
  const optimizer = await LatencyOptimizer.fit({ traces, profile: PROFILE, branches: [1, 4], draftLengths: [0, 2], replicas: 1, deadlines: 5 });
  await writePlanFile(PLAN, { optimizer });
});

afterAll(() => rmSync(directory, { recursive: true }));

describe('calibrate, on the bundled models', () => {
  const [out, traces] = [inDirectory('bundled.json'), inDirectory('bundled.jsonl')];
  const WORDS = ['calibrate', '--branches', '2', '--max-tokens', '24', '--profile-time', '200ms', '--out', out, '--traces', traces];

  test('keeps what was recorded when it is interrupted, and goes on behind it', { timeout: 240_000 }, async () => {
    const held = holdHost(false);
    let stderr = '';
    held.host.stderr.on('data', (text: Buffer) => {
      stderr += String(text);
      if (stderr.includes('traces: 4 of')) held.interrupt();
    });
    const code = await runCli([...WORDS, '--problems', '20'], held.host);
    expect(code, stderr).toBe(130);
    expect(stderr).toMatch(/\d+ recordings are in .*the same command goes on behind them\.\nInterrupted\.\n$/);
    const before = readFileSync(traces, 'utf8').trimEnd().split('\n').length;
    expect(before).toBeGreaterThanOrEqual(2);
    expect(before).toBeLessThan(20);
    expect(existsSync(out)).toBe(false);

    appendFileSync(traces, '{"version":1,"id":"torn');
    const problems = String(before + 1);
    const { code: resumed, stdout, stderr: progress } = await runHere([...WORDS, '--problems', problems, '--json']);
    expect(resumed, progress).toBe(0);
    // Each problem as the model samples, and its likeliest text.
    expect(progress).toContain(`traces: ${before} of ${2 * (before + 1)} recordings are in`);
    expect(progress).toContain('profile: taken from');
    const summary = JSON.parse(stdout) as { readonly problems: number; readonly recorded: { readonly new: number; readonly before: number } };
    expect(summary).toMatchObject({ problems: before + 1, recorded: { new: before + 2, before } });
    expect(readFileSync(traces, 'utf8').trimEnd().split('\n')).toHaveLength(2 * (before + 1));

    const data = inDirectory('bundled-data.json');
    expect(await runHere(['report', '--from', out, '--out', inDirectory('bundled.html'), '--json', data])).toMatchObject({ code: 0, stderr: '' });
    const { stepTimes } = JSON.parse(readFileSync(data, 'utf8')) as ReportData;
    expect(new Set(stepTimes.map(({ part }) => part))).toEqual(new Set(['target', 'draft', 'prefill', 'draft-prefill', 'scorer']));

    const plan = await runHere(['plan', '--from', out, '--deadline', '1m', '--run', 'Ben has 12 coins. He finds 30 coins. How many?', '--json']);
    expect({ code: plan.code, stderr: plan.stderr }).toEqual({ code: 0, stderr: '' });
    const { result, predicted } = JSON.parse(plan.stdout) as {
      readonly result: { readonly branches: readonly unknown[] };
      readonly predicted: { readonly accuracy: number };
    };
    expect(result.branches.length).toBeGreaterThan(0);
    expect(predicted.accuracy).toBeLessThanOrEqual(1);
  });
});

describe('plan', () => {
  test('explains itself to people', async () => {
    const { code, stdout, stderr } = await runHere(['plan', '--from', PLAN, '--deadline', '60ms']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const line of ['plan: ', 'deadline: 60 ms', 'accuracy: ', 'latency: p50 ', 'what binds: ', 'branches only: ', 'drafts only: ', 'compute-optimal: ']) {
      expect(stdout).toMatch(new RegExp(`^${line}`, 'm'));
    }
    expect(stdout).toMatch(/deadline +│ plan +│ +accuracy/);
    for (const line of stdout.split('\n').filter((one) => /[│┌└├]/.test(one))) expect(line).toHaveLength(80);
    for (const term of ['p50, p95, p99', 'compute-optimal', 'self-consistency of N']) expect(stdout).toMatch(new RegExp(`^${term}: `, 'm'));
  });

  test('tells programs the same', async () => {
    const { stdout } = await runHere(['plan', '--from', PLAN, '--deadline', '60ms', '--json']);
    const printed = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
    // What an application does with the file.
    const optimizer = LatencyOptimizer.load(readFileSync(PLAN, 'utf8'));
    const expected = optimizer.solve({ deadlineMs: 60 });
    expect(printed).toMatchObject({ plan: String(expected), spec: expected.spec, deadlineMs: 60, predicted: { accuracy: expected.predicted.accuracy } });
    expect(printed).not.toHaveProperty('result');
  });

  test('takes --min-accuracy for the fastest plan', async () => {
    const { stdout } = await runHere(['plan', '--from', PLAN, '--min-accuracy', '0.3']);
    expect(stdout).toMatch(/^what binds: the accuracy asked for/m);
    expect((await runHere(['plan', '--from', PLAN, '--min-accuracy', '0.3', '--fastest-by', 'mean'])).stdout).toMatch(/^what binds: the accuracy/m);
  });

  test.each([
    ['neither deadline nor accuracy', () => ['--from', PLAN], /`--deadline`.*--min-accuracy/],
    ['a file that is not there', () => ['--from', '/nowhere/plan.json', '-d', '1s'], /`--from`.*\/nowhere\/plan\.json.*calibrate.*ENOENT/],
    ['a file of something else', () => ['--from', written('other.json', '{"name":1}'), '-d', '1s'], /other\.json.*Calibrate again/],
    ['a file that is no JSON', () => ['--from', written('no.json', 'text'), '-d', '1s'], /`--from`.*JSON/],
    ['a fit that was changed', () => ['--from', written('cut.json', '{"format":"latency-tts/plan","version":1,"fit":{}}'), '-d', '1s'], /cut\.json/],
    ['a deadline nothing meets', () => ['--from', PLAN, '-d', '1ms'], /No plan is sure enough to answer within 1 ms\. The shortest deadline/],
    ['an accuracy nothing has', () => ['--from', PLAN, '--min-accuracy', '1'], /No plan is right 100\.0 %/],
    ['a confidence of 2', () => ['--from', PLAN, '-d', '1s', '--confidence', '2'], /confidence.*2/],
    ['an empty problem to run', () => ['--from', PLAN, '-d', '1s', '--run', ' '], /`--run`.*not empty/],
    ['a draft without a model', () => ['--from', PLAN, '-d', '1s', '--run', 'x', '--draft', 'there'], /`--draft`.*without `--model`/],
  ])('refuses %s', async (_, words, message) => {
    const { code, stdout, stderr } = await runHere(['plan', ...words()]);
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.split('\n')).toHaveLength(2);
  });
});

describe('calibrate refuses, before any work,', () => {
  const line = '{"prompt":"1+1?","answer":"2"}';
  test.each([
    ['a directory that is not there', () => ['--out', '/nowhere/plan.json'], /`--out`.*\/nowhere/],
    ['a directory as its file', () => ['--out', directory, '--traces', inDirectory('t.jsonl')], /`--out`.*not a directory/],
    ['traces in no directory', () => ['--out', inDirectory('x.json'), '--traces', '/nowhere/t.jsonl'], /`--traces`.*ENOENT/],
    ['traces that are none', () => ['--out', inDirectory('x.json'), '--traces', written('bad.jsonl', 'nothing\n')], /traces line 1/],
    [
      'problems without an answer',
      () => ['--out', inDirectory('x.json'), '--problems-file', written('p.jsonl', `${line}\n{"prompt":"1"}\n`)],
      /problems-file line 2.*answer/,
    ],
    [
      'two problems with one id',
      () => [
        '--out',
        inDirectory('x.json'),
        '--problems-file',
        written('d.jsonl', `{"id":7,"prompt":"1","answer":1}\n${line}\n{"id":"7","prompt":"2","answer":2}\n`),
      ],
      /problems-file line 3.*Line 1 has the same/,
    ],
    [
      'an id that is what another problem gets by its line',
      () => ['--out', inDirectory('x.json'), '--problems-file', written('c.jsonl', `{"id":"line-2","prompt":"1","answer":1}\n${line}\n`)],
      /problems-file line 2.*Line 1 has the same/,
    ],
    [
      'an id that is an object',
      () => ['--out', inDirectory('x.json'), '--problems-file', written('o.jsonl', '{"id":{},"prompt":"1","answer":1}\n')],
      /problems-file line 1, id/,
    ],
    ['a temperature that is none', () => ['--temperatures', 'own,hot'], /temperatures.*a number/i],
    ['a temperature below zero', () => ['--temperatures', '-1'], /temperatures.*at least 0/],
    ['a temperature twice', () => ['--temperatures', '0,0'], /temperatures.*once/],
    ['no problems', () => ['--out', inDirectory('x.json'), '--problems-file', written('e.jsonl', '\n')], /problems-file/],
  ])('%s', async (_, words, message) => {
    const { code, stderr } = await runHere(['calibrate', ...words()]);
    expect({ code }, stderr).toEqual({ code: 2 });
    expect(stderr).toMatch(message);
    expect(stderr.split('\n')).toHaveLength(2);
  });
});

describe('calibration problems', () => {
  test('mix the difficulties, and few are the first of many', () => {
    const few = generatedProblems(7, 3);
    expect(generatedProblems(40, 3).slice(0, 7)).toEqual(few);
    expect(few.map(({ group }) => group)).toEqual(['2', '3', '4', '5', '6', '2', '3']);
  });

  test('come from lines', async () => {
    const file = written('own.jsonl', '{"prompt":"1+1?","answer":2}\n\n{"id":"b","prompt":"2+2?","answer":"4","group":"easy"}');
    expect(await readProblems(file)).toEqual([
      { id: 'line-1', prompt: '1+1?', reference: '2' },
      { id: 'b', prompt: '2+2?', reference: '4', group: 'easy' },
    ]);
  });

  test.each([
    ['a byte-order mark', (text: string) => Buffer.from(`\uFEFF${text}`)],
    ['UTF-16', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['line ends of Windows', (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'))],
    ['line ends of old Macs', (text: string) => Buffer.from(text.replaceAll('\n', '\r'))],
  ])('come from a file with %s', async (_, bytesOf) => {
    const path = inDirectory('own-bytes.jsonl');
    writeFileSync(path, bytesOf('{"prompt":"1+1?","answer":2}\n{"prompt":"größer?","answer":"4"}\n'));
    expect((await readProblems(path)).map(({ id, prompt }) => [id, prompt])).toEqual([
      ['line-1', '1+1?'],
      ['line-2', 'größer?'],
    ]);
  });
});

describe('TraceFile', () => {
  const [one, two] = inventTraces({ count: 2, branches: 3, ease: () => 0.5 });

  test('loses the torn end of its last line only', async () => {
    const path = inDirectory('torn.jsonl');
    const first = await TraceFile.open(path);
    await first.append(one!);
    appendFileSync(path, JSON.stringify(two).slice(0, 200));
    const again = await TraceFile.open(path);
    expect(again.traces).toEqual([one]);
    await again.append(two!);
    expect((await TraceFile.open(path)).traces).toEqual([one, two]);
    expect(again.missing([one!, { ...two!, id: 'new' }], 3, undefined).map(({ id }) => id)).toEqual(['new']);
  });

  test.each([
    ['no end of its last line', (text: string) => Buffer.from(text.trimEnd())],
    ['a byte-order mark', (text: string) => Buffer.from(`\uFEFF${text}`)],
    ['UTF-16', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['line ends of Windows', (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'))],
    ['line ends of old Macs', (text: string) => Buffer.from(text.replaceAll('\n', '\r'))],
    ['UTF-16 and a torn end', (text: string) => Buffer.from(`\uFEFF${text}{"version":1,"id":"`, 'utf16le').subarray(0, -1)],
  ])('grows where it has %s', async (_, bytesOf) => {
    const path = inDirectory('bytes.jsonl');
    writeFileSync(path, bytesOf(formatTrace(one!)));
    const file = await TraceFile.open(path);
    expect(file.traces).toEqual([one]);
    await file.append(two!);
    expect((await TraceFile.open(path)).traces).toEqual([one, two]);
    expect(readFileSync(path, 'utf8').replaceAll('\r', '')).toBe(formatTrace(one!) + formatTrace(two!));
  });

  test.each([
    ['a complete last line that is no trace', `${formatTrace(one!)}{"version":2}`, /traces line 2/],
    ['a problem twice', formatTrace(one!) + formatTrace(one!), /Its problem 0 is there twice/],
    ['bytes that are no text', '{"\xff"}\n', /`traces`.*UTF-8/],
  ])('refuses %s, and leaves the file as it is', async (_, text, message) => {
    const path = inDirectory('refused.jsonl');
    const bytes = Buffer.from(text, 'latin1');
    writeFileSync(path, bytes);
    await expect(TraceFile.open(path)).rejects.toThrow(message);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test('keeps ways of sampling apart', async () => {
    const file = await TraceFile.open(inDirectory('ways.jsonl'));
    const greedy = { temperature: 0 };
    const likeliest = { ...one!, sampling: greedy, branches: one!.branches.slice(0, 1) };
    for (const trace of [one!, two!, likeliest]) await file.append(trace);
    expect([undefined, greedy, { temperature: 1 }].map((sampling) => file.missing([one!, two!], 3, sampling).length)).toEqual([0, 1, 2]);
    expect(file.of([one!], [undefined, greedy])).toEqual([one, likeliest]);
    expect(file.of([one!, two!], [undefined])).toEqual([one, two]);
  });

  test('does not mix recordings', async () => {
    const file = await TraceFile.open(inDirectory('mixed.jsonl'));
    await file.append(one!);
    expect(() => file.missing([one!], 4, undefined)).toThrow(/`branches`.*the 3 that/);
    for (const sampling of [undefined, { temperature: 0 }])
      expect(() => file.missing([{ ...one!, prompt: 'another' }], 3, sampling)).toThrow(/Its problem 0 is another one/);
  });
});

describe('report', () => {
  const PAGE = inDirectory('report.html');
  const DATA = inDirectory('report-data.json');
  const CSV = inDirectory('report.csv');
  const measured = (): string =>
    written(
      'measured.json',
      JSON.stringify({
        benchmark: 'optimizer',
        rows: [
          {
            part: 'idle',
            rule: '</script>',
            plan: 'p',
            deadlineMs: 9,
            predictedAccuracy: 0.5,
            accuracy: 0.4,
            predictedP50: 8,
            p50: 7,
            predictedP95: 9,
            p95: 9,
          },
          { part: 'grid', rule: 'grid', plan: 'p', deadlineMs: 9, accuracy: 0.4, p50: 7, p95: 9 },
        ],
      }),
    );

  test('writes a page that needs nothing beside itself, and its figures', async () => {
    const { code, stdout, stderr } = await runHere(['report', '--from', PLAN, '--out', PAGE, '--json', DATA, '--csv', CSV, '--measured', measured()]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`${PAGE}, ${DATA}, ${CSV} are written.\n`);

    const page = readFileSync(PAGE, 'utf8');
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<(?:link|img|iframe|script)\b[^>]*(?:src|href)=/);
    // Two scripts, data and drawing, whatever stands in the data.
    expect(page.match(/<\/script/gi)).toHaveLength(2);
    const [, inPage] = /id="report-data">(.*)<\/script>/.exec(page)!;
    const data = JSON.parse(readFileSync(DATA, 'utf8')) as ReportData;
    expect((JSON.parse(inPage!) as ReportData).measured).toEqual(data.measured);
    expect(data.measured.map(({ rule }) => rule)).toEqual(['</script>']);

    const { optimizer } = await readPlanFile(PLAN);
    expect(data.frontier.map(({ accuracy }) => accuracy)).toEqual(optimizer.frontier().map(({ predicted }) => predicted.accuracy));
    expect(data.candidates).toHaveLength(optimizer.fitted.candidates.reduce((sum, { points }) => sum + points.length, 0));
    for (const { deadlineMs, plan, p95Ms } of data.split) {
      expect(plan).toBe(String(optimizer.solve({ deadlineMs: deadlineMs! })));
      expect(p95Ms).toBeLessThanOrEqual(deadlineMs!);
    }
    expect(data.split.length).toBeGreaterThan(10);

    const [head, ...lines] = readFileSync(CSV, 'utf8').trimEnd().split('\r\n');
    expect(head).toMatch(/^plan,strategy,branches,/);
    expect(lines).toHaveLength(data.candidates.length);
    expect(lines.some((line) => line.startsWith('"self-consistency of 4, drafts of 2",self-consistency,4,2,replayed,'))).toBe(true);
  });

  test.each([
    ['a file that is not there', () => ['--from', '/nowhere/plan.json'], /`--from`.*calibrate/],
    ['results of something else', () => ['--from', PLAN, '--measured', written('else.json', '{"benchmark":"decode"}')], /`--measured`.*bench:optimizer/],
    ['a page in no directory', () => ['--from', PLAN, '--out', '/nowhere/page.html'], /`--out`.*\/nowhere/],
    ['figures in no directory', () => ['--from', PLAN, '--csv', '/nowhere/figures.csv'], /`--csv`.*\/nowhere/],
    ['a confidence of 1', () => ['--from', PLAN, '--confidence', '1'], /`--confidence`/],
  ])('refuses %s', async (_, words, message) => {
    const { code, stderr } = await runHere(['report', ...words()]);
    expect({ code }, stderr).toEqual({ code: 2 });
    expect(stderr).toMatch(message);
    expect(stderr.split('\n')).toHaveLength(2);
  });
});
