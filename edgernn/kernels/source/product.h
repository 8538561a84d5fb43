// Rows times a packed matrix, for the vector types that a file of sets/ defines:
//
//   Float:  V, kLanes, load, store, broadcast, add, multiply, fused, settle, Shape
//   Dot:    V, kLanes, kOffset, start(sums), broadcast(group of inputs), load, add(V, broadcast, weights), to_float,
//           settle, Shape
//   Four:   int4's. V, kLanes, start(sums of inputs), broadcast(group of inputs), load, add(V, broadcast of both groups,
//           weights of both), to_float, scales(half floats), fused, settle, Shape
//   Shape:  how many vectors and rows are held in registers: kVectorsAlone × 1 (of a tile, or of each of kTilesAlone
//           whole tiles), kVectors × kRows
//
// settle keeps a sum in one register from turn to turn of the loop: it tells the compiler that it may have changed.
// Without it GCC carries the sums of a loop in two sets of registers and spills one of them at each turn.
//
// Every output sums its inputs in order, whatever rows it is computed with, so that batch and chunks change nothing.
#pragma once

#include <cstring>
#include <type_traits>
#include <utility>

#include "layer.h"

#define EDGERNN_INLINED __attribute__((always_inline))
#define EDGERNN_INLINE inline EDGERNN_INLINED

namespace edgernn {
namespace {

// The four inputs of a group as one number.
template <class Input>
inline int32_t group_of(const Input* group) {
  int32_t bytes;
  std::memcpy(&bytes, group, sizeof bytes);
  return bytes;
}

// Where the rows of a product come from and go to.
template <class Input>
struct Rows {
  const Input* x;
  size_t x_stride;
  const float* steps;  // of each row that is rounded
  float* out;
  size_t out_stride;
  size_t weights_of_call = 0;     // bytes of weights that a call of a single step reads; 0 where it has more steps
  const int32_t* sums = nullptr;  // int4: -8 × the sum of each block, rows one behind the other
};

inline int blocks_of(const Matrix& matrix) { return (matrix.inputs + matrix.block - 1) / matrix.block; }

// A single row takes every weight once, so what counts is how they come from the cache that holds them. Measured on a
// processor with 48 KiB, 1 MiB and 32 MiB of caches:
// - up to kNear two tiles side by side keep more sums at work (0.26 in place of 0.35 µs for 64 KiB);
// - beyond, weights come faster in a single row (1.4 in place of 2.0 µs for 256 KiB);
// - beyond kFar, where a layer's two matrices do not stay in the second of them, they are asked for kAhead bytes
//   before they are needed (33 in place of 40 µs for 4 MiB of floats; int4, which takes longer for each, gains from
//   twice as much on, int8 from four times);
// - so they are in calls of a single step whose weights do not stay in the second of them until the next call (17.9 in
//   place of 20 µs for an int8 LSTM of 512 units, which loses 5 % by it where a call has many steps).
constexpr size_t kNear = 64 << 10;
template <class Input>
constexpr size_t kFar = 512 << 10;
template <>
constexpr size_t kFar<int8_t> = 1 << 20;
template <>
constexpr size_t kFar<uint8_t> = 2 << 20;
constexpr size_t kFarOfCall = 1280 << 10;
constexpr int kAhead = 1024;

// Calls work(0) … work(kCount - 1), each with its number as a constant: written out before any other pass of the
// compiler, sums that are counted by loops would be kept in memory.
template <int... kNumbers, class Work>
EDGERNN_INLINE void each_of(std::integer_sequence<int, kNumbers...>, Work work) {
  (work(std::integral_constant<int, kNumbers>()), ...);
}
template <int kCount, class Work>
EDGERNN_INLINE void each(Work work) {
  each_of(std::make_integer_sequence<int, kCount>(), work);
}

template <class Float, int kTiles, int kVectors, int kRows, bool kIsFar>
EDGERNN_INLINE void float_block(const Matrix& matrix, const float* weights, int output, const Rows<float>& rows) {
  constexpr int kAll = kTiles * kVectors;
  typename Float::V sums[kRows * kAll];
  const size_t tile_size = static_cast<size_t>(matrix.inputs) * kTile;
  each<kAll>([&](auto v) EDGERNN_INLINED {
    const auto bias = Float::load(matrix.bias + output + v * Float::kLanes);
    each<kRows>([&](auto r) EDGERNN_INLINED { sums[r * kAll + v] = bias; });
  });
  for (int k = 0; k < matrix.inputs; ++k) {
    typename Float::V x[kRows];
    each<kRows>([&](auto r) EDGERNN_INLINED { x[r] = Float::broadcast(rows.x + r * rows.x_stride + k); });
    each<kAll>([&](auto v) EDGERNN_INLINED {
      const float* from = weights + v / kVectors * tile_size + v % kVectors * Float::kLanes;
      const auto weight = Float::load(from);
      if constexpr (kIsFar) __builtin_prefetch(from + kAhead / sizeof(float));
      each<kRows>([&](auto r) EDGERNN_INLINED {
        sums[r * kAll + v] = Float::fused(x[r], weight, sums[r * kAll + v]);
        Float::settle(sums[r * kAll + v]);
      });
    });
    weights += kTile;
  }
  each<kRows>([&](auto r) EDGERNN_INLINED {
    each<kAll>([&](auto v) EDGERNN_INLINED {
      Float::store(rows.out + r * rows.out_stride + output + v * Float::kLanes, sums[r * kAll + v]);
    });
  });
}

template <class Float, class Dot, int kTiles, int kVectors, int kRows, bool kIsFar>
EDGERNN_INLINE void integer_block(const Matrix& matrix, const int8_t* weights, int output,
                                  const Rows<uint8_t>& rows) {
  constexpr int kAll = kTiles * kVectors;
  typename Dot::V sums[kRows * kAll];
  const int groups = (matrix.inputs + kGroup - 1) / kGroup;
  const size_t tile_size = static_cast<size_t>(groups) * kTile * kGroup;
  each<kAll>([&](auto v) EDGERNN_INLINED {
    const auto start = Dot::start(matrix.sums + output + v * Dot::kLanes);
    each<kRows>([&](auto r) EDGERNN_INLINED { sums[r * kAll + v] = start; });
  });
  for (int group = 0; group < groups; ++group) {
    typename Dot::Inputs x[kRows];
    each<kRows>([&](auto r) EDGERNN_INLINED {
      x[r] = Dot::broadcast(rows.x + r * rows.x_stride + group * kGroup);
    });
    each<kAll>([&](auto v) EDGERNN_INLINED {
      const int8_t* from = weights + v / kVectors * tile_size + v % kVectors * Dot::kLanes * kGroup;
      const auto weight = Dot::load(from);
      if constexpr (kIsFar) __builtin_prefetch(from + kAhead);
      each<kRows>([&](auto r) EDGERNN_INLINED {
        sums[r * kAll + v] = Dot::add(sums[r * kAll + v], x[r], weight);
        Dot::settle(sums[r * kAll + v]);
      });
    });
    weights += kTile * kGroup;
  }
  each<kRows>([&](auto r) EDGERNN_INLINED {
    const auto step = Float::broadcast(rows.steps + r);
    each<kAll>([&](auto v) EDGERNN_INLINED {
      const int at = output + v * Dot::kLanes;
      const auto scaled = Float::multiply(Dot::to_float(sums[r * kAll + v]), Float::load(matrix.scales + at));
      const auto value = Float::add(Float::multiply(scaled, step), Float::load(matrix.bias + at));
      Float::store(rows.out + r * rows.out_stride + at, value);
    });
  });
}

// Integers within a block of inputs, whose sum is scaled and added in float32, block by block.
template <class Float, class Four, int kVectors, int kRows, bool kIsFar>
EDGERNN_INLINE void nibble_block(const Matrix& matrix, int output, const Rows<int8_t>& rows) {
  constexpr int kAll = kVectors * kRows, kBoth = 2 * kGroup;
  const int blocks = blocks_of(matrix), tile = output / kTile, within = output % kTile;
  const size_t first = static_cast<size_t>(tile) * blocks * kTile;  // of the blocks' scales
  const uint16_t* scales = matrix.block_scales + first + within;
  const uint8_t* weights = matrix.nibbles + first * matrix.block / 2 + within * kGroup;
  typename Float::V sums[kAll];
  each<kAll>([&](auto i) EDGERNN_INLINED { sums[i] = Float::zero(); });
  for (int block = 0; block < blocks; ++block) {
    typename Four::V inner[kAll];
    each<kRows>([&](auto r) EDGERNN_INLINED {
      each<kVectors>([&](auto v) EDGERNN_INLINED {
        inner[r * kVectors + v] = Four::start(rows.sums + r * blocks + block);
      });
    });
    for (int at = block * matrix.block; at < (block + 1) * matrix.block; at += kBoth) {
      typename Four::Inputs low[kRows], high[kRows];
      each<kRows>([&](auto r) EDGERNN_INLINED {
        low[r] = Four::broadcast(rows.x + r * rows.x_stride + at);
        high[r] = Four::broadcast(rows.x + r * rows.x_stride + at + kGroup);
      });
      each<kVectors>([&](auto v) EDGERNN_INLINED {
        const uint8_t* from = weights + v * Four::kLanes * kGroup;
        const auto weight = Four::load(from);
        if constexpr (kIsFar) __builtin_prefetch(from + kAhead);
        each<kRows>([&](auto r) EDGERNN_INLINED {
          auto& sum = inner[r * kVectors + v];
          sum = Four::add(sum, low[r], high[r], weight);
          Four::settle(sum);
        });
      });
      weights += kTile * kGroup;
    }
    each<kVectors>([&](auto v) EDGERNN_INLINED {
      const auto scale = Four::scales(scales + v * Four::kLanes);
      each<kRows>([&](auto r) EDGERNN_INLINED {
        auto& sum = sums[r * kVectors + v];
        sum = Four::fused(Four::to_float(inner[r * kVectors + v]), scale, sum);
        Float::settle(sum);
      });
    });
    scales += kTile;
  }
  each<kRows>([&](auto r) EDGERNN_INLINED {
    const auto step = Float::broadcast(rows.steps + r);
    each<kVectors>([&](auto v) EDGERNN_INLINED {
      const int at = output + v * Four::kLanes;
      const auto value = Float::add(Float::multiply(sums[r * kVectors + v], step), Float::load(matrix.bias + at));
      Float::store(rows.out + r * rows.out_stride + at, value);
    });
  });
}

// Dispatches to the block of a number format, which is known by that of the rows: float of float32, uint8_t of int8,
// int8_t of int4.
template <class Float, class Dot, class Four>
struct Product {
  template <class Input>
  using TypesFor = std::conditional_t<std::is_same_v<Input, float>, Float,
                                      std::conditional_t<std::is_same_v<Input, uint8_t>, Dot, Four>>;
  template <class Input>
  using ShapeFor = typename TypesFor<Input>::Shape;
  template <class Input>
  static constexpr int kLanesFor = TypesFor<Input>::kLanes;

  template <int kTiles, int kVectors, int kRows, bool kIsFar = false>
  static void block(const Matrix& matrix, int output, const Rows<float>& rows) {
    const int tile = output / kTile, within = output % kTile;
    const float* weights = matrix.floats + static_cast<size_t>(tile) * matrix.inputs * kTile + within;
    float_block<Float, kTiles, kVectors, kRows, kIsFar>(matrix, weights, output, rows);
  }

  template <int kTiles, int kVectors, int kRows, bool kIsFar = false>
  static void block(const Matrix& matrix, int output, const Rows<uint8_t>& rows) {
    const int tile = output / kTile, within = output % kTile;
    const int groups = (matrix.inputs + kGroup - 1) / kGroup;
    const int8_t* weights =
        matrix.integers + static_cast<size_t>(tile) * groups * kTile * kGroup + within * kGroup;
    integer_block<Float, Dot, kTiles, kVectors, kRows, kIsFar>(matrix, weights, output, rows);
  }

  template <int kTiles, int kVectors, int kRows, bool kIsFar = false>
  static void block(const Matrix& matrix, int output, const Rows<int8_t>& rows) {
    static_assert(kTiles == 1, "int4 takes a tile at a time");
    nibble_block<Float, Four, kVectors, kRows, kIsFar>(matrix, output, rows);
  }

  // Outputs from `first` to `end`, both at the bounds of tiles.
  template <class Input>
  static void one_row(const Matrix& matrix, const Rows<Input>& rows, int first, int end) {
    using Shape = ShapeFor<Input>;
    constexpr int kWidth = Shape::kVectorsAlone * kLanesFor<Input>;
    int output = first;
    if constexpr (Shape::kTilesAlone > 1) {
      static_assert(kWidth == kTile, "whole tiles at once");
      for (; matrix.bytes <= kNear && output + Shape::kTilesAlone * kTile <= end;
           output += Shape::kTilesAlone * kTile) {
        block<Shape::kTilesAlone, Shape::kVectorsAlone, 1>(matrix, output, rows);
      }
    }
    const bool is_far = matrix.bytes > kFar<Input> || rows.weights_of_call > kFarOfCall;
    for (; is_far && output < end; output += kWidth) {
      block<1, Shape::kVectorsAlone, 1, true>(matrix, output, rows);
    }
    for (; output < end; output += kWidth) {
      block<1, Shape::kVectorsAlone, 1>(matrix, output, rows);
    }
  }

  template <int kRows, class Input>
  static void some_rows(const Matrix& matrix, int output, int count, const Rows<Input>& rows) {
    if constexpr (kRows >= 1) {
      if (count == kRows) {
        block<1, ShapeFor<Input>::kVectors, kRows>(matrix, output, rows);
      } else {
        some_rows<kRows - 1>(matrix, output, count, rows);
      }
    }
  }

  template <class Input>
  static void outputs_of(const Matrix& matrix, int count, const Rows<Input>& rows, int first, int end) {
    if (count == 1) {
      one_row(matrix, rows, first, end);
      return;
    }
    using Shape = ShapeFor<Input>;
    constexpr int kWidth = Shape::kVectors * kLanesFor<Input>;
    for (int output = first; output < end; output += kWidth) {
      for (int row = 0; row < count; row += Shape::kRows) {
        const int now = count - row < Shape::kRows ? count - row : Shape::kRows;
        const Rows<Input> part{rows.x + row * rows.x_stride, rows.x_stride,
                               rows.steps == nullptr ? nullptr : rows.steps + row,
                               rows.out + row * rows.out_stride, rows.out_stride, rows.weights_of_call,
                               rows.sums == nullptr ? nullptr : rows.sums + row * blocks_of(matrix)};
        some_rows<Shape::kRows>(matrix, output, now, part);
      }
    }
  }

  template <class Input>
  struct Job {
    const Matrix& matrix;
    int count;
    const Rows<Input>& rows;
  };

  // out (count, outputs) = x (count, inputs) times the matrix, plus its bias; by the team, where there is one.
  template <class Input>
  static void multiply(const Matrix& matrix, int count, const Rows<Input>& rows, Team* team) {
    if (team == nullptr) {
      outputs_of(matrix, count, rows, 0, matrix.outputs);
      return;
    }
    const Job<Input> job{matrix, count, rows};
    const auto piece_of = [](const void* given, int piece, int pieces) {
      const auto& job = *static_cast<const Job<Input>*>(given);
      const int tiles = job.matrix.outputs / kTile;
      outputs_of(job.matrix, job.count, job.rows, tiles * piece / pieces * kTile,
                 tiles * (piece + 1) / pieces * kTile);
    };
    share(*team, piece_of, &job);
  }
};

}  // namespace
}  // namespace edgernn
