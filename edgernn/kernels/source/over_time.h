// A layer over time: the products with the input for many steps at once, then step by step. One frame for all cells.
#pragma once

#include <cstring>

#include "cells.h"
#include "kinds.h"
#include "product.h"
#include "rounding.h"

namespace edgernn {
namespace {

// Rows that the input's product takes at once: enough to read its weights seldom, few enough to stay in the cache.
constexpr int kRowsAtOnce = 64;

inline int steps_at_once(int steps, int rows) {
  const int most = rows >= kRowsAtOnce ? 1 : kRowsAtOnce / rows;
  return steps < most ? steps : most;
}

// Bytes of a rounded row that a matrix stored like this one takes.
inline int row_bytes(const Matrix& matrix, int inputs) {
  return round_up(inputs, matrix.nibbles == nullptr ? kGroup : matrix.block);
}

// Hands out the working memory piece by piece; with a null pointer it only counts.
class Scratch {
 public:
  explicit Scratch(void* memory) : memory_(static_cast<char*>(memory)) {}

  template <class T>
  T* take(size_t count) {
    char* piece = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return reinterpret_cast<T*>(piece);
  }

  size_t used() const { return used_; }

 private:
  char* memory_;
  size_t used_ = 0;
};

// The working memory of a part.
struct Memory {
  float* projected;  // (steps at once × rows, gates)
  float* recurrent;  // (rows, gates)
  float* candidate;  // (rows, padded): a second product in a step, behind a reset gate or a projection
  float* kept;       // (rows, padded): what a cell keeps of a row, see cells.h
  float* h;          // (rows, padded)
  float* c;
  uint8_t* rounded;  // of as many rows as any product takes
  float* steps;
  int32_t* sums;  // of their blocks
  size_t weights_of_call;
  Team* team;  // of the part

  Memory(const Layer& layer, int steps_now, int rows, Scratch& scratch, Team* part_team = nullptr) : team(part_team) {
    const Direction& direction = layer.direction[0];
    const size_t many = static_cast<size_t>(steps_at_once(steps_now, rows)) * rows;
    const size_t padded = layer.padded, count = rows;
    projected = scratch.take<float>(many * direction.input.outputs);
    recurrent = scratch.take<float>(count * direction.recurrent.outputs);
    candidate = scratch.take<float>(count * (direction.candidate.outputs + direction.projection.outputs));
    kept = scratch.take<float>(count * padded);
    h = scratch.take<float>(count * padded);
    c = scratch.take<float>(about(layer.kind).has_cell_state ? count * padded : 0);
    const Matrix& input = direction.input;
    const size_t widest = row_bytes(input, layer.inputs > layer.units ? layer.inputs : layer.units);
    rounded = scratch.take<uint8_t>(input.floats != nullptr ? 0 : many * widest);
    steps = scratch.take<float>(many);
    weights_of_call = steps_now == 1 ? input.bytes + direction.recurrent.bytes : 0;
    sums = scratch.take<int32_t>(input.nibbles == nullptr ? 0 : many * (widest / input.block));
  }
};

template <class Float, class Dot, class Four>
class OverTime {
 public:
  static size_t scratch_bytes(const Layer& layer, int steps, int rows) {
    Scratch scratch(nullptr);
    Memory(layer, steps, rows, scratch);
    return scratch.used();
  }

  static void run(const Layer& layer, const Call& call, const Part& part, void* memory) {
    switch (layer.kind) {
      case Kind::kLstm:
        return run_cell<Lstm>(layer, call, part, memory);
      case Kind::kGru:
        if (layer.resets_first) return run_cell<GruResetFirst>(layer, call, part, memory);
        return run_cell<Gru>(layer, call, part, memory);
      case Kind::kRnn:
        if (layer.activation == Activation::kRelu) return run_cell<Rnn<relu_of>>(layer, call, part, memory);
        if (layer.activation == Activation::kSigmoid) return run_cell<Rnn<sigmoid_of>>(layer, call, part, memory);
        return run_cell<Rnn<tanh_of>>(layer, call, part, memory);
      case Kind::kMinGru:
        if (layer.activation == Activation::kPositive) return run_cell<MinGru<positive_of>>(layer, call, part, memory);
        return run_cell<MinGru<identity_of>>(layer, call, part, memory);
      case Kind::kMinLstm:
        if (layer.activation == Activation::kPositive) return run_cell<MinLstm<positive_of>>(layer, call, part, memory);
        return run_cell<MinLstm<identity_of>>(layer, call, part, memory);
      case Kind::kLayerNormLstm:
        return run_cell<LayerNormLstm>(layer, call, part, memory);
      case Kind::kLayerNormGru:
        return run_cell<LayerNormGru>(layer, call, part, memory);
      case Kind::kIndRnn:
        if (layer.activation == Activation::kTanh) return run_cell<IndRnn<tanh_of>>(layer, call, part, memory);
        return run_cell<IndRnn<relu_of>>(layer, call, part, memory);
      case Kind::kSru:
        if (layer.activation == Activation::kTanh) return run_cell<Sru<tanh_of, false>>(layer, call, part, memory);
        return run_cell<Sru<identity_of, false>>(layer, call, part, memory);
      case Kind::kProjectedSru:
        if (layer.activation == Activation::kTanh) return run_cell<Sru<tanh_of, true>>(layer, call, part, memory);
        return run_cell<Sru<identity_of, true>>(layer, call, part, memory);
      case Kind::kFastGrnn:
        return run_cell<FastGrnn>(layer, call, part, memory);
      case Kind::kProjectedLstm:
        return run_cell<ProjectedLstm>(layer, call, part, memory);
    }
  }

 private:
  template <class Cell>
  static void run_cell(const Layer& layer, const Call& call, const Part& part, void* buffer) {
    const Direction& direction = layer.direction[part.direction];
    Scratch scratch(buffer);
    const Memory memory(layer, call.steps, part.rows, scratch, part.team);
    load_state(layer, call, part, layer.hidden, call.initial_h, memory.h);
    if constexpr (Cell::kHasCellState) load_state(layer, call, part, layer.units, call.initial_c, memory.c);
    if constexpr (Cell::kProjects || Cell::kEmitsKept) {
      std::memset(memory.kept, 0, sizeof(float) * part.rows * layer.padded);  // its filling is read
    }

    const int at_once = steps_at_once(call.steps, part.rows);
    for (int done = 0; done < call.steps; done += at_once) {
      const int now = call.steps - done < at_once ? call.steps - done : at_once;
      const int first = direction.reversed ? call.steps - done - now : done;
      project(layer, call, part, first, now, memory);
      for (int step = 0; step < now; ++step) {
        const int within = direction.reversed ? now - 1 - step : step;
        const float* projected =
            memory.projected + static_cast<size_t>(within) * part.rows * direction.input.outputs;
        if constexpr (Cell::kHasRecurrent) {
          multiply(direction.recurrent, memory.h, layer.padded, part.rows, Cell::kBounded, memory.recurrent, memory);
        }
        update<Cell>(layer, call, part, first + within, projected, memory);
      }
    }
    store_state(layer, call, part, layer.hidden, memory.h, call.y_h);
    if constexpr (Cell::kHasCellState) store_state(layer, call, part, layer.units, memory.c, call.y_c);
  }

  // One step of every row, and its output.
  template <class Cell>
  static void update(const Layer& layer, const Call& call, const Part& part, int step, const float* projected,
                     const Memory& memory) {
    const Direction& direction = layer.direction[part.direction];
    const size_t padded = layer.padded;
    if constexpr (Cell::kResetsFirst) {
      for (int row = 0; row < part.rows; ++row) Cell::reset(row_of(layer, part, projected, memory, row));
      multiply(direction.candidate, memory.kept, padded, part.rows, Cell::kBounded, memory.candidate, memory);
    }
    for (int row = 0; row < part.rows; ++row) {
      if (has_ended(call, part, step, row)) continue;
      const Row now = row_of(layer, part, projected, memory, row);
      if constexpr (Cell::kKeepsInput) {
        const float* x = call.x + step * call.x_at.step + (part.first_row + row) * call.x_at.row;
        std::memcpy(now.kept, x, sizeof(float) * layer.inputs);
      }
      if constexpr (Cell::kResetsFirst) {
        Cell::step(now, memory.candidate + static_cast<size_t>(row) * direction.candidate.outputs);
      } else {
        Cell::step(now);
      }
    }
    if constexpr (Cell::kProjects) {
      // In its own range, which is often far smaller than the one that it cannot leave.
      multiply(direction.projection, memory.kept, padded, part.rows, false, memory.candidate, memory);
      for (int row = 0; row < part.rows; ++row) {
        if (has_ended(call, part, step, row)) continue;
        const float* h = memory.candidate + static_cast<size_t>(row) * direction.projection.outputs;
        std::memcpy(memory.h + row * padded, h, sizeof(float) * layer.hidden);
      }
    }
    if (call.y == nullptr) return;
    const float* output = Cell::kEmitsKept ? memory.kept : memory.h;
    for (int row = 0; row < part.rows; ++row) {
      float* y = call.y + step * call.y_at.step + part.direction * call.y_at.direction +
                 (part.first_row + row) * call.y_at.row;
      // A row that has ended keeps its states and gives zeros.
      if (has_ended(call, part, step, row)) {
        std::memset(y, 0, sizeof(float) * layer.hidden);
      } else {
        std::memcpy(y, output + row * padded, sizeof(float) * layer.hidden);
      }
    }
  }

  static bool has_ended(const Call& call, const Part& part, int step, int row) {
    return call.lengths != nullptr && step >= call.lengths[part.first_row + row];
  }

  static Row row_of(const Layer& layer, const Part& part, const float* projected, const Memory& memory, int row) {
    const Direction& direction = layer.direction[part.direction];
    const size_t at = static_cast<size_t>(row) * layer.padded;
    return {projected + static_cast<size_t>(row) * direction.input.outputs,
            memory.recurrent + static_cast<size_t>(row) * direction.recurrent.outputs,
            memory.h + at,
            about(layer.kind).has_cell_state ? memory.c + at : nullptr,
            memory.kept + at,
            direction.vectors,
            layer.padded,
            layer.units};
  }

  // The input's part of the gates, for `count` steps from `first` on.
  static void project(const Layer& layer, const Call& call, const Part& part, int first, int count,
                      const Memory& memory) {
    const Matrix& matrix = layer.direction[part.direction].input;
    const Strides& at = call.x_at;
    const size_t outputs = matrix.outputs, rows = part.rows;
    const float* x = call.x + first * at.step + part.first_row * at.row;
    if (at.step == rows * at.row) {  // all rows lie one behind the other
      multiply(matrix, x, at.row, count * part.rows, false, memory.projected, memory);
    } else if (count > part.rows) {
      for (size_t row = 0; row < rows; ++row) {
        multiply(matrix, x + row * at.row, at.step, count, false, memory.projected + row * outputs, memory,
                 rows * outputs);
      }
    } else {
      for (int step = 0; step < count; ++step) {
        multiply(matrix, x + step * at.step, at.row, part.rows, false, memory.projected + step * rows * outputs,
                 memory);
      }
    }
  }

  // out (rows, outputs), or those of its rows that lie `apart`, = x (rows, inputs) times the matrix, plus its bias.
  static void multiply(const Matrix& matrix, const float* x, size_t stride, int rows, bool bounded, float* out,
                       const Memory& memory, size_t apart = 0) {
    using Products = Product<Float, Dot, Four>;
    const size_t outputs = apart == 0 ? matrix.outputs : apart;
    if (matrix.floats != nullptr) {
      Products::multiply(matrix, rows, Rows<float>{x, stride, nullptr, out, outputs, memory.weights_of_call},
                         memory.team);
      return;
    }
    const size_t bytes = row_bytes(matrix, matrix.inputs);
    if (matrix.nibbles != nullptr) {
      auto* rounded = reinterpret_cast<int8_t*>(memory.rounded);
      const int blocks = blocks_of(matrix);
      for (int row = 0; row < rows; ++row) {
        int8_t* to = rounded + row * bytes;
        memory.steps[row] = round_row(x + row * stride, matrix.inputs, bounded, 0, to);
        std::memset(to + matrix.inputs, 0, bytes - matrix.inputs);
        sum_blocks(to, blocks, matrix.block, memory.sums + static_cast<size_t>(row) * blocks);
      }
      Products::multiply(
          matrix, rows,
          Rows<int8_t>{rounded, bytes, memory.steps, out, outputs, memory.weights_of_call, memory.sums}, memory.team);
      return;
    }
    for (int row = 0; row < rows; ++row) {
      memory.steps[row] =
          round_row(x + row * stride, matrix.inputs, bounded, Dot::kOffset, memory.rounded + row * bytes);
    }
    Products::multiply(matrix, rows,
                       Rows<uint8_t>{memory.rounded, bytes, memory.steps, out, outputs, memory.weights_of_call},
                       memory.team);
  }

  static void load_state(const Layer& layer, const Call& call, const Part& part, size_t hidden, const float* given,
                         float* state) {
    const size_t padded = layer.padded;
    std::memset(state, 0, sizeof(float) * part.rows * padded);
    if (given == nullptr) return;
    given += (static_cast<size_t>(part.direction) * call.batch + part.first_row) * hidden;
    for (int row = 0; row < part.rows; ++row) {
      std::memcpy(state + row * padded, given + row * hidden, sizeof(float) * hidden);
    }
  }

  static void store_state(const Layer& layer, const Call& call, const Part& part, size_t hidden, const float* state,
                          float* out) {
    if (out == nullptr) return;
    const size_t padded = layer.padded;
    out += (static_cast<size_t>(part.direction) * call.batch + part.first_row) * hidden;
    for (int row = 0; row < part.rows; ++row) {
      std::memcpy(out + row * hidden, state + row * padded, sizeof(float) * hidden);
    }
  }
};

}  // namespace
}  // namespace edgernn
