// The gate equations, one struct a cell, on one row: `units` numbers a gate.
//
// x: what the input adds to the gates, r: what the state adds to them, gate by gate; h and c: the states, which
// are replaced. All rows of numbers are filled up, so that loops have no remainder.
//
// Gate order and equations are those of ONNX: https://onnx.ai/onnx/operators/onnx__LSTM.html and its neighbours.
#pragma once

#include "activations.h"
#include "layer.h"

namespace edgernn {
namespace {

struct Row {
  const float* __restrict x;
  const float* __restrict r;
  float* __restrict h;
  float* __restrict c;
  const float* __restrict peepholes;
  int units;
};

template <float (*activation)(float)>
struct Rnn {
  static constexpr bool kHasCellState = false;
  static constexpr bool kResetsFirst = false;
  static constexpr bool kBounded = activation != relu_of;  // states stay within [-1, 1]

  // h' = f(x + r)
  static void step(const Row& row) {
    EDGERNN_INDEPENDENT
    for (int j = 0; j < row.units; ++j) row.h[j] = activation(row.x[j] + row.r[j]);
  }
};

struct Lstm {
  static constexpr bool kHasCellState = true;
  static constexpr bool kResetsFirst = false;
  static constexpr bool kBounded = true;

  // c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'); gates i, o, f, g
  static void step(const Row& row) {
    const int n = row.units;
    if (row.peepholes != nullptr) {
      step_with_peepholes(row);
      return;
    }
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      const float i = sigmoid_of(row.x[j] + row.r[j]);
      const float o = sigmoid_of(row.x[n + j] + row.r[n + j]);
      const float f = sigmoid_of(row.x[2 * n + j] + row.r[2 * n + j]);
      const float g = tanh_of(row.x[3 * n + j] + row.r[3 * n + j]);
      const float c = fused(f, row.c[j], i * g);
      row.c[j] = c;
      row.h[j] = o * tanh_of(c);
    }
  }

  // The same, where i and f see c, and o sees c'.
  static void step_with_peepholes(const Row& row) {
    const int n = row.units;
    const float* p = row.peepholes;
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      const float i = sigmoid_of(fused(p[j], row.c[j], row.x[j] + row.r[j]));
      const float f = sigmoid_of(fused(p[2 * n + j], row.c[j], row.x[2 * n + j] + row.r[2 * n + j]));
      const float g = tanh_of(row.x[3 * n + j] + row.r[3 * n + j]);
      const float c = fused(f, row.c[j], i * g);
      row.c[j] = c;
      row.h[j] = sigmoid_of(fused(p[n + j], c, row.x[n + j] + row.r[n + j])) * tanh_of(c);
    }
  }
};

struct Gru {
  static constexpr bool kHasCellState = false;
  static constexpr bool kResetsFirst = false;
  static constexpr bool kBounded = true;

  // n = tanh(x_n + σ(r) r_n), h' = n + σ(z) (h − n); gates z, r, n
  static void step(const Row& row) {
    const int n = row.units;
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      const float z = sigmoid_of(row.x[j] + row.r[j]);
      const float reset = sigmoid_of(row.x[n + j] + row.r[n + j]);
      const float candidate = tanh_of(fused(reset, row.r[2 * n + j], row.x[2 * n + j]));
      row.h[j] = fused(z, row.h[j] - candidate, candidate);
    }
  }
};

// A GRU that resets the state before its product, which therefore comes in a second part.
struct GruResetFirst {
  static constexpr bool kHasCellState = false;
  static constexpr bool kResetsFirst = true;
  static constexpr bool kBounded = true;

  // σ(r) h, which the candidate's product is of
  static void reset(const Row& row, float* __restrict kept) {
    const int n = row.units;
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) kept[j] = sigmoid_of(row.x[n + j] + row.r[n + j]) * row.h[j];
  }

  static void step(const Row& row, const float* __restrict product) {
    const int n = row.units;
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      const float z = sigmoid_of(row.x[j] + row.r[j]);
      const float candidate = tanh_of(row.x[2 * n + j] + product[j]);
      row.h[j] = fused(z, row.h[j] - candidate, candidate);
    }
  }
};

}  // namespace
}  // namespace edgernn
