package ai.onnxruntime;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Hands its calls to a Python process, which runs them with the Python package onnxruntime; see serve.py. */
public class OrtSession implements AutoCloseable {
  private final Process process;
  private final DataOutputStream out;
  private final DataInputStream in;

  OrtSession(byte[] model) throws OrtException {
    try {
      process = new ProcessBuilder(System.getProperty("standin.python"), System.getProperty("standin.serve"))
          .redirectError(ProcessBuilder.Redirect.INHERIT)
          .start();
      out = new DataOutputStream(new BufferedOutputStream(process.getOutputStream()));
      in = new DataInputStream(process.getInputStream());
      writeBytes(model);
      out.flush();
    } catch (IOException error) {
      throw new OrtException(error.toString());
    }
  }

  public Result run(Map<String, ? extends OnnxTensorLike> inputs, Set<String> outputs) throws OrtException {
    try {
      out.writeInt(inputs.size());
      for (Map.Entry<String, ? extends OnnxTensorLike> entry : inputs.entrySet()) {
        OnnxTensor tensor = (OnnxTensor) entry.getValue();
        writeBytes(entry.getKey().getBytes("UTF-8"));
        writeBytes(tensor.type.name().getBytes("UTF-8"));
        out.writeInt(tensor.shape.length);
        for (long size : tensor.shape) out.writeLong(size);
        writeBytes(tensor.data);
      }
      out.writeInt(outputs.size());
      for (String name : outputs) writeBytes(name.getBytes("UTF-8"));
      out.flush();
      Map<String, OnnxValue> values = new LinkedHashMap<>();
      for (String name : outputs) {
        OnnxJavaType type = OnnxJavaType.valueOf(new String(readBytes(), "UTF-8"));
        long[] shape = new long[in.readInt()];
        for (int axis = 0; axis < shape.length; axis++) shape[axis] = in.readLong();
        values.put(name, new OnnxTensor(readBytes(), shape, type));
      }
      return new Result(values);
    } catch (IOException error) {
      throw new OrtException(error.toString());
    }
  }

  @Override
  public void close() throws OrtException {
    process.destroy();
  }

  private void writeBytes(byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  private byte[] readBytes() throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return bytes;
  }

  public static class Result implements AutoCloseable {
    private final Map<String, OnnxValue> values;

    Result(Map<String, OnnxValue> values) {
      this.values = values;
    }

    public Optional<OnnxValue> get(String name) {
      return Optional.ofNullable(values.get(name));
    }

    @Override
    public void close() {}
  }

  public static class SessionOptions implements AutoCloseable {
    public void setIntraOpNumThreads(int count) throws OrtException {}

    public void setInterOpNumThreads(int count) throws OrtException {}

    public void setCPUArenaAllocator(boolean use) throws OrtException {}

    public void addConfigEntry(String key, String value) throws OrtException {}

    @Override
    public void close() {}
  }
}
