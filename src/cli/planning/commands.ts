import { type Command, Option } from 'commander';
import type { CliHost } from '../host.ts';
import { addModelOptions } from '../model-options.ts';
import { parseCount, parseDuration, parseNumber, parseTemperatures, parseWhole } from '../parse-options.ts';
import { calibrate, TRACE_FILE } from './calibrate.ts';
import { plan } from './plan.ts';
import { PLAN_FILE } from './plan-file.ts';
import { report } from './report.ts';

/** The commands that plan under a deadline. */
export function addPlanning(program: Command, host: CliHost, signal: AbortSignal): void {
  addCalibrate(program, host, signal);
  addPlan(program, host, signal);
  addReport(program, host);
}

function addCalibrate(program: Command, host: CliHost, signal: AbortSignal): void {
  addModelOptions(program.command('calibrate'), 'the bundled models, with draft and reward model,')
    .description('Find out what a model and this machine can do by when: times passes, records solutions, tries every plan on them.')
    .option('--problems <count>', 'generated problems, of all difficulties', parseCount, 60)
    .option('--problems-file <file>', 'your own problems instead, a JSON object with `prompt` and `answer` a line')
    .option('-b, --branches <count>', 'solutions recorded of each problem: the most that a plan can use', parseCount, 16)
    .addOption(
      new Option('--temperatures <list>', 'temperatures that solutions are recorded at, for plans to choose among; `own` is the model’s, 0 its likeliest text')
        .argParser(parseTemperatures)
        .default([undefined, 0], 'own,0'),
    )
    .option('--max-tokens <count>', 'most tokens of one solution', parseCount)
    .addOption(new Option('--profile-time <time>', 'time for timing passes').argParser(parseDuration).default(25_000, '25s'))
    .option('--traces <file>', 'where solutions are appended to; what it holds is not recorded again', TRACE_FILE)
    .option('-o, --out <file>', 'where the calibration is written to', PLAN_FILE)
    .option('-s, --seed <integer>', 'fixes problems and solutions', parseWhole, 0)
    .addOption(new Option('--json', 'print a summary as JSON').default(false))
    .action((options) => calibrate(options, host, signal));
}

function addPlan(program: Command, host: CliHost, signal: AbortSignal): void {
  addModelOptions(program.command('plan'), 'the bundled models, with draft and reward model,')
    .description('The most accurate plan by a deadline, out of a calibration; with --min-accuracy the fastest one.')
    .option('-f, --from <file>', 'what `calibrate` wrote', PLAN_FILE)
    .option('-d, --deadline <time>', 'time from question to answer, e.g. 500ms, 2s, 1m', parseDuration)
    .option('--confidence <probability>', 'least probability of an answer by the deadline', parseNumber, 0.95)
    .option('--max-tokens <count>', 'most tokens over all branches, on average', parseCount)
    .option('--min-accuracy <share>', 'least predicted accuracy, in [0, 1]: the fastest plan that has it', parseNumber)
    .addOption(new Option('--fastest-by <time>', 'with --min-accuracy: the time by which most answers are there, or their mean').choices(['quantile', 'mean']))
    .option('-r, --run <problem>', 'run the plan on this problem, with "-" on that of standard input')
    .option('--prompt-file <file>', 'run the plan on the problem in a file; "-" for standard input')
    .option('-s, --seed <integer>', 'fixes every random choice of the run', parseWhole, 0)
    .addOption(new Option('--json', 'print plan, explanation and result as JSON').default(false))
    .action((options) => plan(options, host, signal));
}

function addReport(program: Command, host: CliHost): void {
  program
    .command('report')
    .description('Draw a calibration: a page that needs no network, and its figures as files.')
    .option('-f, --from <file>', 'what `calibrate` wrote', PLAN_FILE)
    .option('-o, --out <file>', 'the page', 'report.html')
    .option('--measured <file>', 'JSON of `npm run bench:optimizer`: predicted against measured')
    .option('--confidence <probability>', 'least probability of an answer by the deadline', parseNumber, 0.95)
    .option('--json <file>', 'everything shown, as JSON')
    .option('--csv <file>', 'every candidate under every deadline, as CSV')
    .action((options) => report(options, host));
}
