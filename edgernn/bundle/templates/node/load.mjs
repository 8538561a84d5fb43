// Loading the models of this app from their folders.
import fs from 'node:fs/promises';
import * as onnxruntime from 'onnxruntime-node';

import { Model } from './runtime.mjs';

const ort = onnxruntime.InferenceSession ? onnxruntime : onnxruntime.default;

/** A model of this app and its golden vectors. */
export async function loadModel(name) {
  const folder = new URL(`./models/${name}/`, import.meta.url);
  const json = async (file) => JSON.parse(await fs.readFile(new URL(file, folder), 'utf8'));
  const about = await json('model.json');
  const [model, initial] = await Promise.all([about.file, 'initial.bin'].map(async (file) =>
    new Uint8Array(await fs.readFile(new URL(file, folder)))));
  return { model: await Model.create(ort, { about, model, initial }), golden: await json('golden.json') };
}
