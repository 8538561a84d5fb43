package ai.onnxruntime;

public final class OrtEnvironment {
  private static final OrtEnvironment ONLY = new OrtEnvironment();

  private OrtEnvironment() {}

  public static OrtEnvironment getEnvironment() {
    return ONLY;
  }

  public OrtSession createSession(byte[] model, OrtSession.SessionOptions options) throws OrtException {
    return new OrtSession(model);
  }
}
