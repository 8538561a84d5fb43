package ai.onnxruntime;

public enum OnnxJavaType {
  FLOAT(4),
  DOUBLE(8),
  INT8(1),
  INT16(2),
  INT32(4),
  INT64(8),
  BOOL(1),
  UINT8(1);

  public final int size;

  OnnxJavaType(int size) {
    this.size = size;
  }
}
