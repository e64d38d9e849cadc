import * as v from 'valibot';

/** `SamplingOptions` in saved files. */
export const samplingOptions = v.object({
  repetitionPenalty: v.exactOptional(v.number()),
  temperature: v.exactOptional(v.number()),
  topK: v.exactOptional(v.number()),
  topP: v.exactOptional(v.number()),
  minP: v.exactOptional(v.number()),
});
