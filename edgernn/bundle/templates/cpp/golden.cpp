#include "golden.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "json.hpp"

namespace edge {
namespace {

/// Calls `use` with a null pointer of the C++ type.
template <typename Use>
auto with_type(ONNXTensorElementDataType type, Use use) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
      return use(static_cast<float*>(nullptr));
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      return use(static_cast<double*>(nullptr));
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
      return use(static_cast<std::int8_t*>(nullptr));
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
      return use(static_cast<std::int16_t*>(nullptr));
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16:
      return use(static_cast<std::uint16_t*>(nullptr));
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return use(static_cast<std::int32_t*>(nullptr));
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return use(static_cast<std::int64_t*>(nullptr));
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
      return use(static_cast<std::uint8_t*>(nullptr));
    default:
      throw std::invalid_argument("an element type that no stream takes");
  }
}

Json read_golden(const Model& model) {
  std::ifstream file(model.folder() / "golden.json", std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) throw GoldenError("golden.json cannot be read");
  return JsonReader(text.str()).read();
}

void push(Stream& stream, const ModelSpec& spec, const Json& call) {
  const auto steps = static_cast<std::int64_t>(call.at("steps").number);
  const std::vector<Json>& given = call.at("inputs").items;
  std::vector<std::vector<std::max_align_t>> buffers;
  std::vector<const void*> inputs;
  for (std::size_t index = 0; index < spec.inputs.size(); ++index) {
    const TensorSpec& item = spec.inputs[index];
    std::int64_t wanted = 1;
    for (const std::int64_t size : shape_at(item, steps)) wanted *= size;
    const std::vector<Json>& values = given.at(index).items;
    if (static_cast<std::int64_t>(values.size()) != wanted) throw GoldenError("golden.json: an input does not fit");
    buffers.emplace_back(values.size() * element_size(item.type) / sizeof(std::max_align_t) + 1);
    for (std::size_t at = 0; at < values.size(); ++at) {
      put_number(buffers.back().data(), item.type, at, values[at].number);
    }
    inputs.push_back(buffers.back().data());
  }
  stream.push_all(inputs.data(), steps);
}

double compare(const Stream& stream, const TensorSpec& spec, std::size_t index, const Json& expected, double allowed,
               std::size_t number) {
  const std::string where = "call " + std::to_string(number) + ": " + spec.name;
  if (stream.output_size(index) != expected.items.size()) {
    throw GoldenError(where + " has " + std::to_string(stream.output_size(index)) + " values, expected " +
                      std::to_string(expected.items.size()));
  }
  double difference = 0;
  for (std::size_t at = 0; at < expected.items.size(); ++at) {
    const double error = std::abs(number_at(stream.output_data(index), spec.type, at) - expected.items[at].number);
    if (!(error <= difference)) difference = error;  // so that NaN stays
    if (!(difference <= allowed)) {
      std::ostringstream text;
      text << where << " differs by " << difference << ", allowed is " << allowed;
      throw GoldenError(text.str());
    }
  }
  return allowed > 0 ? difference / allowed : 0;
}

}  // namespace

void put_number(void* data, ONNXTensorElementDataType type, std::size_t index, double number) {
  with_type(type, [&](auto* kind) {
    using T = std::remove_pointer_t<decltype(kind)>;
    static_cast<T*>(data)[index] = static_cast<T>(number);
  });
}

double number_at(const void* data, ONNXTensorElementDataType type, std::size_t index) {
  return with_type(type, [&](auto* kind) {
    using T = std::remove_pointer_t<decltype(kind)>;
    return static_cast<double>(static_cast<const T*>(data)[index]);
  });
}

double check_golden(const Model& model) {
  const ModelSpec& spec = model.spec();
  const Json golden = read_golden(model);
  if (golden.at("format").number != 1 || golden.at("model").text != spec.sha256) {
    throw GoldenError("golden.json is of another model");
  }
  std::vector<Stream> streams;
  for (int number = 0; number < static_cast<int>(golden.at("streams").number); ++number) streams.emplace_back(model);
  std::vector<std::uint8_t> kept = model.initial();
  const std::vector<Json>& calls = golden.at("calls").items;
  double worst = 0;
  std::size_t compared = 0;
  for (std::size_t number = 0; number < calls.size(); ++number) {
    const Json& call = calls[number];
    const std::string& op = call.at("op").text;
    Stream& stream = streams.at(static_cast<std::size_t>(call.at("stream").number));
    if (op == "reset") {
      stream.reset();
    } else if (op == "snapshot") {
      kept = stream.snapshot();
    } else if (op == "restore") {
      stream.restore(kept);
    } else if (op == "push") {
      push(stream, spec, call);
      for (std::size_t index = 0; index < spec.outputs.size(); ++index) {
        const double allowed = golden.at("allowed").items.at(index).number;
        const Json& expected = call.at("outputs").items.at(index);
        worst = std::max(worst, compare(stream, spec.outputs[index], index, expected, allowed, number));
        compared += expected.items.size();
      }
    } else {
      throw GoldenError("golden.json: unknown operation " + op);
    }
  }
  if (compared == 0) throw GoldenError("golden.json compares nothing");
  return worst;
}

}  // namespace edge
