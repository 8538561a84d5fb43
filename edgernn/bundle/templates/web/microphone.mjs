// Runs on the browser's sound thread: gathers samples into chunks of the length that the model takes.
class Chunks extends AudioWorkletProcessor {
  constructor({ processorOptions: { steps } }) {
    super();
    this.chunk = new Float32Array(steps);
    this.filled = 0;
  }

  process([[samples = []]]) {
    for (const sample of samples) {
      this.chunk[this.filled] = sample;
      this.filled += 1;
      if (this.filled === this.chunk.length) {
        this.port.postMessage(this.chunk.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor('chunks', Chunks);
