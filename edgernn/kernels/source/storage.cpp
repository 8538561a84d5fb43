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
  // What stands behind the storage: the bodies, and which of B, lengths, initial states (and peepholes) a node has
  // where there is a gap, with the number of its outputs.
  static const char* bodies[] = {"", "_dynamic", "_step", "_chunk", "_scan", "_scan_bidirectional",
                                 "_scan_reset_first", "_stable", "_stable_step", "_stable_bidirectional",
                                 "_stable_reset_first", "_stable_reset_first_step"};
  static const char* gaps[] = {"", "_2x_x", "_2__x", "_2_x", "_2_xx", "_1x_x", "_1__x", "_1_x", "_1_xx",
                               "_3x_xx", "_3__xx", "_3_x", "_3_xxx"};
  std::vector<std::string> names;
  for (const char* kind : {"RNN", "LSTM", "GRU"}) {
    for (const char* gap : gaps) {
      for (const char* storage : {"float32", "int4_16", "int4_32", "int4_64", "int4_128"}) {
        names.push_back(std::string(kind) + "_" + storage + gap);
      }
      for (const char* body : bodies) names.push_back(std::string(kind) + "_int8" + body + gap);
    }
  }
  for (const KindOfLayer& kind : kKinds) {
    if (kind.kind == Kind::kRnn || kind.kind == Kind::kLstm || kind.kind == Kind::kGru) continue;
    const std::string outputs = kind.has_cell_state ? "_3" : "_2", states = kind.has_cell_state ? "xx" : "x_";
    for (const char* storage : {"float32", "int8", "int8_stable", "int4_32"}) {
      for (const char* body : {"", "_step", "_bidirectional", "_bidirectional_step"}) {
        for (const char* activation : {"", "_tanh", "_positive"}) {
          const std::string name = std::string(kind.name) + "_" + storage + body + activation;
          for (const char* bias_and_lengths : {"x_", "__", "xx", "_x"}) {
            for (const std::string& given : {std::string("__"), states}) {
              std::string rest = bias_and_lengths + given + (kind.needs_vectors ? "x" : "");
              rest.erase(rest.find_last_not_of('_') + 1);
              const bool has_gap = rest.find('_') != std::string::npos;
              names.push_back(name + (has_gap ? outputs + rest : ""));
            }
          }
        }
      }
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace edgernn
