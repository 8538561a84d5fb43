// Streams of a recurrent model on onnxruntime: chunks go in, outputs come out, the states stay inside.
//
// This file is the same for every model, in Node.js and in a browser. What it needs to know stands in the model's
// folder: model.json (names, types, shapes), initial.bin (the states before the first chunk, as a snapshot) and
// golden.json (calls with the outputs that they must give).

const ARRAYS = {
  float32: Float32Array, float64: Float64Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array,
  uint16: Uint16Array, int32: Int32Array, int64: BigInt64Array, bool: Uint8Array,
};
const DIGEST = 32; // bytes of the model's SHA-256 in front of a snapshot

const product = (sizes) => sizes.reduce((whole, size) => whole * size, 1);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The model does not compute here what it computed where it was made. */
export class GoldenError extends Error {}

/** A loaded model, for any number of streams. Make one with `Model.create`. */
export class Model {
  /**
   * @param ort the module onnxruntime-node or onnxruntime-web
   * @param files what stands in the model's folder: `about` (model.json, parsed), `model` and `initial` (bytes)
   * @param options onnxruntime's session options, over those that suit small steps
   */
  static async create(ort, { about, model, initial }, options = {}) {
    if (about.format !== 1) throw new Error(`model.json has format ${about.format}, this program reads 1`);
    const { subtle } = globalThis.crypto ?? {}; // a browser has none on plain http; the golden vectors remain
    if (subtle && hex(new Uint8Array(await subtle.digest('SHA-256', model))) !== about.sha256) {
      throw new GoldenError(`${about.file} is not the file that this app was made for (SHA-256 differs)`);
    }
    const session = await ort.InferenceSession.create(model, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      enableCpuMemArena: false,
      ...options,
    });
    return new Model(ort, about, session, initial);
  }

  constructor(ort, about, session, initial) {
    Object.assign(this, { ort, about, session, initial });
    this.fetches = [...about.outputs.map((item) => item.name), ...about.states.map((state) => state.output)];
  }
}

/** One stream of a model. A push that fails leaves the states as they were. */
export class Stream {
  #model;
  #states;
  #busy = false;

  constructor(model) {
    this.#model = model;
    this.reset();
  }

  get model() {
    return this.#model;
  }

  /**
   * Run the next chunk: one flat array for each input, in the model's order. Gives one { data, dims } for each
   * output. Await it before the next push.
   */
  async pushAll(...inputs) {
    this.#idle();
    const { ort, about, session, fetches } = this.#model;
    if (inputs.length !== about.inputs.length) {
      throw new RangeError(`expected ${about.inputs.length} inputs, found ${inputs.length}`);
    }
    const feed = {};
    let steps;
    about.inputs.forEach((spec, index) => {
      const { values, dims } = fit(inputs[index], spec);
      if (spec.time_dim >= 0) {
        const found = dims[spec.time_dim];
        if (steps !== undefined && found !== steps) throw new RangeError('the inputs differ in steps');
        steps = found;
      }
      feed[spec.name] = new ort.Tensor(spec.dtype, values, dims);
    });
    if (steps !== undefined && ((about.chunk && steps !== about.chunk) || !steps || steps % about.hop)) {
      throw new RangeError(`a push takes ${about.chunk || `a multiple of ${about.hop}`} steps, found ${steps}`);
    }
    this.#busy = true;
    try {
      const results = await session.run({ ...feed, ...this.#states }, fetches);
      this.#states = Object.fromEntries(about.states.map((state) => [state.input, results[state.output]]));
      return about.outputs.map(({ name }) => ({ data: results[name].data, dims: results[name].dims }));
    } finally {
      this.#busy = false;
    }
  }

  /** Go back to the states before the first chunk. */
  reset() {
    this.restore(this.#model.initial);
  }

  /** The states as bytes, to restore later, here or in another stream of this model, in an app of any language. */
  snapshot() {
    this.#idle();
    const { about } = this.#model;
    const parts = about.states.map((state) => this.#states[state.input].data);
    const size = parts.reduce((sum, part) => sum + part.byteLength, DIGEST);
    const bytes = new Uint8Array(size);
    bytes.set(about.sha256.match(/../g).map((pair) => parseInt(pair, 16)));
    let start = DIGEST;
    for (const part of parts) {
      bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), start);
      start += part.byteLength;
    }
    return bytes;
  }

  /** Take the states of a snapshot; throws where it is of another model or damaged. */
  restore(snapshot) {
    this.#idle();
    const { ort, about } = this.#model;
    const sizes = about.states.map((state) => product(state.shape) * ARRAYS[state.dtype].BYTES_PER_ELEMENT);
    const size = sizes.reduce((sum, part) => sum + part, DIGEST);
    if (snapshot.length !== size || hex(snapshot.subarray(0, DIGEST)) !== about.sha256) {
      throw new RangeError('snapshot: of another model, or damaged');
    }
    let start = DIGEST;
    const states = {};
    about.states.forEach((state, index) => {
      const bytes = snapshot.slice(start, start + sizes[index]); // a copy, aligned for its type
      states[state.input] = new ort.Tensor(state.dtype, new ARRAYS[state.dtype](bytes.buffer), state.shape);
      start += sizes[index];
    });
    this.#states = states;
  }

  #idle() {
    if (this.#busy) throw new Error('this stream is at work; await its last push first');
  }
}

/** Numbers as the typed array and the dimensions of an input; a free time takes what the values make. */
function fit(given, spec) {
  const Kind = ARRAYS[spec.dtype];
  const values = given instanceof Kind
    ? given
    : Kind.from(given, spec.dtype === 'int64' ? (value) => BigInt(value) : undefined);
  const known = product(spec.shape.filter((size) => size >= 0));
  const steps = values.length / known;
  const fits = spec.shape.includes(-1) ? steps >= 1 && Number.isInteger(steps) : steps === 1;
  if (!fits) throw new RangeError(`input ${spec.name}: ${values.length} values do not fill [${spec.shape}]`);
  return { values, dims: spec.shape.map((size) => (size < 0 ? steps : size)) };
}

/**
 * Make the calls of golden.json and compare. Gives the largest difference, as a part of what is allowed; throws a
 * GoldenError where an output differs by more.
 */
export async function checkGolden(model, golden) {
  const { about } = model;
  if (golden.format !== 1 || golden.model !== about.sha256) throw new GoldenError('golden.json is of another model');
  const streams = Array.from({ length: golden.streams }, () => new Stream(model));
  let kept = model.initial;
  let [worst, compared] = [0, 0];
  for (const [number, call] of golden.calls.entries()) {
    const stream = streams[call.stream];
    if (call.op === 'reset') stream.reset();
    else if (call.op === 'snapshot') kept = stream.snapshot();
    else if (call.op === 'restore') stream.restore(kept);
    else if (call.op === 'push') {
      const outputs = await stream.pushAll(...call.inputs);
      outputs.forEach(({ data }, index) => {
        const [expected, allowed] = [call.outputs[index], golden.allowed[index]];
        const { name } = about.outputs[index];
        if (data.length !== expected.length) {
          throw new GoldenError(`call ${number}: ${data.length} values of ${name}, expected ${expected.length}`);
        }
        let difference = 0;
        for (let item = 0; item < data.length; item += 1) {
          const error = Math.abs(Number(data[item]) - expected[item]);
          if (!(error <= difference)) difference = error; // so that NaN stays
        }
        if (!(difference <= allowed)) {
          throw new GoldenError(
            `call ${number}: ${name} differs by ${difference.toPrecision(3)}, allowed is ${allowed.toPrecision(3)}`,
          );
        }
        compared += data.length;
        if (allowed) worst = Math.max(worst, difference / allowed);
      });
    } else throw new GoldenError(`call ${number}: unknown operation ${call.op}`);
  }
  if (!compared) throw new GoldenError('golden.json compares nothing');
  return worst;
}

/** How many values of a tensor belong to one step. */
export const valuesAStep = (spec) => product(spec.shape.filter((_, axis) => axis !== spec.time_dim));

/**
 * Rows of values, one a step, as one flat array for each input: a row holds the values of each input in turn. Of an
 * input without time the last row counts.
 */
export function chunkOfRows(rows, about) {
  let start = 0;
  return about.inputs.map((spec) => {
    const width = valuesAStep(spec);
    const part = rows.map((row) => row.slice(start, start + width));
    start += width;
    if (!spec.dtype.startsWith('float') && part.some((row) => !row.every(Number.isInteger))) {
      throw new RangeError(`input ${spec.name} takes whole numbers`);
    }
    if (spec.time_dim < 0) return part.at(-1);
    const before = product(spec.shape.slice(0, spec.time_dim)); // values of a step that stand in front of time
    const after = width / before;
    return Array.from({ length: before }, (_, index) => index).flatMap((index) =>
      part.flatMap((row) => row.slice(index * after, (index + 1) * after)));
  });
}

/** An output as rows of numbers, one a step. */
export function rowsOfOutput({ data, dims }, spec) {
  const values = Array.from(data, Number);
  if (spec.time_dim < 0) return [values];
  const steps = dims[spec.time_dim];
  const before = product(dims.slice(0, spec.time_dim));
  const after = values.length / before / steps;
  return Array.from({ length: steps }, (_, step) =>
    Array.from({ length: before }, (_, index) => (index * steps + step) * after).flatMap((from) =>
      values.slice(from, from + after)));
}

/** A line of numbers separated by blanks or commas; null for an empty one. */
export function readRow(line, about, where) {
  const cells = line.replaceAll(',', ' ').split(/\s+/).filter(Boolean);
  if (!cells.length) return null;
  const wanted = about.inputs.reduce((sum, spec) => sum + valuesAStep(spec), 0);
  if (cells.length !== wanted) throw new RangeError(`${where} holds ${cells.length} values; a step takes ${wanted}`);
  const row = cells.map(Number);
  if (!row.every(Number.isFinite)) throw new RangeError(`${where} holds what is no finite number`);
  return row;
}

/** Drops, of every output, the steps that come before its first one. */
export class DelayedOutputs {
  constructor(about) {
    this.outputs = about.outputs;
    this.left = about.outputs.map((spec) => (spec.time_dim >= 0 ? spec.delay : 0));
  }

  /** The rows of each output of the next push without what is to be dropped. */
  rows(outputs) {
    return outputs.map((output, index) => {
      const rows = rowsOfOutput(output, this.outputs[index]);
      const dropped = Math.min(this.left[index], rows.length);
      this.left[index] -= dropped;
      return rows.slice(dropped);
    });
  }
}
