#include "node.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>

#include "run.h"
#include "weights.h"

namespace edgernn {
namespace {

// What follows the matrices among a node's inputs.
enum Rest : size_t { kBias, kLengths, kInitialH, kInitialC, kVectors, kRestCount };

template <class Work>
OrtStatus* guarded(const OrtApi& api, const std::string& name, Work work) {
  try {
    work();
    return nullptr;
  } catch (const std::bad_alloc&) {
    return api.CreateStatus(ORT_FAIL, (name + ": out of memory").c_str());
  } catch (const std::exception& error) {
    return api.CreateStatus(ORT_INVALID_ARGUMENT, (name + ": " + error.what()).c_str());
  }
}

std::string in_words(const std::vector<int64_t>& shape) {
  std::string words;
  for (const int64_t size : shape) words += (words.empty() ? "" : ", ") + std::to_string(size);
  return "(" + words + ")";
}

// The shape of a tensor without allocating for it; at most four dimensions.
struct ShapeOf {
  size_t rank = 0;
  int64_t sizes[4] = {0, 0, 0, 0};

  ShapeOf(const OrtApi& api, const OrtValue* value) {
    OrtTensorTypeAndShapeInfo* info = nullptr;
    check(api, api.GetTensorTypeAndShape(value, &info));
    OrtStatus* status = api.GetDimensionsCount(info, &rank);
    if (status == nullptr && rank <= 4) status = api.GetDimensions(info, sizes, rank);
    api.ReleaseTensorTypeAndShapeInfo(info);
    check(api, status);
  }

  void expect(const char* what, std::initializer_list<int64_t> wanted) const {
    const std::vector<int64_t> found(sizes, sizes + (rank <= 4 ? rank : 0));
    if (rank != wanted.size() || !std::equal(wanted.begin(), wanted.end(), sizes)) {
      throw std::runtime_error(std::string(what) + " has shape " + in_words(found) + ", expected " +
                               in_words(std::vector<int64_t>(wanted)));
    }
  }
};

template <class T>
const T* data_of(const OrtApi& api, const OrtValue* value) {
  void* data = nullptr;
  check(api, api.GetTensorMutableData(const_cast<OrtValue*>(value), &data));
  return static_cast<const T*>(data);
}

// Reads what a node was made with.
class Reader {
 public:
  Reader(const OrtApi& api, const OrtKernelInfo* info) : api_(api), info_(info) {
    check(api, api.KernelInfo_GetInputCount(info, &inputs_));
  }

  // A constant input; null where the node lacks it.
  const OrtValue* constant(size_t index, const char* what) const {
    if (!present(index)) return nullptr;
    int is_constant = 0;
    const OrtValue* value = nullptr;
    check(api_, api_.KernelInfoGetConstantInput_tensor(info_, index, &is_constant, &value));
    if (is_constant == 0 || value == nullptr) {
      throw std::runtime_error(std::string(what) + " must be an initializer of the graph");
    }
    return value;
  }

  // Whether the node has input `index`: a missing one has an empty name.
  bool present(size_t index) const {
    if (index >= inputs_) return false;
    size_t size = 0;
    OrtStatus* status = api_.KernelInfo_GetInputName(info_, index, nullptr, &size);
    if (status != nullptr) api_.ReleaseStatus(status);
    return size > 1;
  }

  int64_t integer(const char* name, int64_t otherwise) const {
    int64_t value = 0;
    OrtStatus* status = api_.KernelInfoGetAttribute_int64(info_, name, &value);
    if (status == nullptr) return value;
    api_.ReleaseStatus(status);
    return otherwise;
  }

  std::string text(const char* name, const char* otherwise) const {
    size_t size = 0;
    OrtStatus* status = api_.KernelInfoGetAttribute_string(info_, name, nullptr, &size);
    if (status != nullptr) {
      api_.ReleaseStatus(status);
      return otherwise;
    }
    std::string value(size, '\0');
    check(api_, api_.KernelInfoGetAttribute_string(info_, name, value.data(), &size));
    value.resize(std::strlen(value.c_str()));
    return value;
  }

  // Raises where the node has an attribute of that name, which no kernel knows.
  void refuse_number(const char* name) const {
    float number = 0;
    OrtStatus* status = api_.KernelInfoGetAttribute_float(info_, name, &number);
    if (status == nullptr) throw std::runtime_error(std::string("the attribute ") + name + " has no kernel");
    api_.ReleaseStatus(status);
  }

  const OrtApi& api() const { return api_; }

 private:
  const OrtApi& api_;
  const OrtKernelInfo* info_;
  size_t inputs_ = 0;
};

// A matrix (directions, rows, columns) as the node's inputs from `first` on hold it; `shape` is set to its shape.
SourceMatrix read_matrix(const Reader& reader, const NodeKind& kind, size_t first, const char* what,
                         int64_t (&shape)[3]) {
  const OrtApi& api = reader.api();
  std::vector<const OrtValue*> parts;
  for (size_t part = 0; part < kind.parts.size(); ++part) {
    parts.push_back(reader.constant(first + part, what));
    if (parts.back() == nullptr) throw std::runtime_error(std::string(what) + " is missing");
  }
  SourceMatrix matrix;
  if (kind.parsed.storage == NodeName::Storage::kInt4) {
    ShapeOf(api, parts[2]).expect("the shape of a matrix", {3});
    std::memcpy(shape, data_of<int64_t>(api, parts[2]), sizeof shape);
  } else {
    const ShapeOf found(api, parts[0]);
    if (found.rank != 3) throw std::runtime_error(std::string(what) + " must have three dimensions");
    std::memcpy(shape, found.sizes, sizeof shape);
  }
  for (const int64_t size : shape) {
    // Sums of products of bytes stay within 32 bits, and sizes within an int.
    if (size < 1 || size > 100000) throw std::runtime_error(std::string(what) + " has a size out of range");
  }
  const int64_t rows = shape[0] * shape[1], columns = shape[2];
  switch (kind.parsed.storage) {
    case NodeName::Storage::kFloat32: {
      const auto* data = data_of<float>(api, parts[0]);
      matrix.floats.assign(data, data + rows * columns);
      break;
    }
    case NodeName::Storage::kInt8:
      ShapeOf(api, parts[1]).expect("a matrix's scales", {shape[0], shape[1], 1});
      matrix.integers = data_of<int8_t>(api, parts[0]);
      matrix.scales = data_of<float>(api, parts[1]);
      break;
    case NodeName::Storage::kInt4: {
      const int64_t block = kind.parsed.block_size, blocks = (columns + block - 1) / block;
      ShapeOf(api, parts[0]).expect("int4 weights", {rows, blocks * block / 2});
      ShapeOf(api, parts[1]).expect("a matrix's scales", {rows, blocks});
      matrix.nibbles = data_of<uint8_t>(api, parts[0]);
      matrix.block_scales = data_of<uint16_t>(api, parts[1]);
      matrix.block = kind.parsed.block_size;
      break;
    }
  }
  return matrix;
}

// What onnxruntime makes of a node: packed weights, and how to run them.
class Kernel {
 public:
  Kernel(const NodeKind& kind, const OrtApi& api, const OrtKernelInfo* info) : kind_(kind), api_(api) {
    const Reader reader(api, info);
    reader.refuse_number("clip");
    if (reader.integer("layout", 0) != 0) throw std::runtime_error("the attribute layout must be 0");
    if (reader.integer("input_forget", 0) != 0) throw std::runtime_error("the attribute input_forget has no kernel");

    Source source;
    source.kind = kind.parsed.kind;
    source.activation = kind.parsed.activation;
    source.resets_first = source.kind == Kind::kGru && reader.integer("linear_before_reset", 0) == 0;
    const std::string direction = reader.text("direction", "forward");
    if (direction == "bidirectional") {
      source.reversed = {false, true};
    } else {
      source.reversed = {direction == "reverse"};
    }
    read_matrices(reader, source, direction);
    const int64_t directions = static_cast<int64_t>(source.reversed.size()), units = source.units;
    if (const OrtValue* bias = reader.constant(kind.rest(kBias), "B")) {
      ShapeOf(api, bias).expect("B", {directions, (kind.about.has_recurrent ? 2 : 1) * kind.about.gates * units});
      source.bias = data_of<float>(api, bias);
    }
    if (const OrtValue* vectors = reader.constant(kind.rest(kVectors), "P")) {
      ShapeOf(api, vectors).expect("P", {directions, kind.about.vectors * units});
      source.vectors = data_of<float>(api, vectors);
    } else if (kind.about.needs_vectors) {
      throw std::runtime_error("P is missing");
    }
    // The function's own: its body turns X around before the operator, or Y behind it.
    x_batch_first_ = reader.integer("x_batch_first", 0) != 0;
    y_batch_first_ = reader.integer("y_batch_first", 0) != 0;
    if (y_batch_first_ && directions != 1) throw std::runtime_error("y_batch_first is for a single direction");
    weights_ = shared_weights(source);
    has_lengths_ = reader.present(kind.rest(kLengths));
    has_h_ = reader.present(kind.rest(kInitialH));
    has_c_ = kind.about.has_cell_state && reader.present(kind.rest(kInitialC));
    check(api, api.KernelInfo_GetOutputCount(info, &outputs_));
  }

  const OrtApi& api() const { return api_; }
  const std::string& name() const { return kind_.name; }

  void compute(OrtKernelContext* context) const {
    const Layer& layer = weights_->layer();
    const OrtValue* x = input(context, 0);
    const ShapeOf shape(api_, x);
    if (shape.rank != 3 || shape.sizes[2] != layer.inputs || shape.sizes[0] > INT32_MAX ||
        shape.sizes[1] > INT32_MAX) {
      shape.expect("X", {shape.rank > 0 ? shape.sizes[0] : 0, shape.rank > 1 ? shape.sizes[1] : 0, layer.inputs});
      throw std::runtime_error("X is too large");
    }
    const int64_t steps = shape.sizes[x_batch_first_ ? 1 : 0], batch = shape.sizes[x_batch_first_ ? 0 : 1];
    Call call;
    call.steps = static_cast<int>(steps);
    call.batch = static_cast<int>(batch);
    call.x = data_of<float>(api_, x);
    call.x_at = x_strides(layer, call.steps, call.batch, x_batch_first_);
    call.y_at = y_strides(layer, call.steps, call.batch, y_batch_first_);
    if (has_lengths_) {
      const OrtValue* lengths = input(context, kind_.rest(kLengths));
      ShapeOf(api_, lengths).expect("sequence_lens", {batch});
      call.lengths = data_of<int32_t>(api_, lengths);
      for (int64_t row = 0; row < batch; ++row) {
        if (call.lengths[row] < 0 || call.lengths[row] > steps) {
          throw std::runtime_error("sequence_lens holds " + std::to_string(call.lengths[row]) + ", expected 0 to " +
                                   std::to_string(steps));
        }
      }
    }
    if (has_h_) call.initial_h = state(context, kInitialH, "initial_h", batch, layer.hidden);
    if (has_c_) call.initial_c = state(context, kInitialC, "initial_c", batch, layer.units);
    const int64_t y[4] = {steps, layer.directions, batch, layer.hidden}, turned[3] = {batch, steps, layer.hidden};
    const int64_t h[3] = {layer.directions, batch, layer.hidden}, c[3] = {layer.directions, batch, layer.units};
    call.y = y_batch_first_ ? output(context, 0, turned, 3) : output(context, 0, y, 4);
    call.y_h = output(context, 1, h, 3);
    call.y_c = kind_.about.has_cell_state ? output(context, 2, c, 3) : nullptr;
    struct Context {
      const OrtApi& api;
      OrtKernelContext* inner;
    } run_context{api_, context};
    run_layer(
        kind_.set, layer, call, kind_.threads,
        [](void* given, void (*work)(void*, size_t), size_t count, void* argument) {
          const auto& inside = *static_cast<Context*>(given);
          check(inside.api, inside.api.KernelContext_ParallelFor(inside.inner, work, count, 0, argument));
        },
        &run_context);
  }

 private:
  // Reads the matrices that the kind has, and what they say of the sizes.
  void read_matrices(const Reader& reader, Source& source, const std::string& direction) const {
    const KindOfLayer& about = kind_.about;
    int64_t w[3], r[3], v[3];
    source.w = read_matrix(reader, kind_, kind_.matrix(0), "W", w);
    const int64_t directions = static_cast<int64_t>(source.reversed.size()), units = w[1] / about.gates;
    std::string found = "W is " + in_words({w[0], w[1], w[2]});
    int64_t hidden = units;
    bool fits = w[0] == directions && w[1] == units * about.gates;
    if (about.has_recurrent) {
      source.r = read_matrix(reader, kind_, kind_.matrix(1), "R", r);
      found += ", R " + in_words({r[0], r[1], r[2]});
      hidden = r[2];
      fits = fits && r[0] == directions && r[1] == w[1] && (hidden == units || about.projects);
    }
    if (about.projects) {
      source.v = read_matrix(reader, kind_, kind_.matrix(2), "V", v);
      found += ", V " + in_words({v[0], v[1], v[2]});
      fits = fits && v[0] == directions && v[1] == hidden && v[2] == units && hidden <= units;
    }
    fits = fits && (source.kind != Kind::kSru || w[2] == units);
    if (!fits) throw std::runtime_error(found + ", which do not fit each other or the direction " + direction);
    source.inputs = static_cast<int>(w[2]);
    source.hidden = static_cast<int>(hidden);
    source.units = static_cast<int>(units);
  }

  const OrtValue* input(OrtKernelContext* context, size_t index) const {
    const OrtValue* value = nullptr;
    check(api_, api_.KernelContext_GetInput(context, index, &value));
    if (value == nullptr) throw std::runtime_error("input " + std::to_string(index) + " is missing");
    return value;
  }

  const float* state(OrtKernelContext* context, Rest index, const char* what, int64_t batch, int64_t size) const {
    const OrtValue* value = input(context, kind_.rest(index));
    ShapeOf(api_, value).expect(what, {weights_->layer().directions, batch, size});
    return data_of<float>(api_, value);
  }

  // Null where nobody wants it.
  float* output(OrtKernelContext* context, size_t index, const int64_t* shape, size_t rank) const {
    if (index >= outputs_) return nullptr;
    OrtValue* value = nullptr;
    check(api_, api_.KernelContext_GetOutput(context, index, shape, rank, &value));
    return value == nullptr ? nullptr : const_cast<float*>(data_of<float>(api_, value));
  }

  const NodeKind& kind_;
  const OrtApi& api_;
  std::shared_ptr<const Weights> weights_;
  bool has_lengths_ = false, has_h_ = false, has_c_ = false, x_batch_first_ = false, y_batch_first_ = false;
  size_t outputs_ = 0;
};

const NodeKind& kind_of(const OrtCustomOp* op) { return *static_cast<const NodeKind*>(op); }

ONNXTensorElementDataType type_of(Element element) {
  switch (element) {
    case Element::kFloat:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    case Element::kHalf:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
    case Element::kInt8:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8;
    case Element::kUint8:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
    case Element::kInt64:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
  }
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

}  // namespace

void check(const OrtApi& api, OrtStatus* status) {
  if (status == nullptr) return;
  const std::string message = api.GetErrorMessage(status);
  api.ReleaseStatus(status);
  throw std::runtime_error(message);
}

NodeKind::NodeKind(std::string name_given, const NodeName& parsed_name, int thread_count,
                   const InstructionSet& instruction_set)
    : OrtCustomOp{},
      name(std::move(name_given)),
      parsed(parsed_name),
      about(edgernn::about(parsed_name.kind)),
      parts(parts_of(parsed_name.storage)),
      threads(thread_count),
      set(instruction_set) {
  version = kApiVersion;
  GetName = [](const OrtCustomOp* op) { return kind_of(op).name.c_str(); };
  GetExecutionProviderType = [](const OrtCustomOp*) -> const char* { return nullptr; };
  GetInputTypeCount = [](const OrtCustomOp* op) { return kind_of(op).rest(kRestCount); };
  GetInputType = [](const OrtCustomOp* op, size_t index) {
    const NodeKind& kind = kind_of(op);
    if (index == kind.rest(kLengths)) return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
    if (index == 0 || index >= kind.rest(kBias)) return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    return type_of(kind.parts[(index - 1) % kind.parts.size()]);
  };
  GetInputCharacteristic = [](const OrtCustomOp* op, size_t index) {
    return index < kind_of(op).rest(kBias) ? INPUT_OUTPUT_REQUIRED : INPUT_OUTPUT_OPTIONAL;
  };
  GetInputMemoryType = [](const OrtCustomOp*, size_t) { return OrtMemTypeDefault; };
  GetOutputTypeCount = [](const OrtCustomOp* op) -> size_t { return kind_of(op).about.has_cell_state ? 3 : 2; };
  GetOutputType = [](const OrtCustomOp*, size_t) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; };
  GetOutputCharacteristic = [](const OrtCustomOp*, size_t) { return INPUT_OUTPUT_OPTIONAL; };
  GetVariadicInputMinArity = [](const OrtCustomOp*) { return 0; };
  GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 0; };
  GetVariadicOutputMinArity = [](const OrtCustomOp*) { return 0; };
  GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 0; };
  GetStartVersion = [](const OrtCustomOp*) { return 1; };
  GetEndVersion = [](const OrtCustomOp*) { return INT32_MAX; };
  CreateKernelV2 = [](const OrtCustomOp* op, const OrtApi* api, const OrtKernelInfo* info, void** kernel) {
    const NodeKind& kind = kind_of(op);
    return guarded(*api, kind.name, [&] { *kernel = new Kernel(kind, *api, info); });
  };
  KernelComputeV2 = [](void* kernel, OrtKernelContext* context) {
    const auto& own = *static_cast<const Kernel*>(kernel);
    return guarded(own.api(), own.name(), [&] { own.compute(context); });
  };
  KernelDestroy = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
}

}  // namespace edgernn
