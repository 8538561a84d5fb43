// @@title@@: values in, outputs out, as they come.
//
//   node main.mjs -             one time step a line from standard input, values separated by blanks or commas
//   node main.mjs sound.wav     a recording, where the model takes a waveform
import fs from 'node:fs/promises';
import readline from 'node:readline';
import { parseArgs } from 'node:util';

import { loadModel } from './load.mjs';
import { checkGolden, chunkOfRows, DelayedOutputs, GoldenError, readRow, valuesAStep } from './runtime.mjs';
import { STREAMS } from './streams.mjs';
import { readWave } from './wave.mjs';

/** Lines of standard input, as many as a push takes at a time. */
async function* lineChunks(about) {
  const size = about.chunk || about.hop;
  let waiting = [];
  let number = 0;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    number += 1;
    const row = readRow(line, about, `line ${number}`);
    if (row) waiting.push(row);
    if (waiting.length === size) {
      yield chunkOfRows(waiting, about);
      waiting = [];
    }
  }
  if (waiting.length) console.error(`note: the last ${waiting.length} lines are no whole push of ${size}`);
}

/** A recording, a push at a time; silence fills the last one. */
async function* waveChunks(about, path) {
  const [spec, ...more] = about.inputs;
  if (more.length || spec.time_dim < 0 || valuesAStep(spec) !== 1 || spec.dtype !== 'float32') {
    throw new RangeError('this model takes no waveform; give lines of values');
  }
  const { samples, rate } = readWave(await fs.readFile(path));
  if (about.sample_rate && rate !== about.sample_rate) {
    throw new RangeError(`${path}: ${rate} Hz; the model takes ${about.sample_rate} Hz`);
  }
  for (let start = 0; start < samples.length; start += about.steps) {
    const chunk = new Float32Array(about.steps);
    chunk.set(samples.subarray(start, start + about.steps));
    yield [chunk];
  }
}

/** The best label and its value where the first output has labels; else the values. */
function text(values, index, { labels }) {
  if (index === 0 && labels.length && labels.length === values.length) {
    const best = values.indexOf(Math.max(...values));
    return `${labels[best]}\t${Number(values[best].toPrecision(6))}`;
  }
  return values.map((value) => Number(value.toPrecision(9))).join(' ');
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { model: { type: 'string', default: Object.keys(STREAMS)[0] }, check: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (!Object.hasOwn(STREAMS, values.model)) {
    throw new RangeError(`--model: one of ${Object.keys(STREAMS).join(', ')}`);
  }
  let model;
  for (const name of values.check ? Object.keys(STREAMS) : [values.model]) {
    const loaded = await loadModel(name);
    const worst = await checkGolden(loaded.model, loaded.golden);
    console.error(`${name}: golden vectors pass, at most ${(100 * worst).toFixed(1)}% of the allowed difference`);
    model = loaded.model;
  }
  if (values.check) return;
  const stream = new STREAMS[values.model](model);
  const { about } = model;
  const delayed = new DelayedOutputs(about);
  const path = positionals[0] ?? '-';
  for await (const inputs of path === '-' ? lineChunks(about) : waveChunks(about, path)) {
    delayed.rows(await stream.pushAll(...inputs)).forEach((rows, index) => {
      const name = about.outputs.length > 1 ? `${about.outputs[index].name}\t` : '';
      for (const row of rows) console.log(name + text(row, index, about));
    });
  }
}

main().catch((error) => {
  console.error(error instanceof GoldenError ? `refused: ${error.message}` : `error: ${error.message}`);
  process.exitCode = error instanceof GoldenError ? 1 : 2;
});
