// Sound at the model's sample rate: from a microphone as it comes, or from a file.

/** The samples of a sound file in any format that the browser reads, its channels mixed, at the wanted rate. */
export async function loadSound(bytes, rate) {
  const context = new OfflineAudioContext(1, 1, rate);
  const buffer = await context.decodeAudioData(bytes); // resamples to the context's rate
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, index) => buffer.getChannelData(index));
  return Float32Array.from(channels[0], (_, at) => channels.reduce((sum, data) => sum + data[at], 0) / channels.length);
}

/** Open the microphone; `take` gets chunks of `steps` samples. Gives a function that closes it. */
export async function openMicrophone(rate, steps, take) {
  const media = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  const context = new AudioContext({ sampleRate: rate });
  await context.audioWorklet.addModule(new URL('./microphone.mjs', import.meta.url));
  const node = new AudioWorkletNode(context, 'chunks', { numberOfOutputs: 0, processorOptions: { steps } });
  node.port.onmessage = ({ data }) => take(data);
  context.createMediaStreamSource(media).connect(node);
  return () => {
    node.port.onmessage = null;
    for (const track of media.getTracks()) track.stop();
    context.close();
  };
}
