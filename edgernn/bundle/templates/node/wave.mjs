// Reading .wav files of 16-bit samples.

/** Bytes of a .wav file as samples between -1 and 1, its channels mixed, and their rate. */
export function readWave(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at) => String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));
  if (bytes.byteLength < 12 || name(0) !== 'RIFF' || name(8) !== 'WAVE') throw new RangeError('not a .wav file');
  let format;
  for (let at = 12; at + 8 <= bytes.byteLength; ) {
    const [kind, start] = [name(at), at + 8];
    const size = Math.min(view.getUint32(at + 4, true), bytes.byteLength - start);
    if (kind === 'fmt ' && size >= 16) {
      const [code, bits] = [view.getUint16(start, true), view.getUint16(start + 14, true)];
      if (bits !== 16 || (code !== 1 && code !== 0xfffe)) throw new RangeError('expected a .wav file of 16-bit samples');
      format = { channels: view.getUint16(start + 2, true), rate: view.getUint32(start + 4, true) };
    } else if (kind === 'data' && format?.channels) {
      const { channels, rate } = format;
      const samples = new Float32Array(Math.floor(size / 2 / channels));
      for (let frame = 0; frame < samples.length; frame += 1) {
        let sum = 0;
        for (let channel = 0; channel < channels; channel += 1) {
          sum += view.getInt16(start + 2 * (frame * channels + channel), true);
        }
        samples[frame] = sum / channels / 32768;
      }
      return { samples, rate };
    }
    at = start + size + (size % 2);
  }
  throw new RangeError('a .wav file without samples');
}
