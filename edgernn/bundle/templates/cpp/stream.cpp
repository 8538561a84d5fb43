#include "stream.hpp"

#include <cstring>
#include <fstream>
#include <iterator>

namespace edge {
namespace {

constexpr std::uint32_t kApiVersion = 16;  // onnxruntime 1.16 and all later ones
constexpr std::size_t kDigest = 32;        // bytes of the model's SHA-256 in front of a snapshot

std::vector<std::uint8_t> digest_of(const ModelSpec& spec) {
  std::vector<std::uint8_t> bytes(kDigest);
  for (std::size_t index = 0; index < kDigest; ++index) {
    bytes[index] = static_cast<std::uint8_t>(std::stoi(std::string(spec.sha256 + 2 * index, 2), nullptr, 16));
  }
  return bytes;
}

std::size_t count(const std::vector<std::int64_t>& shape) {
  std::size_t product = 1;
  for (const std::int64_t size : shape) product *= static_cast<std::size_t>(size);
  return product;
}

std::size_t bytes_of(const StateSpec& state) { return count(state.shape) * element_size(state.type); }

std::vector<std::max_align_t> buffer(std::size_t bytes) {
  // One unit at least: a pointer to nothing is no tensor.
  return std::vector<std::max_align_t>(bytes / sizeof(std::max_align_t) + 1);
}

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Owned<OrtMemoryInfo> host_memory() {
  OrtMemoryInfo* info = nullptr;
  check(api().CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &info), "memory");
  return Owned<OrtMemoryInfo>(info);
}

}  // namespace

const OrtApi& api() {
  static const OrtApi* const found = OrtGetApiBase()->GetApi(kApiVersion);
  if (found == nullptr) {
    throw std::runtime_error(std::string("onnxruntime ") + OrtGetApiBase()->GetVersionString() + " is older than 1.16");
  }
  return *found;
}

void check(OrtStatus* status, const char* what) {
  if (status == nullptr) return;
  const std::string message = std::string(what) + ": " + api().GetErrorMessage(status);
  api().ReleaseStatus(status);
  throw std::runtime_error(message);
}

std::size_t element_size(ONNXTensorElementDataType type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return 4;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return 8;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16:
      return 2;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
      return 1;
    default:
      throw std::invalid_argument("an element type that no stream takes");
  }
}

std::int64_t values_a_step(const TensorSpec& spec) {
  std::int64_t product = 1;
  for (std::size_t axis = 0; axis < spec.shape.size(); ++axis) {
    if (static_cast<int>(axis) != spec.time_dim) product *= spec.shape[axis];
  }
  return product;
}

std::vector<std::int64_t> shape_at(const TensorSpec& spec, std::int64_t steps) {
  std::vector<std::int64_t> shape = spec.shape;
  for (std::int64_t& size : shape) {
    if (size < 0) size = steps * spec.upsampling / spec.hop;
  }
  return shape;
}

Model::Model(const ModelSpec& spec, const std::filesystem::path& folder, const Options& options)
    : spec_(spec), folder_(folder), initial_(read_file(folder / "initial.bin")) {
  OrtEnv* env = nullptr;
  check(api().CreateEnv(ORT_LOGGING_LEVEL_ERROR, "edge", &env), "onnxruntime");
  env_.reset(env);
  OrtSessionOptions* made = nullptr;
  check(api().CreateSessionOptions(&made), "session options");
  const Owned<OrtSessionOptions> settings(made);
  check(api().SetIntraOpNumThreads(made, options.threads), "threads");
  check(api().SetInterOpNumThreads(made, 1), "threads");
  check(api().SetSessionExecutionMode(made, ORT_SEQUENTIAL), "execution mode");
  check(api().DisableCpuMemArena(made), "memory arena");  // steps are small
  check(api().AddSessionConfigEntry(made, "session.intra_op.allow_spinning", "0"), "spinning");
  if (!options.kernels.empty()) {
    check(api().RegisterCustomOpsLibrary_V2(made, options.kernels.c_str()), "kernels");
  }
  OrtSession* session = nullptr;
  const std::filesystem::path file = folder / spec.file;
  check(api().CreateSession(env, file.c_str(), made, &session), "model");
  session_.reset(session);
}

/// Buffers and bindings for pushes of one number of steps: one binding for each set of states that is read.
struct Stream::Plan {
  std::int64_t steps;
  std::vector<std::vector<std::max_align_t>> inputs, outputs;
  std::vector<std::size_t> input_bytes, output_counts;
  std::vector<Owned<OrtValue>> values;
  Owned<OrtIoBinding> bindings[2];

  Plan(const Model& model, std::vector<std::vector<std::max_align_t>>* states, std::int64_t count_of_steps)
      : steps(count_of_steps) {
    const ModelSpec& spec = model.spec();
    const Owned<OrtMemoryInfo> memory = host_memory();
    const auto value = [&](std::vector<std::max_align_t>& data, const std::vector<std::int64_t>& shape,
                           ONNXTensorElementDataType type) {
      OrtValue* made = nullptr;
      check(api().CreateTensorWithDataAsOrtValue(memory.get(), data.data(), count(shape) * element_size(type),
                                                 shape.data(), shape.size(), type, &made),
            "tensor");
      values.emplace_back(made);
      return made;
    };
    const auto bind = [&](const TensorSpec& item, std::vector<std::vector<std::max_align_t>>& buffers) {
      const std::vector<std::int64_t> shape = shape_at(item, steps);
      buffers.push_back(buffer(count(shape) * element_size(item.type)));
      return value(buffers.back(), shape, item.type);
    };
    for (auto& binding : bindings) {
      OrtIoBinding* made = nullptr;
      check(api().CreateIoBinding(model.session(), &made), "binding");
      binding.reset(made);
    }
    for (const TensorSpec& item : spec.inputs) {
      OrtValue* bound = bind(item, inputs);
      input_bytes.push_back(count(shape_at(item, steps)) * element_size(item.type));
      for (auto& binding : bindings) check(api().BindInput(binding.get(), item.name, bound), item.name);
    }
    for (const TensorSpec& item : spec.outputs) {
      OrtValue* bound = bind(item, outputs);
      output_counts.push_back(count(shape_at(item, steps)));
      for (auto& binding : bindings) check(api().BindOutput(binding.get(), item.name, bound), item.name);
    }
    for (std::size_t index = 0; index < spec.states.size(); ++index) {
      const StateSpec& state = spec.states[index];
      for (int side = 0; side < 2; ++side) {
        OrtValue* bound = value(states[side][index], state.shape, state.type);
        check(api().BindInput(bindings[side].get(), state.input, bound), state.input);
        check(api().BindOutput(bindings[1 - side].get(), state.output, bound), state.output);
      }
    }
  }
};

Stream::Stream(const Model& model) : model_(&model) {
  for (auto& set : states_) {
    for (const StateSpec& state : model.spec().states) set.push_back(buffer(bytes_of(state)));
  }
  reset();
}

Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;

Stream::Plan& Stream::plan_for(std::int64_t steps) {
  for (const auto& plan : plans_) {
    if (plan->steps == steps) return *plan;
  }
  const ModelSpec& spec = model_->spec();
  if (steps < 1 || (spec.chunk != 0 && steps != spec.chunk) || steps % spec.hop != 0) {
    const std::string wanted =
        spec.chunk != 0 ? std::to_string(spec.chunk) : "a multiple of " + std::to_string(spec.hop);
    throw std::invalid_argument("a push takes " + wanted + " steps, found " + std::to_string(steps));
  }
  plans_.push_back(std::make_unique<Plan>(*model_, states_, steps));
  return *plans_.back();
}

void Stream::prepare(std::int64_t steps) { plan_for(steps); }

void Stream::push_all(const void* const* inputs, std::int64_t steps) {
  Plan& plan = last_ != nullptr && last_->steps == steps ? *last_ : plan_for(steps);
  for (std::size_t index = 0; index < plan.inputs.size(); ++index) {
    std::memcpy(plan.inputs[index].data(), inputs[index], plan.input_bytes[index]);
  }
  check(api().RunWithBinding(model_->session(), nullptr, plan.bindings[side_].get()), "push");
  side_ = 1 - side_;
  last_ = &plan;
}

const void* Stream::output_data(std::size_t index) const {
  if (last_ == nullptr) throw std::logic_error("no push was made yet");
  return last_->outputs.at(index).data();
}

std::size_t Stream::output_size(std::size_t index) const {
  if (last_ == nullptr) throw std::logic_error("no push was made yet");
  return last_->output_counts.at(index);
}

void Stream::reset() { restore(model_->initial()); }

std::vector<std::uint8_t> Stream::snapshot() const {
  const ModelSpec& spec = model_->spec();
  std::vector<std::uint8_t> bytes = digest_of(spec);
  for (std::size_t index = 0; index < spec.states.size(); ++index) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(states_[side_][index].data());
    bytes.insert(bytes.end(), data, data + bytes_of(spec.states[index]));
  }
  return bytes;
}

void Stream::restore(const std::vector<std::uint8_t>& snapshot) {
  const ModelSpec& spec = model_->spec();
  const std::vector<std::uint8_t> digest = digest_of(spec);
  std::size_t size = kDigest;
  for (const StateSpec& state : spec.states) size += bytes_of(state);
  if (snapshot.size() != size || std::memcmp(snapshot.data(), digest.data(), kDigest) != 0) {
    throw std::invalid_argument("snapshot: of another model, or damaged");
  }
  const std::uint8_t* from = snapshot.data() + kDigest;
  for (std::size_t index = 0; index < spec.states.size(); ++index) {
    const std::size_t part = bytes_of(spec.states[index]);
    std::memcpy(states_[side_][index].data(), from, part);
    from += part;
  }
}

}  // namespace edge
