// Runs the model off the page's thread, so that drawing and sound never wait for it.
//
// The page sends { id, op, ... } and gets { id, result } or { id, error } back; calls are answered in their order.
import { checkGolden, GoldenError, Model } from './runtime.mjs';
import { STREAMS } from './streams.mjs';

const RUNTIME = new URL('./ort/', import.meta.url).href;
let stream;

async function fetched(url, kind) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return kind === 'json' ? response.json() : new Uint8Array(await response.arrayBuffer());
}

const operations = {
  /** Load a model, check it, and open a stream. */
  async open({ name, provider }) {
    const ort = await import(`${RUNTIME}ort.${provider === 'webgpu' ? 'webgpu' : 'wasm'}.min.mjs`);
    ort.env.wasm.wasmPaths = RUNTIME;
    ort.env.wasm.numThreads = 1; // a step takes microseconds; threads would only wait for each other
    ort.env.logLevel = 'error';
    const folder = new URL(`./models/${name}/`, import.meta.url);
    const about = await fetched(new URL('model.json', folder), 'json');
    const [model, initial, golden] = await Promise.all([
      fetched(new URL(about.file, folder)),
      fetched(new URL('initial.bin', folder)),
      fetched(new URL('golden.json', folder), 'json'),
    ]);
    const loaded = await Model.create(ort, { about, model, initial }, { executionProviders: [provider] });
    const worst = await checkGolden(loaded, golden);
    stream = new STREAMS[name](loaded);
    return { about, worst };
  },

  /** Run one chunk; the outputs and the milliseconds it took. */
  async push({ inputs }) {
    const start = performance.now();
    const outputs = await stream.pushAll(...inputs);
    return { outputs: outputs.map(({ data, dims }) => ({ data, dims })), milliseconds: performance.now() - start };
  },

  async reset() {
    stream.reset();
  },
};

let last = Promise.resolve();
self.onmessage = ({ data: { id, op, ...rest } }) => {
  last = last.then(async () => {
    try {
      self.postMessage({ id, result: await operations[op](rest) });
    } catch (error) {
      self.postMessage({ id, error: error.message, refused: error instanceof GoldenError });
    }
  });
};
