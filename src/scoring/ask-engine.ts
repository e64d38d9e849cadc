import type { Branch, Engine } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { ScoreOptions } from '../contracts/scorer.ts';
import { NoCandidateError } from '../errors.ts';
import { systemClock } from '../runtime/system-clock.ts';

/** A question whose answer can be read in a short reply. */
export interface Question<Answer> {
  readonly prompt: Prompt;
  /** The answer in a reply; `undefined` where there is none. */
  read(reply: string): Answer | undefined;
  /** How a reply that can be read begins: put into the model's mouth when its own could not be read. */
  readonly beginning: string;
  /** Most tokens of a reply. */
  readonly maxTokens: number;
}

/**
 * Asks a model, greedily; once more, with the beginning given, when the reply cannot be read.
 *
 * @returns `undefined` when no reply could be read, or there was no time for one.
 */
export async function askEngine<Answer>(engine: Engine, question: Question<Answer>, options: ScoreOptions): Promise<Answer | undefined> {
  const { signal, deadlineAt = Infinity, clock = systemClock } = options;
  const reply = async (branch: Branch): Promise<Answer | undefined> => {
    await branch.advance({ until: { tokens: question.maxTokens }, deadlineAt, ...(signal && { signal }) });
    return question.read(branch.text);
  };
  try {
    const session = await engine.open(question.prompt, { sampling: { temperature: 0 }, deadlineAt, clock, ...(signal && { signal }) });
    try {
      const answer = await reply(session.branch(1)[0]!);
      if (answer !== undefined || isLate(options)) return answer;
      const [second] = session.branch(1) as [Branch];
      await second.force(question.beginning);
      return await reply(second);
    } finally {
      await session.dispose();
    }
  } catch (error) {
    if (error instanceof NoCandidateError && isLate(options)) return undefined;
    throw error;
  }
}

export function isLate({ deadlineAt = Infinity, clock = systemClock }: ScoreOptions): boolean {
  return clock.now() >= deadlineAt;
}
