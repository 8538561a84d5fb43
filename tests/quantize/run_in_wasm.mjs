// Runs ONNX files in onnxruntime-web's WebAssembly build and prints what they give, as JSON.
// node run_in_wasm.mjs calls.json, from a folder with onnxruntime-web installed.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(path.join(process.cwd(), 'package.json'));
const ort = await import(pathToFileURL(require.resolve('onnxruntime-web/wasm')));
const api = ort.InferenceSession ? ort : ort.default;
api.env.wasm.numThreads = 1;
api.env.logLevel = 'error';

const tensor = ({ data, dims }) => new api.Tensor('float32', Float32Array.from(data), dims);
const found = {};
for (const { file, pushes, states } of JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))) {
  const session = await api.InferenceSession.create(new Uint8Array(fs.readFileSync(file)));
  const carried = Object.fromEntries(states.map((state) => [state.input, tensor(state)]));
  found[file] = [];
  for (const push of pushes) {
    const results = await session.run({ [push.input]: tensor(push), ...carried });
    for (const state of states) carried[state.input] = results[state.output];
    found[file].push(Array.from(results[push.output].data));
  }
}
console.log(JSON.stringify(found));
