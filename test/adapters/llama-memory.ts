/** Prints by how many megabytes this process grows while four branches of a GGUF file write 200 tokens each. */
import { loadGguf } from '../../bench/support/load-gguf.ts';
import { llamaCppEngine } from '../../src/adapters/node-llama-cpp/index.ts';

const gguf = await loadGguf(process.argv[2]!);
const engine = llamaCppEngine(gguf.model, { sequences: 4, contextTokens: 256, context: { threads: 1 } });
const session = await engine.open({ text: 'Once upon a time' }, { sampling: { temperature: 3 } });
const branches = session.branch(4);
await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 20 } })));
const before = process.memoryUsage().rss;
await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 200 } })));
console.log((process.memoryUsage().rss - before) / 1e6);
process.exit(0);
