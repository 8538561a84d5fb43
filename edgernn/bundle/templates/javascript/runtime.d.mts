/** Numbers of an input, flat, in row-major order. */
export type Values = ArrayLike<number> | ArrayLike<bigint>;

/** An output: its values, flat, and its dimensions. */
export interface Output {
  data: Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | BigInt64Array;
  dims: readonly number[];
}

/** An input or output as model.json describes it; -1 in the shape stands for time of any length. */
export interface TensorSpec {
  name: string;
  dtype: string;
  shape: number[];
  time_dim: number;
  hop: number;
  upsampling: number;
  delay: number;
  unit: string;
  layout: string;
}

/** What model.json says. */
export interface About {
  format: number;
  name: string;
  file: string;
  sha256: string;
  chunk: number;
  hop: number;
  steps: number;
  sample_rate: number;
  latency_ms: number;
  labels: string[];
  inputs: TensorSpec[];
  outputs: TensorSpec[];
  states: { input: string; output: string; dtype: string; shape: number[] }[];
}

export class GoldenError extends Error {}

export class Model {
  static create(
    ort: object,
    files: { about: About; model: Uint8Array; initial: Uint8Array },
    options?: Record<string, unknown>,
  ): Promise<Model>;
  readonly about: About;
  readonly initial: Uint8Array;
}

export class Stream {
  constructor(model: Model);
  readonly model: Model;
  pushAll(...inputs: Values[]): Promise<Output[]>;
  reset(): void;
  snapshot(): Uint8Array;
  restore(snapshot: Uint8Array): void;
}

export function checkGolden(model: Model, golden: unknown): Promise<number>;
export function valuesAStep(spec: TensorSpec): number;
export function chunkOfRows(rows: number[][], about: About): number[][];
export function rowsOfOutput(output: Output, spec: TensorSpec): number[][];
export function readRow(line: string, about: About, where: string): number[] | null;

export class DelayedOutputs {
  constructor(about: About);
  rows(outputs: Output[]): number[][][];
}
