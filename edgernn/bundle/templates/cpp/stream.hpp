// Streams of a recurrent model on onnxruntime's C API: chunks go in, outputs come out, the states stay inside.
//
// This file and stream.cpp are the same for every model; streams.hpp holds what is known of each. Needs C++17.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace edge {

/// One input or output; -1 in the shape stands for time of any length, time_dim is -1 where there is none.
struct TensorSpec {
  const char* name;
  ONNXTensorElementDataType type;
  std::vector<std::int64_t> shape;
  int time_dim;
  std::int64_t hop, upsampling, delay;
};

/// One state: what `output` holds after a push is `input` of the next.
struct StateSpec {
  const char* input;
  const char* output;
  ONNXTensorElementDataType type;
  std::vector<std::int64_t> shape;
};

/// What a stream must know of a model.
struct ModelSpec {
  const char* name;
  const char* file;
  const char* sha256;
  std::int64_t chunk;  // steps of every push; 0: any multiple of hop
  std::int64_t hop;
  std::int64_t steps;  // what an app pushes at once
  double sample_rate;  // steps per second; 0: unknown
  std::vector<const char*> labels;
  std::vector<TensorSpec> inputs, outputs;
  std::vector<StateSpec> states;
};

struct Options {
  int threads = 1;                // inside an operator; one is fastest for small networks
  std::filesystem::path kernels;  // a library of custom operators, e.g. edgernn's kernels; empty: none
};

/// Values that the stream keeps until its next push.
template <typename T>
struct View {
  const T* data;
  std::size_t size;
  const T* begin() const { return data; }
  const T* end() const { return data + size; }
  const T& operator[](std::size_t index) const { return data[index]; }
};

/// Bytes of one element.
std::size_t element_size(ONNXTensorElementDataType type);

/// How many values of a tensor belong to one step.
std::int64_t values_a_step(const TensorSpec& spec);

/// A shape with its time filled in.
std::vector<std::int64_t> shape_at(const TensorSpec& spec, std::int64_t steps);

/// onnxruntime's functions, of a version that all since 1.16 have.
const OrtApi& api();

/// Throws std::runtime_error where a call of onnxruntime failed.
void check(OrtStatus* status, const char* what);

struct Deleter {
  void operator()(OrtEnv* item) const { api().ReleaseEnv(item); }
  void operator()(OrtSession* item) const { api().ReleaseSession(item); }
  void operator()(OrtSessionOptions* item) const { api().ReleaseSessionOptions(item); }
  void operator()(OrtMemoryInfo* item) const { api().ReleaseMemoryInfo(item); }
  void operator()(OrtValue* item) const { api().ReleaseValue(item); }
  void operator()(OrtIoBinding* item) const { api().ReleaseIoBinding(item); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

/// A loaded model, for any number of streams; it must outlive them.
class Model {
 public:
  /// `folder` holds the model's file, initial.bin and golden.json.
  Model(const ModelSpec& spec, const std::filesystem::path& folder, const Options& options = {});

  const ModelSpec& spec() const { return spec_; }
  const std::filesystem::path& folder() const { return folder_; }
  const std::vector<std::uint8_t>& initial() const { return initial_; }
  OrtSession* session() const { return session_.get(); }

 private:
  const ModelSpec& spec_;
  std::filesystem::path folder_;
  Owned<OrtEnv> env_;
  Owned<OrtSession> session_;
  std::vector<std::uint8_t> initial_;
};

/// One stream of a model. It belongs to one thread at a time; a push that fails leaves the states as they were.
class Stream {
 public:
  explicit Stream(const Model& model);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Make the buffers for pushes of so many steps, so that not even the first of them allocates.
  void prepare(std::int64_t steps);

  /// Run the next chunk of `steps` steps: one array for each input, in the model's order. Nothing is allocated here
  /// once a push of as many steps was made or prepared.
  void push_all(const void* const* inputs, std::int64_t steps);

  /// An output of the last push, flat, in row-major order.
  template <typename T>
  View<T> output(std::size_t index) const {
    return {static_cast<const T*>(output_data(index)), output_size(index)};
  }
  const void* output_data(std::size_t index) const;
  std::size_t output_size(std::size_t index) const;

  /// Go back to the states before the first chunk.
  void reset();

  /// The states, to restore later, here or in another stream of this model, in an app of any language.
  std::vector<std::uint8_t> snapshot() const;

  /// Take the states of a snapshot; throws std::invalid_argument where it is of another model or damaged.
  void restore(const std::vector<std::uint8_t>& snapshot);

  const Model& model() const { return *model_; }

 private:
  struct Plan;
  Plan& plan_for(std::int64_t steps);

  const Model* model_;
  std::vector<std::vector<std::max_align_t>> states_[2];
  int side_ = 0;  // which set of states the next push reads
  std::vector<std::unique_ptr<Plan>> plans_;
  Plan* last_ = nullptr;
};

}  // namespace edge
