#include "storage.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>

#include "kinds.h"

namespace edgernn {

namespace {

std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words;
  std::istringstream stream(name);
  for (std::string word; std::getline(stream, word, '_');) words.push_back(word);
  return words;
}

bool has(const std::vector<std::string>& words, const char* word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::optional<NodeName> parse_name(const std::string& name) {
  const auto words = words_of(name);
  if (words.size() < 2 || has(words, "other")) return std::nullopt;
  NodeName parsed{};
  const auto* const kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                        [&](const KindOfLayer& kind) { return words[0] == kind.name; });
  if (kind == std::end(kKinds)) return std::nullopt;
  parsed.kind = kind->kind;
  parsed.activation = kind->usual;
  if (words[1] == "float32") {
    parsed.storage = NodeName::Storage::kFloat32;
  } else if (words[1] == "int8") {
    parsed.storage = NodeName::Storage::kInt8;
  } else if (words[1] == "int4" && words.size() > 2) {
    parsed.storage = NodeName::Storage::kInt4;
    for (const int size : {16, 32, 64, 128}) {
      if (words[2] == std::to_string(size)) parsed.block_size = size;
    }
    if (parsed.block_size == 0) return std::nullopt;
  } else {
    return std::nullopt;
  }
  if (has(words, "relu")) parsed.activation = Activation::kRelu;
  if (has(words, "sigmoid")) parsed.activation = Activation::kSigmoid;
  if (has(words, "tanh")) parsed.activation = Activation::kTanh;
  if (has(words, "positive")) parsed.activation = Activation::kPositive;
  return parsed;
}

std::vector<Element> parts_of(NodeName::Storage storage) {
  switch (storage) {
    case NodeName::Storage::kFloat32:
      return {Element::kFloat};
    case NodeName::Storage::kInt8:
      return {Element::kInt8, Element::kFloat};
    case NodeName::Storage::kInt4:
      return {Element::kUint8, Element::kHalf, Element::kInt64};
  }
  return {};
}

float widen_half(uint16_t half) {
  const int sign = half >> 15, exponent = (half >> 10) & 31, fraction = half & 1023;
  float value;
  if (exponent == 31) {
    value = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    value = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  return sign != 0 ? -value : value;
}

std::vector<std::string> usual_names() {
  using Words = std::vector<std::string>;
  // Every word of the first with every one of the second.
  const auto each = [](const Words& first, const Words& second) {
    Words all;
    for (const std::string& one : first) {
      for (const std::string& other : second) all.push_back(one + other);
    }
    return all;
  };
  const auto append = [](Words& to, const Words& more) { to.insert(to.end(), more.begin(), more.end()); };
  const Words directions = {"", "_reverse", "_bidirectional"}, step = {"", "_step"}, first = {"", "_reset_first"};
  const Words int4 = {"int4_16", "int4_32", "int4_64", "int4_128"};
  Words names;
  for (const KindOfLayer& kind : kKinds) {
    const bool of_onnx = kind.kind == Kind::kRnn || kind.kind == Kind::kLstm || kind.kind == Kind::kGru;
    const bool is_gru = kind.kind == Kind::kGru;
    Words stored = {"float32", "int8"};
    append(stored, int4);
    if (!of_onnx) stored = each({"float32", "int8", "int4_32"}, each({"", "_bidirectional"}, step));
    append(stored, each({"int8_stable"}, each(directions, each(is_gru ? first : Words{""}, step))));
    if (kind.kind == Kind::kLstm) stored.push_back("int8_dynamic");
    if (is_gru) {
      const Words product = {"", "_nbits"};
      append(stored, each({"int8_step", "int8_chunk"}, product));
      append(stored, each({"int8_scan"}, each(product, each(directions, first))));
    }
    Words activations = {""};
    switch (kind.kind) {
      case Kind::kRnn:
        activations = {"", "_relu", "_sigmoid"};
        break;
      case Kind::kMinGru:
      case Kind::kMinLstm:
        activations = {"", "_positive"};
        break;
      case Kind::kIndRnn:
      case Kind::kSru:
      case Kind::kProjectedSru:
        activations = {"", "_tanh"};
        break;
      default:
        break;
    }
    // The second body of a name in a file, and the third.
    append(names, each({std::string(kind.name) + "_"}, each(stored, each(activations, {"", "_2", "_3"}))));
  }
  return names;
}

}  // namespace edgernn
