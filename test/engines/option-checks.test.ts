/** Every engine and every scorer refuses what is wrong, with the path of the option. */
import { expect, test } from 'vitest';
import { aiSdkEngine, aiSdkEngineEntries } from '../../src/adapters/ai-sdk/ai-sdk-engine.ts';
import { Decoder, decoderEntries } from '../../src/engines/decoder.ts';
import { openaiCompatibleEngine } from '../../src/engines/remote/openai-compatible-engine.ts';
import { hedgeEntries, openaiCompatibleEntries } from '../../src/engines/remote/remote-options.ts';
import { serverDraftEntries } from '../../src/engines/remote/request-body.ts';
import { SpeculativeDecoder, speculativeDecoderEntries } from '../../src/engines/speculative-decoder.ts';
import { LatencyOptimizer } from '../../src/planning/optimizer/latency-optimizer.ts';
import { createHandler } from '../../src/serve/handler.ts';
import { CausalPrmScorer, causalPrmScorerEntries, inlineLayoutEntries } from '../../src/scoring/causal-prm-scorer.ts';
import { ClassifierPrmScorer, classifierPrmScorerEntries } from '../../src/scoring/classifier-prm-scorer.ts';
import { judgeEntries, LlmJudgeScorer } from '../../src/scoring/llm-judge-scorer.ts';
import { OrmScorer, ormScorerEntries } from '../../src/scoring/orm-scorer.ts';
import { PrmScorer, prmScorerEntries } from '../../src/scoring/prm-scorer.ts';
import { serverOutcomeScorer, serverOutcomeScorerEntries, serverStepScorer, serverStepScorerEntries } from '../../src/scoring/server-scorers.ts';
import { TournamentScorer, tournamentEntries } from '../../src/scoring/tournament-scorer.ts';
import { verifierScorer, verifierScorerEntries } from '../../src/scoring/verifier-scorer.ts';
import { describeOptionLaws, refusal, subject } from '../support/option-laws.ts';

const model = { name: 'none', contextTokens: 64, load: () => Promise.reject(new Error('never')), loadTokenizer: () => Promise.reject(new Error('never')) };
const engine = { open: () => Promise.reject(new Error('never')), name: 'none' };
const server = { baseURL: 'http://127.0.0.1:9/v1', model: 'none' };
const layout = { kind: 'inline', marker: '+' } as const;

describeOptionLaws([
  subject('Decoder', decoderEntries, (options) => new Decoder(options), { model }),
  subject('SpeculativeDecoder', speculativeDecoderEntries, (options) => new SpeculativeDecoder(options), { target: model }),
  subject('openaiCompatibleEngine', openaiCompatibleEntries, (options) => openaiCompatibleEngine(options), server),
  subject('hedge', hedgeEntries, (hedge) => openaiCompatibleEngine({ ...server, hedge }), {}, 'hedge'),
  subject('drafts', serverDraftEntries, (drafts) => openaiCompatibleEngine({ ...server, drafts }), {}, 'drafts'),
  subject('aiSdkEngine', aiSdkEngineEntries, (options) => aiSdkEngine(options), {
    model: { doStream: () => undefined, modelId: 'none', provider: 'none', specificationVersion: 'v4' },
  }),
  subject('PrmScorer', prmScorerEntries, (options) => new PrmScorer(options), { model }),
  subject('CausalPrmScorer', causalPrmScorerEntries, (options) => new CausalPrmScorer(options), { model, layout }),
  subject('a layout', inlineLayoutEntries, (own) => new CausalPrmScorer({ model: model as never, layout: own }), layout, 'layout'),
  subject('ClassifierPrmScorer', classifierPrmScorerEntries, (options) => new ClassifierPrmScorer(options), { model }),
  subject('OrmScorer', ormScorerEntries, (options) => new OrmScorer(options), { model }),
  subject('LlmJudgeScorer', judgeEntries, (options) => new LlmJudgeScorer(options), { engine }),
  subject('TournamentScorer', tournamentEntries, (options) => new TournamentScorer(options), { engine }),
  subject('verifierScorer', verifierScorerEntries, (options) => verifierScorer(() => true, options)),
  subject('serverOutcomeScorer', serverOutcomeScorerEntries, (options) => serverOutcomeScorer(options), { ...server, endpoint: 'pooling' }),
  subject('serverStepScorer', serverStepScorerEntries, (options) => serverStepScorer(options), { ...server, layout: { kind: 'turns' } }),
]);

test.each([
  ['maxRuning', /Did you mean `maxRunning`/, () => createHandler({ models: {}, maxRuning: 3 } as never)],
  ['replica', /Did you mean `replicas`/, () => LatencyOptimizer.fit({ replica: 3 } as never)],
])('%s of a handler or a fit is refused', async (option, message, make) => {
  await expect((async () => make())()).rejects.toThrow(refusal(option, message) as never);
});

test('no message shows a key', () => {
  for (const name of ['apikey', 'api_key', 'ApiKey', 'token', 'authorization']) {
    expect(() => openaiCompatibleEngine({ ...server, [name]: 'sk-secret' })).toThrow(refusal(name, /^(?!.*sk-secret)/));
  }
});
