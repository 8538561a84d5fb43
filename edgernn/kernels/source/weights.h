// From the weights of an ONNX node to a layer that is ready to run.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "layer.h"

namespace edgernn {

// One of a node's matrices, (directions, gates × hidden, columns): in float32, as integers with one scale a row, or
// those of int4 (see parts_of in storage.h).
struct SourceMatrix {
  std::vector<float> floats;
  const int8_t* integers = nullptr;
  const float* scales = nullptr;
  const uint8_t* nibbles = nullptr;
  const uint16_t* block_scales = nullptr;
  int block = 0;
};

// A node. Gates are in ONNX's order.
struct Source {
  Kind kind = Kind::kGru;
  Activation activation = Activation::kTanh;
  bool resets_first = false;
  int inputs = 0;
  int hidden = 0;
  int units = 0;  // of a gate: hidden, or more where there is a projection
  std::vector<bool> reversed;  // of each direction
  SourceMatrix w, r, v;              // which of them, kinds.h says
  const float* bias = nullptr;       // (directions, rows of w and of r); null: none
  const float* vectors = nullptr;    // (directions, blocks × units); null: none
};

// Owns the packed weights of a layer.
class Weights {
 public:
  explicit Weights(const Source& source);
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  const Layer& layer() const { return layer_; }

 private:
  friend std::shared_ptr<const Weights> shared_weights(const Source& source);

  template <class T>
  T* take(size_t count);
  // Which rows of a source matrix: `all_gates` blocks of `units` in a direction, whose biases lie `bias_stride` apart
  // from direction to direction.
  struct Rows {
    const SourceMatrix& from;
    int columns;
    int units;
    int all_gates;
    const float* bias;
    size_t bias_stride;
  };
  void pack(const Rows& rows, int direction, int first_gate, int gates, Matrix& matrix);
  bool equals(const Weights& other) const;
  uint64_t digest() const;

  struct Release {
    void operator()(char* memory) const;
  };
  struct Buffer {
    std::unique_ptr<char, Release> memory;
    size_t bytes;
  };
  std::vector<Buffer> buffers_;
  Layer layer_;
};

// The packed weights of a node; those of an equal node that is alive, if there is one, so that sessions of the same
// file hold them once.
std::shared_ptr<const Weights> shared_weights(const Source& source);

}  // namespace edgernn
