/**
 * The process in which node-llama-cpp runs, so that its threads and its share of an event loop are its own.
 *
 * Token ids in, token ids out, timed inside: what the messages cost is not counted. It gets what suits it best:
 *
 * - a context with exactly as many sequences as there are branches, so that a batch starts as soon as all have asked;
 * - all prompts in one batch, flash attention (the fastest of what it offers here), no log;
 * - predictors that predict few tokens. Versions up to 3.22.1 drop everything after the first predicted token, right or wrong, so
 *   longer predictions only cost time;
 * - with one sequence, a draft model that runs beside the target and whose tokens are used when they happen to be there.
 *   With several such a run never ends, so there the target waits for one drafted token: the likeliest, which agrees
 *   with a sampled token more often than a sampled one.
 *
 * @module
 */
import { DraftSequenceTokenPredictor, getLlama, InputLookupTokenPredictor, LlamaLogLevel } from 'node-llama-cpp';

/**
 * @typedef {import('../support/llama-messages.ts').LlamaCommand} LlamaCommand
 * @typedef {import('../support/llama-messages.ts').LlamaLoad} LlamaLoad
 * @typedef {import('../support/llama-messages.ts').LlamaRequest} LlamaRequest
 * @typedef {import('../support/llama-messages.ts').LlamaResult} LlamaResult
 * @typedef {import('node-llama-cpp').Token} Token
 * @typedef {{ readonly sequence: import('node-llama-cpp').LlamaContextSequence, readonly lookup: InputLookupTokenPredictor | undefined }} Lane
 */

/** So many tokens of every branch's prompt fit one batch. */
const LONGEST_PROMPT = 96;

const BESIDE_TARGET = { minTokens: 0, maxTokens: 2 };
const BEFORE_TARGET = { minTokens: 1, maxTokens: 1, evaluateOptions: { temperature: 0 } };

/** @type {{ target: import('node-llama-cpp').LlamaModel, draft: import('node-llama-cpp').LlamaModel } | undefined} */
let models;
/** Lanes by predictor, branches and threads. @type {Map<string, Promise<Lane[]>>} */
const laneSets = new Map();

// Without its parent there is nobody to work for.
process.on('disconnect', () => process.exit());
process.on('message', (/** @type {LlamaCommand} */ command) => void answer(command));

/** @param {LlamaCommand} command */
async function answer(command) {
  try {
    process.send?.(command.kind === 'load' ? await load(command) : await run(command));
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.message : String(error) });
  }
}

/** @param {LlamaLoad} paths */
async function load({ targetPath, draftPath }) {
  // No limit to threads: each context sets its own.
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.disabled, maxThreads: 0 });
  models = { target: await llama.loadModel({ modelPath: targetPath }), draft: await llama.loadModel({ modelPath: draftPath }) };
  return { isReady: true };
}

/**
 * @param {LlamaRequest} request
 * @returns {Promise<LlamaResult>}
 */
async function run(request) {
  const { predictor, branches, threads } = request;
  const key = `${predictor} ${branches} ${threads}`;
  if (!laneSets.has(key)) laneSets.set(key, openLanes(request));
  const lanes = await /** @type {Promise<Lane[]>} */ (laneSets.get(key));
  for (const { sequence, lookup } of lanes) {
    await sequence.clearHistory();
    lookup?.updateInputTokens(promptOf(request));
  }
  const before = lanes.map(({ sequence }) => sequence.tokenPredictions);
  const startedAt = performance.now();
  const outputs = await Promise.all(lanes.map(({ sequence }, index) => decode(sequence, request, index)));
  const endedAt = performance.now();
  const after = lanes.map(({ sequence }) => sequence.tokenPredictions);
  /** @param {'validated' | 'refuted'} field */
  const count = (field) => after.reduce((sum, predictions, index) => sum + predictions[field] - (before[index]?.[field] ?? 0), 0);
  return {
    tokens: outputs.map(({ tokens }) => tokens),
    totalMs: endedAt - startedAt,
    decodeMs: endedAt - Math.max(...outputs.map(({ firstAt }) => firstAt)),
    proposed: count('validated') + count('refuted'),
    accepted: count('validated'),
  };
}

/**
 * @param {import('node-llama-cpp').LlamaContextSequence} sequence
 * @param {LlamaRequest} request
 * @param {number} branch
 */
async function decode(sequence, request, branch) {
  const { temperature, seed, maxTokens, endToken, limitMs } = request;
  const endAt = performance.now() + limitMs;
  const tokens = [];
  let firstAt = 0;
  const options = { temperature, topK: 0, topP: 1, minP: 0, seed: 1000 * seed + branch, yieldEogToken: true };
  for await (const token of sequence.evaluate(promptOf(request), options)) {
    firstAt ||= performance.now();
    tokens.push(token);
    if (token === endToken || tokens.length >= maxTokens || performance.now() > endAt) break;
  }
  return { tokens, firstAt };
}

/**
 * Its tokens are numbers under a name of their own.
 *
 * @param {LlamaRequest} request
 */
function promptOf({ prompt }) {
  return /** @type {Token[]} */ (/** @type {unknown} */ (prompt));
}

/**
 * @param {LlamaRequest} request
 * @returns {Promise<Lane[]>}
 */
async function openLanes({ predictor, branches, threads, contextTokens }) {
  if (!models) throw new Error('No models are loaded.');
  const batchSize = Math.max(contextTokens, LONGEST_PROMPT * branches);
  const options = { sequences: branches, contextSize: contextTokens, batchSize, threads, flashAttention: true };
  const context = await models.target.createContext(options);
  const drafts = predictor === 'draft' ? await models.draft.createContext(options) : undefined;
  return Array.from({ length: branches }, () => {
    const lookup = predictor === 'lookup' ? new InputLookupTokenPredictor({ predictionLength: { max: 1 } }) : undefined;
    const draft = drafts && new DraftSequenceTokenPredictor(drafts.getSequence(), branches === 1 ? BESIDE_TARGET : BEFORE_TARGET);
    const tokenPredictor = lookup ?? draft;
    return { sequence: context.getSequence(tokenPredictor ? { tokenPredictor } : {}), lookup };
  });
}
