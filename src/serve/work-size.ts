import type { Prompt } from '../contracts/prompt.ts';
import type { CompletionTask } from './completion-task.ts';

/** Options of strategies that say how much is decoded at once, or how often. */
export const WIDTH_OPTIONS: readonly string[] = ['branches', 'beams', 'width', 'particles', 'simulations', 'iterations', 'lookahead'];

/** What is known beforehand of how much work a request is, as powers of two: finer differences drown in chance. */
export interface WorkSize {
  /** Branches, over all options that multiply them; `undefined` where the strategy's own defaults decide. */
  readonly branches: number | undefined;
  /** Most tokens of a branch; Infinity where only the context limits them. */
  readonly tokens: number;
  /** Characters of the prompt. */
  readonly prompt: number;
}

export function sizeOf({
  choices,
  strategy: { options = {} },
  maxTokens,
  prompt,
}: Pick<CompletionTask, 'choices' | 'strategy' | 'maxTokens' | 'prompt'>): WorkSize {
  const widths = WIDTH_OPTIONS.map((name) => options[name]).filter((width) => typeof width === 'number' && width >= 1) as number[];
  if (choices > 1) widths.push(choices);
  return {
    branches: widths.length > 0 ? magnitude(widths.reduce((product, width) => product * width, 1)) : undefined,
    tokens: maxTokens === undefined ? Infinity : magnitude(maxTokens),
    prompt: magnitude(lengthOf(prompt)),
  };
}

export function isSameSize(left: WorkSize, right: WorkSize): boolean {
  return left.branches === right.branches && left.tokens === right.tokens && left.prompt === right.prompt;
}

/** Whether work is no larger than other work in any respect; defaults compare with nothing but themselves. */
export function isNoLarger(work: WorkSize, other: WorkSize): boolean {
  const hasComparableBranches =
    work.branches === other.branches || (work.branches !== undefined && other.branches !== undefined && work.branches < other.branches);
  return hasComparableBranches && work.tokens <= other.tokens && work.prompt <= other.prompt;
}

function magnitude(count: number): number {
  return Math.round(Math.log2(Math.max(1, count)));
}

function lengthOf(prompt: Prompt): number {
  if (typeof prompt === 'string') return prompt.length;
  return 'text' in prompt ? prompt.text.length : prompt.reduce((sum, { content }) => sum + content.length, 0);
}
