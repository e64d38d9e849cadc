/**
 * Reward models on servers: the endpoints that vLLM and SGLang have for them, and language models that judge steps by a token.
 *
 * @module
 */
import * as v from 'valibot';
import type { Message, Prompt } from '../contracts/prompt.ts';
import type { OutcomeScorer, ScoredText, StepScorer } from '../contracts/scorer.ts';
import { ServerError } from '../errors.ts';
import { byKind, oneOf, readOptions, text, value, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { judgedStepsEntries, markedLayoutEntries, turnLayoutEntries, type InlineLayout, type TurnLayout } from './causal-prm-scorer.ts';
import { completeSteps, plainTextOf, turnsOf } from './conversation.ts';
import { concurrencyEntries, OneByOne } from './one-by-one.ts';
import { RecentScores } from './recent-scores.ts';
import { ScorerRequests, scorerRequestEntries, type ScorerCall } from './scorer-requests.ts';

const serverModelEntries = {
  /** The reward model as the server names it. */
  model: value<string>('the name of a model', (given) => typeof given === 'string' && given !== ''),
  ...scorerRequestEntries,
  ...concurrencyEntries,
};

export const serverOutcomeScorerEntries = {
  /**
   * What the server is asked by. `pooling`: vLLM's `/pooling`, whose last number counts. `classify`: vLLM's `/classify`, whose
   * probability of `label` counts. `score`: `/score` of a cross-encoder, with the prompt and the text as the pair. `sglang`:
   * SGLang's `/classify`.
   */
  endpoint: oneOf(['pooling', 'classify', 'score', 'sglang']),
  /** Which class counts, from 0. Whole number ≥ 0. @default the second of two, else the first */
  label: v.optional(wholeNumber()),
  ...serverModelEntries,
};

export interface ServerOutcomeScorerOptions extends OptionsOf<typeof serverOutcomeScorerEntries> {}

const Pooled = v.looseObject({
  data: v.tupleWithRest([v.looseObject({ data: v.union([v.number(), v.array(v.number()), v.array(v.array(v.number()))]) })], v.unknown()),
});
const Classified = v.looseObject({ data: v.tupleWithRest([v.looseObject({ probs: v.pipe(v.array(v.number()), v.minLength(1)) })], v.unknown()) });
const Scored = v.looseObject({ data: v.tupleWithRest([v.looseObject({ score: v.number() })], v.unknown()) });
const Embedded = v.pipe(
  v.union([v.array(v.looseObject({ embedding: v.array(v.number()) })), v.looseObject({ embedding: v.array(v.number()) })]),
  v.transform((answer) => (Array.isArray(answer) ? answer[0]?.embedding : answer.embedding)),
);

/**
 * An outcome reward model on a server: one request a text. What fails in passing is sent again while
 * there is time; a text whose last request fails has no score, and `onError` hears why.
 *
 * @throws {InvalidOptionError}
 */
export function serverOutcomeScorer(options: ServerOutcomeScorerOptions): OutcomeScorer {
  const { endpoint, label, model, concurrency, expectedMs, onError, ...server } = readOptions(serverOutcomeScorerEntries, options);
  const requests = new ScorerRequests(server);
  const calls = new OneByOne({ concurrency, ...(expectedMs !== undefined && { expectedMs }), ...(onError && { onError }) });
  const ask = async (prompt: Prompt, { text }: ScoredText, call: ScorerCall): Promise<number> => {
    const messages = [...turnsOf(prompt), { role: 'assistant', content: text }];
    switch (endpoint) {
      case 'pooling':
        return lastOf([(await requests.post('//pooling', { model, messages }, Pooled, call)).data[0].data].flat(2));
      case 'classify':
        return classOf((await requests.post('//classify', { model, messages }, Classified, call)).data[0].probs, label);
      case 'score':
        return (await requests.post('//score', { model, text_1: plainTextOf(prompt), text_2: text }, Scored, call)).data[0].score;
      case 'sglang':
        return lastOf((await requests.post('//classify', { model, text: `${plainTextOf(prompt)}\n\n${text}` }, Embedded, call)) ?? []);
    }
  };
  return {
    name: model,
    kind: 'outcome',
    score: (prompt, texts, scoreOptions = {}) => calls.run(texts, scoreOptions, (text, signal) => ask(prompt, text, { ...scoreOptions, signal })),
    estimateMs: (texts) => calls.estimateMs(texts),
    dispose: () => calls.dispose(),
  };
}

/** vLLM's `/pooling` of a model with a head over steps, as Qwen2.5-Math-PRM (arXiv:2501.07301): two classes after each marker. */
export const poolingLayoutEntries = {
  /** How steps are shown. */
  kind: v.literal('pooling', "'pooling'"),
  /** Stands after each step. @default '<extra_0>' */
  marker: v.optional(text, '<extra_0>'),
};

export interface PoolingLayout extends OptionsOf<typeof poolingLayoutEntries> {}

export const serverStepScorerEntries = {
  /** How the model is shown the steps: as turns of a chat, with markers over `/completions`, or by `/pooling`. */
  layout: byKind<
    TurnLayout | Omit<InlineLayout, 'question'> | PoolingLayout,
    SettingsOf<typeof turnLayoutEntries> | SettingsOf<typeof markedLayoutEntries> | SettingsOf<typeof poolingLayoutEntries>
  >({ turns: turnLayoutEntries, inline: markedLayoutEntries, pooling: poolingLayoutEntries }),
  ...judgedStepsEntries,
  ...serverModelEntries,
};

export interface ServerStepScorerOptions extends OptionsOf<typeof serverStepScorerEntries> {}

/**
 * A process reward model on a server. By `/pooling` a text is one request. Models that say a token behind each step cost one
 * request of one token a step; the server's prefix cache shares what steps have in common, and a step scored before is not
 * asked again. A text whose requests fail has no scores, and `onError` hears why.
 *
 * @throws {InvalidOptionError}
 */
export function serverStepScorer(options: ServerStepScorerOptions): StepScorer {
  const { layout, separator, good, bad, model, concurrency, expectedMs, onError, ...server } = readOptions(serverStepScorerEntries, options);
  const requests = new ScorerRequests(server);
  const calls = new OneByOne({ concurrency, ...(expectedMs !== undefined && { expectedMs }), ...(onError && { onError }) });
  const recent = new RecentScores();
  const judge = async (prompt: Prompt, text: ScoredText, call: ScorerCall): Promise<readonly number[]> => {
    const steps = completeSteps(text, separator);
    if (steps.length === 0) return [];
    if (layout.kind === 'pooling') return poolSteps(requests, model, prompt, steps, layout, call);
    const scores: number[] = [];
    for (let count = 1; count <= steps.length; count++) {
      const request = layout.kind === 'turns' ? turnRequest(prompt, steps.slice(0, count), layout, good) : inlineRequest(prompt, steps.slice(0, count), layout);
      const body = { model, ...request.body, max_tokens: 1, temperature: 0 };
      scores.push(await recent.get(JSON.stringify(body), async () => goodShare(await requests.post(request.path, body, Judged, call), good, bad)));
    }
    return scores;
  };
  return {
    name: model,
    kind: 'step',
    score: (prompt, texts, scoreOptions = {}) => calls.run(texts, scoreOptions, (text, signal) => judge(prompt, text, { ...scoreOptions, signal })),
    estimateMs: (texts) => calls.estimateMs(texts),
    dispose: () => calls.dispose(),
  };
}

interface StepRequest {
  readonly path: string;
  readonly body: object;
}

/** Most of the likeliest tokens that servers tell. */
const TOP = 20;

function turnRequest(prompt: Prompt, steps: readonly string[], { joiner }: SettingsOf<typeof turnLayoutEntries>, good: string): StepRequest {
  const asked = turnsOf(prompt);
  const messages: Message[] = [...asked.slice(0, -1)];
  for (const [index, step] of steps.entries()) {
    messages.push({ role: 'user', content: index === 0 ? asked.at(-1)!.content + joiner + step : step });
    if (index < steps.length - 1) messages.push({ role: 'assistant', content: good });
  }
  return { path: '/chat/completions', body: { messages, logprobs: true, top_logprobs: TOP } };
}

function inlineRequest(prompt: Prompt, steps: readonly string[], { marker, before, after }: SettingsOf<typeof markedLayoutEntries>): StepRequest {
  const marked = steps.map((step) => `${step.replaceAll(marker, '')}${before}${marker}`).join(after);
  return { path: '/completions', body: { prompt: `${plainTextOf(prompt)} ${marked}`, logprobs: TOP } };
}

const Judged = v.pipe(
  v.looseObject({
    choices: v.tupleWithRest(
      [
        v.looseObject({
          logprobs: v.looseObject({
            content: v.nullish(v.array(v.looseObject({ top_logprobs: v.array(v.looseObject({ token: v.string(), logprob: v.number() })) }))),
            top_logprobs: v.nullish(v.array(v.nullable(v.record(v.string(), v.number())))),
          }),
        }),
      ],
      v.unknown(),
    ),
  }),
  v.transform(({ choices: [{ logprobs }] }) => {
    const chat = logprobs.content?.[0]?.top_logprobs.map(({ token, logprob }) => [token, logprob] as const);
    return chat ?? Object.entries(logprobs.top_logprobs?.[0] ?? {});
  }),
);

/** The probability of the good token, of the two. @throws {ServerError} where the server tells of neither. */
function goodShare(top: readonly (readonly [string, number])[], good: string, bad: string): number {
  const probabilityOf = (text: string): number => top.reduce((sum, [token, logprob]) => (token.trim() === text.trim() ? sum + Math.exp(logprob) : sum), 0);
  const [goodProbability, badProbability] = [probabilityOf(good), probabilityOf(bad)];
  if (goodProbability + badProbability > 0) return goodProbability / (goodProbability + badProbability);
  const said = top.slice(0, 3).map(([token]) => JSON.stringify(token));
  throw new ServerError(
    'protocol',
    `After a step the model says neither ${JSON.stringify(good)} nor ${JSON.stringify(bad)}, but ${said.join(', ') || 'nothing'}. Is the layout the model's?`,
  );
}

async function poolSteps(
  requests: ScorerRequests,
  model: string,
  prompt: Prompt,
  steps: readonly string[],
  { marker }: SettingsOf<typeof poolingLayoutEntries>,
  call: ScorerCall,
): Promise<readonly number[]> {
  const content = steps.map((step) => `${step}${marker}`).join('');
  const { data } = await requests.post('//pooling', { model, messages: [...turnsOf(prompt), { role: 'assistant', content }] }, Pooled, call);
  const rows = [data[0].data].flat(1);
  const scores = rows.map((row) => (typeof row === 'number' ? row : classOf(row, undefined)));
  if (scores.length === steps.length) return scores;
  throw new ServerError(
    'protocol',
    `The server gave ${scores.length} scores for ${steps.length} steps. Is ${JSON.stringify(marker)} the model's marker, and its head one over steps?`,
  );
}

function classOf(probs: readonly number[], label: number | undefined): number {
  const chosen = probs[label ?? (probs.length === 2 ? 1 : 0)];
  if (chosen === undefined) throw new ServerError('protocol', `The server tells of ${probs.length} classes, of which ${label ?? 0} is none.`);
  return chosen;
}

function lastOf(numbers: readonly number[]): number {
  const last = numbers.at(-1);
  if (last === undefined) throw new ServerError('protocol', 'The server gave no score.');
  return last;
}
