// How the weights of a node are stored, by its name.
//
// A node is named KIND_STORAGE, then the activation where it is not the kind's usual one, among words that concern the
// portable body alone: GRU_int8, LSTM_int8_dynamic, RNN_int8_stable_bidirectional_relu, GRU_int4_32, MinGRU_float32.
// Attributes say all else; but a list of texts, as activations are, onnxruntime does not give to a kernel. "other"
// among the words is a node that only its body computes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layer.h"

namespace edgernn {

enum class Element { kFloat, kHalf, kInt8, kUint8, kInt64 };

struct NodeName {
  enum class Storage { kFloat32, kInt8, kInt4 };

  Kind kind;
  Storage storage;
  int block_size = 0;  // of int4
  Activation activation = Activation::kTanh;  // of a kind with several
};

// What a name stands for; nothing where there is no kernel for it.
std::optional<NodeName> parse_name(const std::string& name);

// The types of the tensors that one matrix is stored as, in the order of the node's inputs. int4: two integers a byte,
// the first half of a block in the low bits; one half float a block; the matrix's shape. Rows are filled up to whole
// blocks.
std::vector<Element> parts_of(NodeName::Storage storage);

// A half float's value.
float widen_half(uint16_t half);

// The names that files have, for programs that do not tell which functions their file has (edgernn.functions). A tenth
// of a millisecond each when a session is made, so there may not be many.
std::vector<std::string> usual_names();

}  // namespace edgernn
