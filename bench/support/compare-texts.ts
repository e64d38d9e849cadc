import type { Candidate, DecodeRequest } from './candidate.ts';
import type { Agreement } from './speculative-report.ts';
import { PLAIN, type Entry } from './speculative-roster.ts';

/** Branches of the comparison of sampled texts. */
const BRANCHES = 4;

interface Writer {
  readonly entry: Entry;
  readonly candidate: Pick<Candidate, 'run'>;
}

/** Whether all run the same model: greedy texts of everyone, and sampled texts of ours, which write the same with one seed. */
export async function compareTexts(writers: readonly Writer[], questions: readonly string[], maxTokens: number): Promise<Agreement[]> {
  const plain = writers.find(({ entry }) => entry.name === PLAIN)!;
  // The number of threads does not change a text, so the first of a name speaks for all.
  const others = writers.filter((writer, index) => writer !== plain && writers.findIndex(({ entry }) => entry.name === writer.entry.name) === index);
  const compare = async (kind: Agreement['kind'], compared: readonly Writer[], request: Omit<DecodeRequest, 'question'>): Promise<Agreement[]> => {
    const expected = await textsOf(plain, questions, request);
    const agreements: Agreement[] = [];
    for (const writer of compared) {
      const texts = await textsOf(writer, questions, request);
      const equal = expected.filter((text, index) => text === texts[index]).length;
      agreements.push({ candidate: writer.entry.name, kind, equal, of: expected.length });
    }
    return agreements;
  };
  const speculative = others.filter(({ entry }) => entry.options);
  return [
    ...(await compare('greedy', others, { branches: 1, seed: 0, temperature: 0, maxTokens })),
    ...(await compare('sampled', speculative, { branches: BRANCHES, seed: 1, temperature: 1, maxTokens })),
  ];
}

async function textsOf({ candidate }: Writer, questions: readonly string[], request: Omit<DecodeRequest, 'question'>): Promise<string[]> {
  const texts: string[] = [];
  for (const question of questions) texts.push(...(await candidate.run({ ...request, question })).texts);
  return texts;
}
