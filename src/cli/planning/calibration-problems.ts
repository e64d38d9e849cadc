import type { TraceProblem } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
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

/** A problem a line: `prompt`, `answer`, and if wanted `id` and `group`. @throws {InvalidOptionError} that names the line. */
export async function readProblems(path: string): Promise<TraceProblem[]> {
  const text = await readOptionFile('problems-file', path, ADVICE);
  const problems = text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [readProblem(line, index + 1)]));
  if (problems.length === 0) throw new InvalidOptionError('problems-file', 'a file with a problem or more', path, ADVICE);
  return problems;
}

function readProblem(line: string, number: number): TraceProblem {
  const { prompt, answer, id = `line-${number}`, group } = parseObject(line);
  if (typeof prompt !== 'string' || prompt.trim() === '' || !['string', 'number'].includes(typeof answer)) {
    throw new InvalidOptionError(`problems-file line ${number}`, 'a problem with `prompt` and `answer`', line.slice(0, 80), ADVICE);
  }
  return { id: String(id), prompt, reference: String(answer), ...(group !== undefined && { group: String(group) }) };
}

function parseObject(line: string): Readonly<Partial<Record<'prompt' | 'answer' | 'id' | 'group', unknown>>> {
  try {
    return Object(JSON.parse(line)) as object;
  } catch {
    return {};
  }
}
