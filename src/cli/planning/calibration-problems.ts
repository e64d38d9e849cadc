import type { TraceProblem } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
import { optionalName } from '../../planning/traces/problem-names.ts';
import { linesOf } from '../../planning/saved-text.ts';
import { generateProblems, TIERS } from '../../problems/index.ts';
import { readOptionFile } from './plan-file.ts';

/** Of the calibration split, tier by tier in turn; the first of many are those of few. */
export function generatedProblems(count: number, seed: number): TraceProblem[] {
  const perTier = Math.ceil(count / TIERS.length);
  const byTier = TIERS.map((tier) => generateProblems({ seed, tier, count: perTier, split: 'calibration' }));
  return Array.from({ length: perTier }, (_, index) => byTier.map((problems) => problems[index]!))
    .flat()
    .slice(0, count)
    .map(({ id, question, answer, tier }) => ({ id, prompt: question, reference: answer, group: String(tier) }));
}

const ADVICE = 'Give a line `{"prompt": "…", "answer": "…"}` for each problem.';

/**
 * A problem a line: `prompt`, `answer`, and if wanted `id` and `group`.
 *
 * @throws {InvalidOptionError} that names the line, also of the second of two problems with one id.
 */
export async function readProblems(path: string): Promise<TraceProblem[]> {
  const text = await readOptionFile('problems-file', path, ADVICE);
  const numbers = new Map<string, number>();
  const problems = linesOf(text).flatMap((line, index) => {
    if (line.trim() === '') return [];
    const problem = readProblem(line, index + 1);
    const other = numbers.get(problem.id);
    if (other !== undefined) {
      throw new InvalidOptionError(`problems-file line ${index + 1}`, 'a problem with an `id` of its own', problem.id, `Line ${other} has the same.`);
    }
    numbers.set(problem.id, index + 1);
    return [problem];
  });
  if (problems.length === 0) throw new InvalidOptionError('problems-file', 'a file with a problem or more', path, ADVICE);
  return problems;
}

function readProblem(line: string, number: number): TraceProblem {
  const option = `problems-file line ${number}`;
  const { prompt, ...fields } = parseObject(line);
  const name = (field: 'answer' | 'id' | 'group'): string | undefined => optionalName(fields[field], `${option}, ${field}`);
  const [answer, id, group] = [name('answer'), name('id'), name('group')];
  if (typeof prompt !== 'string' || prompt.trim() === '' || answer === undefined) {
    throw new InvalidOptionError(option, 'a problem with `prompt` and `answer`', line.slice(0, 80), ADVICE);
  }
  return { id: id ?? `line-${number}`, prompt, reference: answer, ...(group !== undefined && { group }) };
}

function parseObject(line: string): Readonly<Partial<Record<'prompt' | 'answer' | 'id' | 'group', unknown>>> {
  try {
    return Object(JSON.parse(line)) as object;
  } catch {
    return {};
  }
}
