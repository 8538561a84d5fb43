// The gate equations, one struct a cell, on one row: `units` numbers a gate.
//
// x: what the input adds to the gates, r: what the state adds to them, gate by gate; h and c: the states, which
// are replaced; v: the blocks of P. All rows of numbers are filled up to `units`, so that loops have no remainder.
//
// Gate order and equations of RNN, LSTM and GRU are those of ONNX: https://onnx.ai/onnx/operators/onnx__LSTM.html and
// its neighbours; of the others those of edgernn/quantize/kinds/.
#pragma once

#include "activations.h"
#include "layer.h"
#include "normal.h"

namespace edgernn {
namespace {

struct Row {
  const float* __restrict x;
  const float* __restrict r;
  float* __restrict h;
  float* __restrict c;
  float* __restrict kept;  // the row's own from step to step; see what a cell says of it
  const float* __restrict v;
  int units;
  int count;  // of them those that are no filling
};

// What the frame must know of a cell, where it is the usual.
struct Usual {
  static constexpr bool kHasRecurrent = true;  // r is a product with h
  static constexpr bool kHasCellState = false;
  static constexpr bool kResetsFirst = false;
  static constexpr bool kProjects = false;   // `kept` is to be multiplied, which gives h
  static constexpr bool kEmitsKept = false;  // the output is in `kept`, not in h
  static constexpr bool kKeepsInput = false;  // `kept` is the input, before the step
  static constexpr bool kBounded = true;     // states stay within [-1, 1]
};

template <float (*activation)(float)>
struct Rnn : Usual {
  static constexpr bool kBounded = activation != relu_of;

  // h' = f(x + r)
  static void step(const Row& row) {
    EDGERNN_INDEPENDENT
    for (int j = 0; j < row.units; ++j) row.h[j] = activation(row.x[j] + row.r[j]);
  }
};

struct Lstm : Usual {
  static constexpr bool kHasCellState = true;

  // c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'); gates i, o, f, g
  static void step(const Row& row) {
    const int n = row.units;
    if (row.v != nullptr) {
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
    const float* p = row.v;
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

struct Gru : Usual {
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
struct GruResetFirst : Usual {
  static constexpr bool kResetsFirst = true;

  // σ(r) h into `kept`, which the candidate's product is of
  static void reset(const Row& row) {
    const int n = row.units;
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) row.kept[j] = sigmoid_of(row.x[n + j] + row.r[n + j]) * row.h[j];
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

// Feng et al. (2024): gates that do not see the state.
template <float (*activation)(float)>
struct MinGru : Usual {
  static constexpr bool kHasRecurrent = false;

  // h' = h + σ(z) (g(n) − h); gates z, n
  static void step(const Row& row) {
    const int n = row.units;
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      row.h[j] = fused(sigmoid_of(row.x[j]), activation(row.x[n + j]) - row.h[j], row.h[j]);
    }
  }
};

template <float (*activation)(float)>
struct MinLstm : Usual {
  static constexpr bool kHasRecurrent = false;

  // h' = h + σ(i) ÷ (σ(f) + σ(i)) (g(n) − h); gates f, i, n
  static void step(const Row& row) {
    const int n = row.units;
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      row.h[j] = fused(share_of(row.x[n + j], row.x[j]), activation(row.x[2 * n + j]) - row.h[j], row.h[j]);
    }
  }
};

// Ba et al. (2016).
struct LayerNormLstm : Usual {
  static constexpr bool kHasCellState = true;

  // An LSTM of gates i, f, g, o, each LN(x) γ_x + b + LN(r) γ_r, where LN is over all four; h' = σ(o) tanh(LN(c') γ_c +
  // b_c). P: γ_x, γ_r, b of the four gates, γ_c, b_c
  static void step(const Row& row) {
    const int n = row.units;
    const Normal x(row.x, 4, n, row.count), r(row.r, 4, n, row.count);
    const auto gate = [&](int at) {
      return fused(x.of(row.x[at]), row.v[at], row.v[8 * n + at]) + r.of(row.r[at]) * row.v[4 * n + at];
    };
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      const float i = sigmoid_of(gate(j)), f = sigmoid_of(gate(n + j)), g = tanh_of(gate(2 * n + j));
      row.kept[j] = sigmoid_of(gate(3 * n + j));
      row.c[j] = fused(f, row.c[j], i * g);
    }
    const Normal c(row.c, 1, n, row.count);
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      row.h[j] = row.kept[j] * tanh_of(fused(c.of(row.c[j]), row.v[12 * n + j], row.v[13 * n + j]));
    }
  }
};

struct LayerNormGru : Usual {
  // n = tanh(LN(x_n) γ_x + b + σ(r) (LN(r_n) γ_r + b_hn)), h' = h + σ(z) (n − h); gates z, r, n, of which LN takes z and
  // r together. P: γ_x, γ_r, b of the three gates, b_hn
  static void step(const Row& row) {
    const int n = row.units;
    const Normal x(row.x, 2, n, row.count), r(row.r, 2, n, row.count);
    const Normal x_n(row.x + 2 * n, 1, n, row.count), r_n(row.r + 2 * n, 1, n, row.count);
    const auto gate = [&](int at) {
      return fused(x.of(row.x[at]), row.v[at], row.v[6 * n + at]) + r.of(row.r[at]) * row.v[3 * n + at];
    };
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      const int at = 2 * n + j;
      const float z = sigmoid_of(gate(j)), reset = sigmoid_of(gate(n + j));
      const float past = fused(r_n.of(row.r[at]), row.v[3 * n + at], row.v[9 * n + j]);
      const float own = fused(x_n.of(row.x[at]), row.v[at], row.v[6 * n + at]);
      row.h[j] = fused(z, tanh_of(fused(reset, past, own)) - row.h[j], row.h[j]);
    }
  }
};

// Li et al. (2018): each unit sees its own past alone.
template <float (*activation)(float)>
struct IndRnn : Usual {
  static constexpr bool kHasRecurrent = false;

  // h' = f(x + u h). P: u
  static void step(const Row& row) {
    EDGERNN_INDEPENDENT
    for (int j = 0; j < row.units; ++j) row.h[j] = activation(fused(row.v[j], row.h[j], row.x[j]));
  }
};

// Lei et al. (2018), gates of the first version. h is what they call c.
template <float (*activation)(float), bool kIsProjected>
struct Sru : Usual {
  static constexpr bool kHasRecurrent = false;
  static constexpr bool kEmitsKept = true;
  static constexpr bool kKeepsInput = !kIsProjected;

  // h' = h + σ(−f) (n − h), y = p + σ(r) (g(h') − p); gates n, f, r; p is the input, or the fourth gate
  static void step(const Row& row) {
    const int n = row.units;
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      const float h = fused(sigmoid_of(-row.x[n + j]), row.x[j] - row.h[j], row.h[j]);
      const float past = kIsProjected ? row.x[3 * n + j] : row.kept[j];
      row.h[j] = h;
      row.kept[j] = fused(sigmoid_of(row.x[2 * n + j]), activation(h) - past, past);
    }
  }
};

// Kusupati et al. (2018).
struct FastGrnn : Usual {
  static constexpr bool kBounded = false;

  // m = x + r, z = σ(m + b_z), h' = (ζ (1 − z) + ν) tanh(m + b_n) + z h. P: b_z, b_n, ζ, ν
  static void step(const Row& row) {
    const int n = row.units;
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      const float m = row.x[j] + row.r[j];
      const float z = sigmoid_of(m + row.v[j]);
      const float share = fused(row.v[2 * n + j], 1.0f - z, row.v[3 * n + j]);
      row.h[j] = fused(share, tanh_of(m + row.v[n + j]), z * row.h[j]);
    }
  }
};

// Sak et al. (2014).
struct ProjectedLstm : Usual {
  static constexpr bool kHasCellState = true;
  static constexpr bool kProjects = true;
  static constexpr bool kBounded = false;

  // An LSTM of gates i, f, g, o; h' is the product of `kept` = σ(o) tanh(c')
  static void step(const Row& row) {
    const int n = row.units;
    EDGERNN_INDEPENDENT
    for (int j = 0; j < n; ++j) {
      const float i = sigmoid_of(row.x[j] + row.r[j]);
      const float f = sigmoid_of(row.x[n + j] + row.r[n + j]);
      const float g = tanh_of(row.x[2 * n + j] + row.r[2 * n + j]);
      const float c = fused(f, row.c[j], i * g);
      row.c[j] = c;
      row.kept[j] = sigmoid_of(row.x[3 * n + j] + row.r[3 * n + j]) * tanh_of(c);
    }
  }
};

}  // namespace
}  // namespace edgernn
