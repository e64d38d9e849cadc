import { InferenceSession } from 'onnxruntime-node';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'vitest';
import { DeviceTokenModel } from '../../src/models/device-token-model.ts';
import { encodeCacheGraph } from '../../src/models/cache-graph.ts';
import { describeNativeGraph } from '../../src/models/native-token-model.ts';
import { tokenModelLaws } from './token-model-laws.ts';
const subject = { open: async () => { const model = await InferenceSession.create('models/draft/model.onnx', {intraOpNumThreads:1}); const { layers, headWidth } = describeNativeGraph(model); const cache = await InferenceSession.create(encodeCacheGraph(layers, headWidth), {intraOpNumThreads:1}); const config = JSON.parse(await readFile('models/draft/config.json','utf8')); return new DeviceTokenModel({ model, cache }, config.num_attention_heads / config.num_key_value_heads, { contextTokens: 512, endTokens: new Set([2]) }); }, tolerance: 1e-4, programs: 30 };
describe('device', () => { for (const law of tokenModelLaws) test(law.name, () => law.check(subject)); });
