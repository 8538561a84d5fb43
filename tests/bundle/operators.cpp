// A library of custom operators that holds none and says that it was asked.
#include <onnxruntime_c_api.h>

#include <cstdio>

extern "C" OrtStatus* ORT_API_CALL RegisterCustomOps(OrtSessionOptions*, const OrtApiBase* base) {
  std::fprintf(stderr, "registered with onnxruntime %s\n", base->GetVersionString());
  return nullptr;
}
