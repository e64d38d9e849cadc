/** Serves the bundled models on loopback until its parent ends it. Started by `ServedModel.start`. */
import type * as Library from 'latency-tts';
import type * as Serve from 'latency-tts/serve';
import type { ServerReady, ServerSettings, ServerState } from './server-messages.ts';

/** The package as it is shipped. */
const shipped = <Module>(file: string): Promise<Module> => import(new URL(`../../dist/${file}`, import.meta.url).href) as Promise<Module>;
const { bundledModels, Decoder, PrmScorer } = await shipped<typeof Library>('index.node.js');
const { createHandler, listen, prometheusMetrics, standardStrategies } = await shipped<typeof Serve>('serve.node.js');

const settings = JSON.parse(process.argv[2]!) as ServerSettings;
const { target, prm } = await bundledModels();
const scorer = new PrmScorer({ model: prm });
const engine = new Decoder({ model: target });
let openSessions = 0;
const open = engine.open.bind(engine);
engine.open = async (prompt, options) => {
  const session = await open(prompt, options);
  openSessions++;
  const dispose = session.dispose.bind(session);
  let isOpen = true;
  session.dispose = async () => {
    if (isOpen) openSessions--;
    isOpen = false;
    await dispose();
  };
  return session;
};
const handler = createHandler({
  models: { bundled: { engine, tokenizer: await target.loadTokenizer(), strategies: standardStrategies({ scorer }) } },
  metrics: prometheusMetrics(),
  ...settings,
});
await handler.ready();
const listener = await listen(handler, { port: 0 });

process.on('message', () => {
  const { rss: rssBytes, heapUsed: heapBytes } = process.memoryUsage();
  process.send!({ rssBytes, heapBytes, ...handler.load, openSessions } satisfies ServerState);
});
process.on('disconnect', () => {
  void listener
    .close({ graceMs: 1000 })
    .then(() => Promise.all([engine.dispose(), scorer.dispose()]))
    .then(() => process.exit());
});
process.send!({ url: listener.url } satisfies ServerReady);
