import { afterAll, beforeAll, describe, test } from 'vitest';
import { openaiCompatibleEngine } from '../../../src/engines/remote/openai-compatible-engine.ts';
import { ScriptedTokenModel } from '../../../src/testing/scripted-token-model.ts';
import { engineLaws, type EngineSubject } from '../engine-laws.ts';
import { mainDecoder, scriptedSubject } from '../scripted-engines.ts';
import { ConformanceServer } from './conformance-server.ts';

/** vLLM tells token ids, log-probabilities and prompt lengths, so that every law can be asked of it. */
describe('openaiCompatibleEngine on a server that speaks as vLLM', () => {
  let server: ConformanceServer;
  beforeAll(async () => {
    server = await ConformanceServer.start();
  });
  afterAll(() => server.stop());

  const subject: EngineSubject = {
    ...scriptedSubject(mainDecoder, ScriptedTokenModel),
    open: () => openaiCompatibleEngine({ baseURL: server.url, model: 'scripted' }),
    drawsAnew: true,
  };
  for (const law of engineLaws) {
    test(law.name, async () => {
      await law.check(subject);
      await server.settled();
    });
  }
});
