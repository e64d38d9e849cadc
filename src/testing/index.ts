/**
 * What the library's own tests use, for yours: `latency-tts/testing`.
 *
 * @module
 */
export { ManualClock } from './manual-clock.ts';
export { ScriptedTokenModel, type ScriptedTokenModelOptions } from './scripted-token-model.ts';
export { characterTokenizer } from './character-tokenizer.ts';
export { localModelOf } from './local-model-of.ts';
