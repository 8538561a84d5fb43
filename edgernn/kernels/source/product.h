// Rows times a packed matrix, for the vector types that a file of sets/ defines:
//
//   Float:  V, kLanes, load, store, broadcast, add, multiply, fused
//   Dot:    V, kLanes, kOffset, start(sums), broadcast(group of inputs), add(V, broadcast, weights), to_float
//   Shape:  how many vectors and rows are held in registers: kVectorsAlone × 1 (a tile, or kTilesAlone whole tiles),
//           kVectors × kRows
//
// Every output sums its inputs in order, whatever rows it is computed with, so that batch and chunks change nothing.
#pragma once

#include "layer.h"

namespace edgernn {
namespace {

// Where the rows of a product come from and go to.
template <class Input>
struct Rows {
  const Input* x;
  size_t x_stride;
  const float* steps;  // int8: of each row
  float* out;
  size_t out_stride;
};

template <class Float, int kTiles, int kVectors, int kRows>
inline void float_block(const Matrix& matrix, const float* weights, int output, const Rows<float>& rows) {
  typename Float::V sums[kRows][kTiles * kVectors];
  const size_t tile_size = static_cast<size_t>(matrix.inputs) * kTile;
#pragma GCC unroll 8
  for (int v = 0; v < kTiles * kVectors; ++v) {
    const auto bias = Float::load(matrix.bias + output + v * Float::kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sums[r][v] = bias;
  }
  for (int k = 0; k < matrix.inputs; ++k) {
    typename Float::V x[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) x[r] = Float::broadcast(rows.x + r * rows.x_stride + k);
#pragma GCC unroll 2
    for (int tile = 0; tile < kTiles; ++tile) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        const auto weight = Float::load(weights + tile * tile_size + v * Float::kLanes);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
          sums[r][tile * kVectors + v] = Float::fused(x[r], weight, sums[r][tile * kVectors + v]);
        }
      }
    }
    weights += kTile;
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kTiles * kVectors; ++v) {
      Float::store(rows.out + r * rows.out_stride + output + v * Float::kLanes, sums[r][v]);
    }
  }
}

template <class Float, class Dot, int kTiles, int kVectors, int kRows>
inline void integer_block(const Matrix& matrix, const int8_t* weights, int output, const Rows<uint8_t>& rows) {
  typename Dot::V sums[kRows][kTiles * kVectors];
  const int groups = (matrix.inputs + kGroup - 1) / kGroup;
  const size_t tile_size = static_cast<size_t>(groups) * kTile * kGroup;
#pragma GCC unroll 16
  for (int v = 0; v < kTiles * kVectors; ++v) {
    const auto start = Dot::start(matrix.sums + output + v * Dot::kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sums[r][v] = start;
  }
  for (int group = 0; group < groups; ++group) {
    typename Dot::Inputs x[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) x[r] = Dot::broadcast(rows.x + r * rows.x_stride + group * kGroup);
#pragma GCC unroll 2
    for (int tile = 0; tile < kTiles; ++tile) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        const auto weight = Dot::load(weights + tile * tile_size + v * Dot::kLanes * kGroup);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
          sums[r][tile * kVectors + v] = Dot::add(sums[r][tile * kVectors + v], x[r], weight);
        }
      }
    }
    weights += kTile * kGroup;
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const auto step = Float::broadcast(rows.steps + r);
#pragma GCC unroll 16
    for (int v = 0; v < kTiles * kVectors; ++v) {
      const int at = output + v * Dot::kLanes;
      const auto scaled = Float::multiply(Dot::to_float(sums[r][v]), Float::load(matrix.scales + at));
      const auto value = Float::add(Float::multiply(scaled, step), Float::load(matrix.bias + at));
      Float::store(rows.out + r * rows.out_stride + at, value);
    }
  }
}

// Dispatches to the block of a number format; the two have one order of loops.
template <class Float, class Dot, class Shape>
struct Product {
  template <int kTiles, int kVectors, int kRows>
  static void block(const Matrix& matrix, int output, const Rows<float>& rows) {
    const int tile = output / kTile, within = output % kTile;
    const float* weights = matrix.floats + static_cast<size_t>(tile) * matrix.inputs * kTile + within;
    float_block<Float, kTiles, kVectors, kRows>(matrix, weights, output, rows);
  }

  template <int kTiles, int kVectors, int kRows>
  static void block(const Matrix& matrix, int output, const Rows<uint8_t>& rows) {
    const int tile = output / kTile, within = output % kTile;
    const int groups = (matrix.inputs + kGroup - 1) / kGroup;
    const int8_t* weights =
        matrix.integers + static_cast<size_t>(tile) * groups * kTile * kGroup + within * kGroup;
    integer_block<Float, Dot, kTiles, kVectors, kRows>(matrix, weights, output, rows);
  }

  template <class Input>
  static void one_row(const Matrix& matrix, const Rows<Input>& rows) {
    constexpr int kWidth = Shape::kVectorsAlone * Float::kLanes;
    int output = 0;
    if constexpr (Shape::kTilesAlone > 1) {
      static_assert(kWidth == kTile, "whole tiles at once");
      for (; output + Shape::kTilesAlone * kTile <= matrix.outputs; output += Shape::kTilesAlone * kTile) {
        block<Shape::kTilesAlone, Shape::kVectorsAlone, 1>(matrix, output, rows);
      }
    }
    for (; output < matrix.outputs; output += kWidth) {
      block<1, Shape::kVectorsAlone, 1>(matrix, output, rows);
    }
  }

  template <int kRows, class Input>
  static void some_rows(const Matrix& matrix, int output, int count, const Rows<Input>& rows) {
    if constexpr (kRows >= 1) {
      if (count == kRows) {
        block<1, Shape::kVectors, kRows>(matrix, output, rows);
      } else {
        some_rows<kRows - 1>(matrix, output, count, rows);
      }
    }
  }

  // out (count, outputs) = x (count, inputs) times the matrix, plus its bias.
  template <class Input>
  static void multiply(const Matrix& matrix, int count, const Rows<Input>& rows) {
    if (count == 1) {
      one_row(matrix, rows);
      return;
    }
    constexpr int kWidth = Shape::kVectors * Float::kLanes;
    for (int output = 0; output < matrix.outputs; output += kWidth) {
      for (int row = 0; row < count; row += Shape::kRows) {
        const int now = count - row < Shape::kRows ? count - row : Shape::kRows;
        const Rows<Input> part{rows.x + row * rows.x_stride, rows.x_stride,
                               rows.steps == nullptr ? nullptr : rows.steps + row,
                               rows.out + row * rows.out_stride, rows.out_stride};
        some_rows<Shape::kRows>(matrix, output, now, part);
      }
    }
  }
};

}  // namespace
}  // namespace edgernn
