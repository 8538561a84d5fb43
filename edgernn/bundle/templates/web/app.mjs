// The page: input from a microphone, a file or random numbers; outputs as they come; how long a push takes.
import { Plot } from './plot.mjs';
import { chunkOfRows, DelayedOutputs, readRow, valuesAStep } from './runtime.mjs';
import { loadSound, openMicrophone } from './sound.mjs';
import { STREAMS } from './streams.mjs';

const element = (id) => document.getElementById(id);
const INPUTS = ['microphone', 'file', 'random', 'reset'];
const RANDOM_PUSHES = 200;
const FASTEST = 10; // milliseconds between two pushes of a file or of random numbers, so that one can watch

let worker;
let calls = new Map();
let about;
let delayed;
let times = [];
let pushes = 0;
let run = 0; // which run of input is going on; a new one ends the last
let closeMicrophone = () => {};
const plot = new Plot(element('plot'), element('legend'));

/** Ask the worker; answers come in the order of the questions. */
function ask(op, rest = {}, transfer = []) {
  return new Promise((resolve, reject) => {
    const id = (ask.next = (ask.next ?? 0) + 1);
    calls.set(id, { resolve, reject });
    worker.postMessage({ id, op, ...rest }, transfer);
  });
}

function show(text, state) {
  element('status').textContent = text;
  element('status').dataset.state = state;
}

function enable(on) {
  for (const id of INPUTS) element(id).disabled = !on;
}

/** Start a worker with the chosen model; nothing can be pushed before its golden vectors pass. */
async function open() {
  stop();
  enable(false);
  show('Loading …', 'loading');
  worker?.terminate();
  worker = new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module' });
  calls = new Map();
  const mine = calls;
  worker.onmessage = ({ data: { id, result, error, refused } }) => {
    const call = mine.get(id);
    mine.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(Object.assign(new Error(error), { refused }));
  };
  worker.onerror = (event) => mine.forEach(({ reject }) => reject(new Error(event.message ?? 'the worker failed')));
  try {
    const opened = await ask('open', { name: element('model').value, provider: element('provider').value });
    about = opened.about;
    show(`Golden vectors pass: at most ${(100 * opened.worst).toPrecision(2)} % of the allowed difference`, 'ready');
  } catch (error) {
    show(error.refused ? `Refused: ${error.message}` : `Error: ${error.message}`, error.refused ? 'refused' : 'error');
    return;
  }
  const sound = takesSound();
  element('microphone').hidden = !sound;
  element('file').accept = sound ? 'audio/*,.wav,.csv,.txt' : '.csv,.txt';
  element('latency').textContent = about.latency_ms ? `${about.latency_ms.toPrecision(3)} ms` : `${about.steps} step(s)`;
  clear();
  enable(true);
}

const takesSound = () => {
  const [spec, ...more] = about.inputs;
  return !more.length && spec.dtype === 'float32' && spec.time_dim >= 0 && valuesAStep(spec) === 1
    && about.sample_rate >= 4000;
};

/** Before the first push. */
function clear() {
  [times, pushes] = [[], 0];
  delayed = new DelayedOutputs(about);
  const first = about.outputs[0];
  const width = valuesAStep(first);
  const layout = first.layout ? first.layout.split(',') : [];
  const names = [about.labels, layout].find((list) => list.length === width)
    ?? Array.from({ length: width }, (_, index) => (width === 1 ? first.name : `${first.name} ${index}`));
  plot.start(names, first.unit);
  element('answer').textContent = '\u00a0';
  for (const id of ['median', 'tail', 'factor']) element(id).textContent = '–';
  element('pushes').textContent = '0';
}

async function push(inputs) {
  const { outputs, milliseconds } = await ask('push', { inputs });
  pushes += 1;
  times.push(milliseconds);
  if (times.length > 1000) times.shift();
  const [rows] = delayed.rows(outputs);
  for (const row of rows) plot.add(row);
  if (rows.length && about.labels.length === rows.at(-1).length) answer(rows.at(-1));
}

function answer(row) {
  const best = row.indexOf(Math.max(...row));
  const small = document.createElement('small');
  small.textContent = ` ${row[best].toPrecision(3)}`;
  element('answer').replaceChildren(about.labels[best], small);
}

/** Numbers below the plot, as often as the screen is drawn. */
function draw() {
  if (times.length) {
    const sorted = [...times].sort((a, b) => a - b);
    const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
    element('pushes').textContent = String(pushes);
    element('median').textContent = `${at(0.5).toPrecision(2)} ms`;
    element('tail').textContent = `${at(0.99).toPrecision(2)} ms`;
    if (about.sample_rate) {
      element('factor').textContent = `${((at(0.5) * about.sample_rate) / about.steps / 10).toPrecision(2)} %`;
    }
  }
  plot.draw();
  requestAnimationFrame(draw);
}

/** Push chunk after chunk until they end, or another input starts. */
async function feed(chunks) {
  stop();
  const mine = (run += 1);
  element('stop').disabled = false;
  try {
    for await (const inputs of chunks) {
      if (run !== mine) return;
      await push(inputs);
    }
  } catch (error) {
    if (run === mine) show(`Error: ${error.message}`, 'error');
  }
  if (run === mine) stop();
}

function stop() {
  run += 1;
  closeMicrophone();
  closeMicrophone = () => {};
  element('microphone').classList.remove('on');
  element('stop').disabled = true;
}

const wait = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

async function* paced(chunks) {
  const interval = about.sample_rate ? Math.max(FASTEST, (1000 * about.steps) / about.sample_rate) : FASTEST;
  let next = performance.now();
  for (const chunk of chunks) {
    yield chunk;
    next += interval;
    await wait(Math.max(0, next - performance.now()));
  }
}

function* randomChunks() {
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  for (let count = 0; count < RANDOM_PUSHES; count += 1) {
    yield about.inputs.map((spec) => Array.from(
      { length: valuesAStep(spec) * (spec.time_dim >= 0 ? about.steps : 1) },
      () => (spec.dtype.startsWith('float') ? normal() : Math.floor(2 * Math.random())),
    ));
  }
}

function* soundChunks(samples) {
  for (let start = 0; start < samples.length; start += about.steps) {
    const chunk = new Float32Array(about.steps);
    chunk.set(samples.subarray(start, start + about.steps));
    yield [chunk];
  }
}

function* textChunks(text) {
  const size = about.chunk || about.hop;
  let waiting = [];
  for (const [index, line] of text.split('\n').entries()) {
    const row = readRow(line, about, `line ${index + 1}`);
    if (row) waiting.push(row);
    if (waiting.length === size) {
      yield chunkOfRows(waiting, about);
      waiting = [];
    }
  }
}

element('file').onchange = async ({ target }) => {
  const [file] = target.files;
  target.value = '';
  if (!file) return;
  try {
    const sound = takesSound() && !/\.(csv|txt)$/i.test(file.name);
    const chunks = sound
      ? soundChunks(await loadSound(await file.arrayBuffer(), about.sample_rate))
      : textChunks(await file.text());
    feed(paced(chunks));
  } catch (error) {
    show(`Error: ${file.name}: ${error.message}`, 'error');
  }
};
element('random').onclick = () => feed(paced(randomChunks()));
element('stop').onclick = stop;
element('reset').onclick = async () => {
  stop();
  await ask('reset');
  clear();
};
element('microphone').onclick = async () => {
  stop();
  const mine = (run += 1);
  try {
    const close = await openMicrophone(about.sample_rate, about.steps, (chunk) => {
      if (run === mine) push([chunk]).catch((error) => show(`Error: ${error.message}`, 'error'));
    });
    if (run !== mine) {
      close();
      return;
    }
    closeMicrophone = close;
    element('microphone').classList.add('on');
    element('stop').disabled = false;
  } catch (error) {
    show(`Error: ${error.message}`, 'error');
  }
};
for (const name of Object.keys(STREAMS)) element('model').add(new Option(name.replaceAll('_', ' '), name));
element('model').parentElement.hidden = Object.keys(STREAMS).length === 1;
if (navigator.gpu) element('provider').add(new Option('WebGPU', 'webgpu'));
element('model').onchange = open;
element('provider').onchange = open;
await open();
requestAnimationFrame(draw);
