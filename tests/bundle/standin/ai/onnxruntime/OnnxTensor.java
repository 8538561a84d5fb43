package ai.onnxruntime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

public class OnnxTensor extends OnnxTensorLike {
  final byte[] data;
  final long[] shape;
  final OnnxJavaType type;

  OnnxTensor(byte[] data, long[] shape, OnnxJavaType type) {
    this.data = data;
    this.shape = shape;
    this.type = type;
  }

  public static OnnxTensor createTensor(
      OrtEnvironment environment, ByteBuffer data, long[] shape, OnnxJavaType type) throws OrtException {
    if (data.order() != ByteOrder.nativeOrder() || !data.isDirect()) {
      throw new OrtException("onnxruntime copies a buffer that is not direct, and bytes of another order are wrong");
    }
    long size = type.size;
    for (long dimension : shape) size *= dimension;
    if (size != data.remaining()) throw new OrtException("the buffer does not fill the shape");
    byte[] copy = new byte[data.remaining()];
    data.duplicate().get(copy);
    return new OnnxTensor(copy, shape.clone(), type);
  }

  public ByteBuffer getByteBuffer() {
    return ByteBuffer.wrap(data.clone()).order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() {}
}
