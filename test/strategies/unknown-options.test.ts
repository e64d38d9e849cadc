/** What JavaScript lets pass: options that there are not, requests and prompts that are none. */
import { describe, expect, test } from 'vitest';
import { Decoder } from '../../src/engines/decoder.ts';
import { BestOfN } from '../../src/strategies/best-of-n.ts';
import { DeepConf } from '../../src/strategies/deep-conf.ts';
import { FirstFinish } from '../../src/strategies/first-finish.ts';
import { ProbeAndExit } from '../../src/strategies/probe-and-exit.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { verifierScorer } from '../../src/scoring/verifier-scorer.ts';
import { openSolver } from './solver.ts';

const scorer = verifierScorer(() => true);

describe('an option that there is not is refused by name, and the nearest one is named', () => {
  test.each([
    ['brances', () => new SelfConsistency({ brances: 8 } as never), /Did you mean `branches`/],
    ['Branches', () => new SelfConsistency({ Branches: 8 } as never), /Did you mean `branches`/],
    ['earlyDecison', () => new SelfConsistency({ earlyDecison: 'none' } as never), /Did you mean `earlyDecision`/],
    ['maxtokens', () => new BestOfN({ scorer, maxtokens: 8 } as never), /Did you mean `maxTokens`/],
    ['max_tokens', () => new FirstFinish({ max_tokens: 8 } as never), /Did you mean `maxTokens`/],
    ['warmup', () => new DeepConf({ warmup: 8 } as never), /Did you mean `warmUp`/],
    ['agreement', () => new ProbeAndExit({ agreement: 8 } as never), /Did you mean `agreements`/],
    ['sampling.temprature', () => new SelfConsistency({ sampling: { temprature: 0 } } as never), /Did you mean `temperature`/],
    ['sampling.top_p', () => new SelfConsistency({ sampling: { top_p: 0.9 } } as never), /Did you mean `topP`/],
    ['forcedAnswer.sufix', () => new SelfConsistency({ forcedAnswer: { sufix: '=' } } as never), /Did you mean `suffix`/],
    ['modell', () => new Decoder({ modell: 1 } as never), /Did you mean `model`/],
    ['elephant', () => new SelfConsistency({ elephant: 1 } as never), /There is: `maxTokens`/],
  ])('%s', (option, make, advice) => {
    expect(make).toThrow(advice);
    expect(make).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }));
  });

  test.each([
    ['deadlineMS', { deadlineMS: 5 }, /Did you mean `deadlineMs`/],
    ['sead', { sead: 5 }, /Did you mean `seed`/],
    ['abortSignal', { abortSignal: AbortSignal.abort() }, /There is: `engine`/],
    ['prompt[0].role', { prompt: [{ role: 'human', content: 'hi' }] }, /Did you mean `user`/],
    [
      'prompt[1].role',
      {
        prompt: [
          { role: 'user', content: 'hi' },
          { role: 'ai', content: 'hi' },
        ],
      },
      /Did you mean `assistant`/,
    ],
    ['signal', { signal: new AbortController() }, /Pass the `signal`/],
  ])('of a run: %s', async (option, fields, advice) => {
    const { engine, clock } = await openSolver();
    const run = new SelfConsistency().run({ engine, clock, prompt: 'how many?', ...fields } as never);
    await expect(run).rejects.toThrow(advice);
    await expect(run).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION', option });
  });

  test.each([undefined, null, 'a question', []])('a run of %j is refused as a request', async (request) => {
    await expect(new SelfConsistency().run(request as never)).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION', option: 'request' });
  });

  test.each([undefined, null, 7])('a decoder of %j is refused', (options) => {
    expect(() => new Decoder(options as never)).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option: 'options' }));
  });

  test('one that is undefined says nothing', () => {
    expect(() => new SelfConsistency({ branches: 2, elsewhere: undefined } as never)).not.toThrow();
  });
});
