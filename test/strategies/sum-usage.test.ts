import { expect, test } from 'vitest';
import { sumUsage } from '../../src/strategies/sum-usage.ts';

const plain = { promptTokens: 3, completionTokens: 10, forcedTokens: 1, forwardCount: 12 };

test('sumUsage adds what sessions have cost', () => {
  expect(sumUsage([])).toEqual({ promptTokens: 0, completionTokens: 0, forcedTokens: 0, forwardCount: 0 });
  expect(sumUsage([plain, plain])).toEqual({ promptTokens: 6, completionTokens: 20, forcedTokens: 2, forwardCount: 24 });
  expect(sumUsage([{ ...plain, cachedPromptTokens: 2 }, plain]).cachedPromptTokens).toBe(2);
});

test('sumUsage adds drafts by position and by length, where any session speculates', () => {
  const short = { proposed: 4, accepted: 3, byPosition: [{ proposed: 4, accepted: 3 }], draftsByLength: [0, 4] };
  const long = {
    proposed: 3,
    accepted: 2,
    byPosition: [
      { proposed: 2, accepted: 2 },
      { proposed: 1, accepted: 0 },
    ],
    draftsByLength: [1, 1, 1],
  };
  expect(sumUsage([{ ...plain, speculation: short }, plain, { ...plain, speculation: long }]).speculation).toEqual({
    proposed: 7,
    accepted: 5,
    byPosition: [
      { proposed: 6, accepted: 5 },
      { proposed: 1, accepted: 0 },
    ],
    draftsByLength: [1, 5, 1],
  });
});

test('sumUsage adds requests to servers, where any session has made some', () => {
  const server = { requestCount: 5, retryCount: 1, hedgeCount: 2, promptTokens: 30, cachedPromptTokens: 20, reasoningTokens: 4, discardedTokens: 3 };
  expect(sumUsage([{ ...plain, server }, plain, { ...plain, server }]).server).toEqual({
    requestCount: 10,
    retryCount: 2,
    hedgeCount: 4,
    promptTokens: 60,
    cachedPromptTokens: 40,
    reasoningTokens: 8,
    discardedTokens: 6,
  });
});
